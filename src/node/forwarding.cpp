#include "node/forwarding.h"

#include <functional>

#include "entente/call.h"

namespace entente::node {
namespace {

/// How late a time-out or a change of view may be noticed.
constexpr std::chrono::milliseconds tick{20};
/// Ticks without any open call until the timekeeper sleeps: a wake-up for each of a series of
/// calls would cost more than a few ticks in vain.
constexpr int ticks_until_sleep = 50;

}  // namespace

Forwarding::Forwarding(ForwardingOptions options, rpc::Frontends& frontends,
                       replica::Replica& replica, const Clock& clock, SendMessages send)
    : options_(options),
      replica_(replica),
      clock_(clock),
      outbox_(std::make_shared<ForwardedOutbox>(std::move(send), options.max_payload)),
      calls_(options.max_open_calls) {
  for (size_t i = 0; i < std::max<size_t>(1, options.executors); ++i) {
    executors_.push_back(
        std::make_unique<ForwardedExecutor>(options.executor, frontends, replica, clock, outbox_));
  }
  timekeeper_ = std::thread([this] { keep_time(); });
}

Forwarding::~Forwarding() {
  stop();
}

void Forwarding::stop() {
  {
    const std::lock_guard lock(time_mutex_);
    stopping_ = true;
    time_changed_.notify_all();
  }
  if (timekeeper_.joinable()) timekeeper_.join();
  for (const auto& executor : executors_) executor->stop();
  outbox_->close();
  calls_.end(clock_.now());
}

// ----------------------------------------------------------------------------------- as a backup

rpc::Forwarded Forwarding::forward(const NodeId& primary, const http::Request& request,
                                   const rpc::SessionFacts& facts, rpc::ForwardedAnswer answer) {
  ForwardedRequest forwarded;
  forwarded.session = facts.session;
  forwarded.pinned_view = facts.pinned_view;
  forwarded.last_seen = facts.last_seen;
  forwarded.interface = facts.interface;
  forwarded.certificate = facts.certificate;
  forwarded.request = request;

  const auto correlation = calls_.open(
      {primary, facts.session, facts.pinned_view, clock_.now(), facts.patience, std::move(answer)});
  if (!correlation) return rpc::Forwarded::too_many;
  forwarded.correlation = *correlation;
  auto bytes = encode(forwarded, options_.max_payload);
  if (!bytes) {
    return calls_.cancel(*correlation) ? rpc::Forwarded::too_large : rpc::Forwarded::sent;
  }
  if (!outbox_->send(primary, net::MessageKind::forwarded_request, std::move(*bytes)) &&
      calls_.cancel(*correlation)) {
    return rpc::Forwarded::no_channel;
  }
  wake_timekeeper();
  return rpc::Forwarded::sent;
}

void Forwarding::response_received(const NodeId& from, const Bytes& payload) {
  auto answer = decode_forwarded_response(payload);
  if (answer.ok()) return calls_.answer(from, std::move(*answer));
  ++malformed_;
  const auto correlation = correlation_of_forwarded_response(payload);
  if (correlation) calls_.answer_unreadable(from, *correlation);
}

void Forwarding::connection_changed(const NodeId& peer, bool connected) {
  if (!connected) calls_.connection_lost(peer, clock_.now());
}

void Forwarding::wake_timekeeper() {
  if (!asleep_) return;
  const std::lock_guard lock(time_mutex_);
  asleep_ = false;
  time_changed_.notify_all();
}

void Forwarding::keep_time() {
  int idle_ticks = 0;
  std::unique_lock lock(time_mutex_);
  while (!stopping_) {
    idle_ticks = calls_.empty() ? idle_ticks + 1 : 0;
    if (idle_ticks < ticks_until_sleep) {
      time_changed_.wait_for(lock, tick);
    } else {
      // First the flag, then another look: whoever opens a call does it the other way round.
      asleep_ = true;
      if (calls_.empty()) time_changed_.wait(lock, [this] { return stopping_ || !asleep_; });
      asleep_ = false;
      idle_ticks = 0;
    }
    if (stopping_) return;
    lock.unlock();
    const MonotonicTime now = clock_.now();
    calls_.enter_view(replica_.view(), now);
    calls_.expire(now);
    lock.lock();
  }
}

// ---------------------------------------------------------------------------------- as the primary

void Forwarding::received(const NodeId& from, net::MessageKind kind, Bytes payload) {
  if (kind == net::MessageKind::forwarded_request) request_received(from, std::move(payload));
  if (kind == net::MessageKind::forwarded_response) response_received(from, payload);
}

void Forwarding::request_received(const NodeId& from, Bytes payload) {
  const auto route = route_of_forwarded_request(payload);
  if (!route) {
    ++malformed_;
    return;
  }
  // The same executor for all requests of a session keeps them in order.
  const size_t which = (std::hash<std::string>()(from.value) ^ route->session) % executors_.size();
  if (executors_[which]->put(from, std::move(payload))) return;
  ++refused_;
  ForwardedResponse answer;
  answer.correlation = route->correlation;
  set_error(answer.response, http::status::service_unavailable, errors::internal_error,
            "Too many forwarded requests wait for execution on the primary.");
  answer.response.set_header(http::header::retry_after, "1");
  outbox_->send_answer(from, answer);
}

ForwardingCounts Forwarding::counts() const {
  ForwardingCounts counts;
  counts.calls = calls_.counts();
  for (const auto& executor : executors_) {
    counts.executed += executor->executed();
    counts.malformed += executor->malformed();
  }
  counts.refused = refused_;
  counts.malformed += malformed_;
  counts.unsent = outbox_->unsent;
  return counts;
}

}  // namespace entente::node
