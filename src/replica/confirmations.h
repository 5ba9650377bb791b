#pragma once
// Reads that wait until it is certain that this node still led after they were executed. All that
// come between two steps of the replica share one barrier of consensus. Any thread adds, the
// replica thread does the rest; callbacks run outside the lock. A step looks at everybody only when
// the view has changed or a deadline may have passed.

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "replica/replica.h"

namespace entente::replica {

class Confirmations {
 public:
  void add(View view, MonotonicTime deadline, ConfirmedCallback callback);

  /// The number of a barrier for everybody who came since the last call; nothing if nobody did.
  /// Who read in another view than this one is refused.
  std::optional<uint64_t> next_barrier(View view);
  void finish(uint64_t barrier, bool confirmed);
  /// Refuses everybody whose time is over.
  void expire(MonotonicTime now);
  void refuse_all();
  std::optional<MonotonicTime> next_deadline() const;

 private:
  struct Waiting {
    View view;
    MonotonicTime deadline;
    ConfirmedCallback callback;
  };
  std::optional<uint64_t> name_barrier();
  template <typename Condition>
  void refuse_if(const Condition& condition);

  mutable std::mutex mutex_;
  uint64_t last_barrier_ = 0;                          // guarded by mutex_
  View view_;                                          // guarded by mutex_; of the last step
  MonotonicTime earliest_ = MonotonicTime::max();      // guarded by mutex_; no deadline is before
  std::map<uint64_t, std::vector<Waiting>> barriers_;  // guarded by mutex_; 0: none yet
};

}  // namespace entente::replica
