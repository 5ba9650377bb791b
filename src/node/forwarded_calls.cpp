#include "node/forwarded_calls.h"

#include "entente/call.h"
#include "rpc/session.h"

namespace entente::node {
namespace {

using std::chrono::milliseconds;

MonotonicTime deadline(const ForwardedCall& call) {
  return call.sent + call.patience;
}

}  // namespace

std::optional<uint64_t> ForwardedCalls::open(ForwardedCall call) {
  const std::lock_guard lock(mutex_);
  if (ended_ || open_.size() >= max_open_) return std::nullopt;
  const uint64_t correlation = next_++;
  deadlines_.emplace(deadline(call), correlation);
  open_.emplace_hint(open_.end(), correlation, std::move(call));
  ++counts_.forwarded;
  return correlation;
}

void ForwardedCalls::forget(Open::iterator call) {
  deadlines_.erase({deadline(call->second), call->first});
  open_.erase(call);
}

bool ForwardedCalls::cancel(uint64_t correlation) {
  const std::lock_guard lock(mutex_);
  const auto call = open_.find(correlation);
  if (call == open_.end()) return false;
  forget(call);
  --counts_.forwarded;
  return true;
}

std::optional<ForwardedCall> ForwardedCalls::take(const NodeId& from, uint64_t correlation) {
  const std::lock_guard lock(mutex_);
  const auto call = open_.find(correlation);
  if (call == open_.end() || call->second.to != from) {
    ++counts_.late;
    return std::nullopt;
  }
  ForwardedCall taken = std::move(call->second);
  deadlines_.erase({deadline(taken), correlation});
  open_.erase(call);
  ++counts_.answered;
  return taken;
}

template <typename Condition>
std::vector<ForwardedCall> ForwardedCalls::take_if(const Condition& condition) {
  std::vector<ForwardedCall> taken;
  const std::lock_guard lock(mutex_);
  for (auto call = open_.begin(); call != open_.end();) {
    const auto next = std::next(call);
    if (condition(call->second)) {
      deadlines_.erase({deadline(call->second), call->first});
      taken.push_back(std::move(call->second));
      open_.erase(call);
    }
    call = next;
  }
  counts_.cut_off += taken.size();
  return taken;
}

void ForwardedCalls::answer(const NodeId& from, ForwardedResponse&& answer) {
  if (const auto call = take(from, answer.correlation)) {
    call->answer(std::move(answer.response), answer.last_seen);
  }
}

void ForwardedCalls::answer_unreadable(const NodeId& from, uint64_t correlation) {
  const auto call = take(from, correlation);
  if (!call) return;
  http::Response response;
  set_error(response, http::status::internal_server_error, errors::internal_error,
            "The answer of the primary could not be read.");
  call->answer(std::move(response), {});
}

void ForwardedCalls::answer_timed_out(const ForwardedCall& call, MonotonicTime now, bool close) {
  http::Response response;
  rpc::set_forwarding_timed_out(response, call.to,
                                std::chrono::duration_cast<milliseconds>(now - call.sent));
  response.close = close;
  call.answer(std::move(response), {});
}

void ForwardedCalls::expire(MonotonicTime now) {
  std::vector<ForwardedCall> expired;
  {
    const std::lock_guard lock(mutex_);
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const auto call = open_.find(deadlines_.begin()->second);
      deadlines_.erase(deadlines_.begin());
      expired.push_back(std::move(call->second));
      open_.erase(call);
    }
    counts_.timed_out += expired.size();
  }
  // The text names the configured patience, not when a clock happened to be looked at.
  for (const ForwardedCall& call : expired) answer_timed_out(call, deadline(call), false);
}

void ForwardedCalls::connection_lost(const NodeId& peer, MonotonicTime now) {
  for (const ForwardedCall& call :
       take_if([&](const ForwardedCall& one) { return one.to == peer; })) {
    answer_timed_out(call, now, true);
  }
}

void ForwardedCalls::enter_view(View view, MonotonicTime now) {
  for (const ForwardedCall& call :
       take_if([&](const ForwardedCall& one) { return one.view != view; })) {
    // The former primary may have executed it, and a later one may hold what it wrote: to say that
    // nothing happened would be wrong.
    answer_timed_out(call, now, true);
  }
}

void ForwardedCalls::end(MonotonicTime now) {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  for (const ForwardedCall& call : take_if([](const ForwardedCall&) { return true; })) {
    answer_timed_out(call, now, true);
  }
}

bool ForwardedCalls::empty() const {
  const std::lock_guard lock(mutex_);
  return open_.empty();
}

ForwardedCallCounts ForwardedCalls::counts() const {
  const std::lock_guard lock(mutex_);
  ForwardedCallCounts counts = counts_;
  counts.open = open_.size();
  return counts;
}

}  // namespace entente::node
