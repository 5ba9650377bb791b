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

  /// Calls back everybody whose transaction is final now, with its status: those up to the commit
  /// point, and above it those of views that ended without them.
  template <typename StatusOf>
  void commit(TxId committed, const StatusOf& status_of) {
    run(take_final(committed), status_of);
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
  std::vector<Waiter> take_final(TxId committed);
  void take(std::map<Key, Waiter>::iterator one, std::vector<Waiter>& taken);

  mutable std::mutex mutex_;
  uint64_t count_ = 0;
  View view_;  // of the last commit point
  std::map<Key, Waiter> waiting_;
  std::set<std::pair<MonotonicTime, Key>> deadlines_;
};

}  // namespace entente::replica
