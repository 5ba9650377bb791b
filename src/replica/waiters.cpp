#include "replica/waiters.h"

namespace entente::replica {

bool Waiters::add(TxId id, MonotonicTime deadline, FinalCallback callback) {
  const std::lock_guard lock(mutex_);
  const Key key{id.seqno, ++count_};
  waiting_.emplace(key, Waiter{id, deadline, std::move(callback)});
  return deadlines_.emplace(deadline, key).first == deadlines_.begin();
}

std::vector<Waiters::Waiter> Waiters::take(std::map<Key, Waiter>::iterator begin,
                                           std::map<Key, Waiter>::iterator end) {
  std::vector<Waiter> taken;
  for (auto waiter = begin; waiter != end; ++waiter) {
    deadlines_.erase({waiter->second.deadline, waiter->first});
    taken.push_back(std::move(waiter->second));
  }
  waiting_.erase(begin, end);
  return taken;
}

std::vector<Waiters::Waiter> Waiters::take_up_to(SeqNo committed) {
  const std::lock_guard lock(mutex_);
  return take(waiting_.begin(), waiting_.lower_bound({committed + 1, 0}));
}

std::vector<Waiters::Waiter> Waiters::take_above(SeqNo last) {
  const std::lock_guard lock(mutex_);
  return take(waiting_.lower_bound({last + 1, 0}), waiting_.end());
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
    all = take(waiting_.begin(), waiting_.end());
  }
  run(std::move(all), [](TxId) { return TxStatus::pending; });
}

std::optional<MonotonicTime> Waiters::next_deadline() const {
  const std::lock_guard lock(mutex_);
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

}  // namespace entente::replica
