#include "replica/waiters.h"

namespace entente::replica {

bool Waiters::add(TxId id, MonotonicTime deadline, FinalCallback callback) {
  const std::lock_guard lock(mutex_);
  const Key key{id.seqno, ++count_};
  waiting_.emplace(key, Waiter{id, deadline, std::move(callback)});
  return deadlines_.emplace(deadline, key).first == deadlines_.begin();
}

void Waiters::take(std::map<Key, Waiter>::iterator one, std::vector<Waiter>& taken) {
  deadlines_.erase({one->second.deadline, one->first});
  taken.push_back(std::move(one->second));
  waiting_.erase(one);
}

std::vector<Waiters::Waiter> Waiters::take_final(TxId committed) {
  std::vector<Waiter> taken;
  const std::lock_guard lock(mutex_);
  const auto above = waiting_.lower_bound({committed.seqno + 1, 0});
  while (waiting_.begin() != above) take(waiting_.begin(), taken);
  if (committed.view == view_) return taken;
  // The first commit point of a view: what earlier views left above it never commits.
  view_ = committed.view;
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    const auto next = std::next(one);
    if (one->second.id.view < committed.view) take(one, taken);
    one = next;
  }
  return taken;
}

void Waiters::expire(MonotonicTime now) {
  std::vector<Waiter> late;
  {
    const std::lock_guard lock(mutex_);
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      const auto waiter = waiting_.find(deadlines_.begin()->second);
      late.push_back(std::move(waiter->second));
      waiting_.erase(waiter);
      deadlines_.erase(deadlines_.begin());
    }
  }
  run(std::move(late), [](TxId) { return TxStatus::pending; });
}

void Waiters::expire_all() {
  std::vector<Waiter> all;
  {
    const std::lock_guard lock(mutex_);
    while (!waiting_.empty()) take(waiting_.begin(), all);
  }
  run(std::move(all), [](TxId) { return TxStatus::pending; });
}

std::optional<MonotonicTime> Waiters::next_deadline() const {
  const std::lock_guard lock(mutex_);
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace entente::replica
