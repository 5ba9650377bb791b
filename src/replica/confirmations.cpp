#include "replica/confirmations.h"

#include <algorithm>
#include <iterator>

namespace entente::replica {
namespace {
constexpr uint64_t no_barrier_yet = 0;
}  // namespace

void Confirmations::add(View view, MonotonicTime deadline, ConfirmedCallback callback) {
  const std::lock_guard lock(mutex_);
  barriers_[no_barrier_yet].push_back({view, deadline, std::move(callback)});
  earliest_ = std::min(earliest_, deadline);
}

std::optional<uint64_t> Confirmations::next_barrier(View view) {
  {
    const std::lock_guard lock(mutex_);
    const auto fresh = barriers_.find(no_barrier_yet);
    const auto other = [&](const Waiting& one) { return one.view != view; };
    const bool none = fresh == barriers_.end();
    const bool fit = none || std::none_of(fresh->second.begin(), fresh->second.end(), other);
    if (view == view_ && fit) return name_barrier();
    view_ = view;
  }
  refuse_if([&](const Waiting& one) { return one.view != view; });
  const std::lock_guard lock(mutex_);
  return name_barrier();
}

/// Under the lock.
std::optional<uint64_t> Confirmations::name_barrier() {
  auto fresh = barriers_.extract(no_barrier_yet);
  if (fresh.empty()) return std::nullopt;
  fresh.key() = ++last_barrier_;
  barriers_.insert(std::move(fresh));
  return last_barrier_;
}

void Confirmations::finish(uint64_t barrier, bool confirmed) {
  std::vector<Waiting> done;
  {
    const std::lock_guard lock(mutex_);
    const auto found = barriers_.find(barrier);
    if (found == barriers_.end()) return;  // all of them expired
    done = std::move(found->second);
    barriers_.erase(found);
  }
  for (const Waiting& one : done) one.callback(confirmed);
}

template <typename Condition>
void Confirmations::refuse_if(const Condition& condition) {
  std::vector<Waiting> refused;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [barrier, waiting] : barriers_) {
      const auto last = std::stable_partition(waiting.begin(), waiting.end(),
                                              [&](const Waiting& one) { return !condition(one); });
      std::move(last, waiting.end(), std::back_inserter(refused));
      waiting.erase(last, waiting.end());
    }
    std::erase_if(barriers_, [](const auto& one) { return one.second.empty(); });
    earliest_ = MonotonicTime::max();
    for (const auto& [barrier, waiting] : barriers_) {
      for (const Waiting& one : waiting) earliest_ = std::min(earliest_, one.deadline);
    }
  }
  for (const Waiting& one : refused) one.callback(false);
}

void Confirmations::expire(MonotonicTime now) {
  {
    const std::lock_guard lock(mutex_);
    if (now < earliest_) return;
  }
  refuse_if([&](const Waiting& one) { return one.deadline <= now; });
}

void Confirmations::refuse_all() {
  refuse_if([](const Waiting&) { return true; });
}

std::optional<MonotonicTime> Confirmations::next_deadline() const {
  const std::lock_guard lock(mutex_);
  if (barriers_.empty()) return std::nullopt;
  return earliest_;
}

}  // namespace entente::replica
