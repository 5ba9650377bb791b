#pragma once
// Requests that wait for global commit. Any thread adds, the replica thread resolves; callbacks run
// outside the lock.

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "base/environment.h"
#include "replica/replica.h"

namespace entente::replica {

class Waiters {
 public:
  /// True if this is the earliest deadline of all: whoever sleeps must be told.
  bool add(TxId id, MonotonicTime deadline, FinalCallback callback);

  /// Calls back everybody up to `committed`, with the status of each id.
  template <typename StatusOf>
  void commit(SeqNo committed, const StatusOf& status_of) {
    run(take_up_to(committed), status_of);
  }
  /// Calls back everybody above `last`, which was rolled back.
  template <typename StatusOf>
  void truncate(SeqNo last, const StatusOf& status_of) {
    run(take_above(last), status_of);
  }
  /// Calls back, still pending, everybody whose time is over.
  void expire(MonotonicTime now);
  /// The node ends: everybody is called back, still pending.
  void expire_all();
  std::optional<MonotonicTime> next_deadline() const;

 private:
  using Key = std::pair<SeqNo, uint64_t>;  // and a number that makes it unique
  struct Waiter {
    TxId id;
    MonotonicTime deadline;
    FinalCallback callback;
  };
  template <typename StatusOf>
  static void run(std::vector<Waiter> ready, const StatusOf& status_of) {
    for (Waiter& waiter : ready) waiter.callback(status_of(waiter.id));
  }
  std::vector<Waiter> take_up_to(SeqNo committed);
  std::vector<Waiter> take_above(SeqNo last);
  std::vector<Waiter> take(std::map<Key, Waiter>::iterator begin,
                           std::map<Key, Waiter>::iterator end);

  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  std::map<Key, Waiter> waiting_;
  std::set<std::pair<MonotonicTime, Key>> deadlines_;
};

}  // namespace entente::replica
