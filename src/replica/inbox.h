#pragma once
// Where other threads leave work for the replica thread. Any number of writers, one reader. The
// mutex is held only for moving pointers.

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/environment.h"
#include "replica/batch.h"
#include "replica/ledger_sink.h"

namespace entente::replica {

/// The ledger holds everything up to here as the durability policy demands.
struct StableNotice {
  consensus::Epoch epoch;
  SeqNo upto;
};

/// Somebody waits for the Merkle root over the entries up to this one.
struct RootWanted {
  TxId id;
  std::shared_ptr<std::promise<Result<Digest>>> answer;
};

/// From an authenticated node, as it came over its link.
struct Incoming {
  NodeId from;
  Bytes bytes;
};

class Inbox {
 public:
  struct Content {
    std::vector<std::unique_ptr<Batch>> batches;
    std::vector<StableNotice> stable;
    std::vector<Incoming> messages;
    std::vector<LedgerRead> reads;
    std::vector<RootWanted> roots;
    std::map<NodeId, size_t> message_bytes;  ///< by sender, with what a message takes beside them
    void clear();
  };

  /// A reader that is going to wake up very soon by itself is not woken for this, unless the batch
  /// is urgent or much has gathered: one wake-up then serves many batches.
  void put(std::unique_ptr<Batch> batch);
  void put(StableNotice notice);
  void put(LedgerRead read);
  void put(RootWanted root);
  /// False: so much of this sender waits already that the message was dropped, which the protocol
  /// survives. A sender of whom nothing waits may send one of any size.
  bool put(Incoming message);
  uint64_t dropped_messages() const { return dropped_messages_; }  ///< so far; any thread
  /// Wakes the reader without content: a deadline changed, or the process ends.
  void wake();

  /// Everything that came since the last call, in order of arrival per writer.
  void take(Content& out);

  /// Blocks until something is put, wake() is called or the clock passes `deadline`.
  void wait_until(std::optional<std::chrono::steady_clock::time_point> deadline);

  /// Empty batches for reuse, so that a busy service does not allocate.
  std::unique_ptr<Batch> fresh_batch();
  void recycle(std::unique_ptr<Batch> batch);

 private:
  void notify(std::unique_lock<std::mutex>& lock, bool wake_reader);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<uint64_t> dropped_messages_{0};
  Content content_;                            // guarded by mutex_
  bool pending_ = false;                       // guarded by mutex_
  bool waiting_ = false;                       // guarded by mutex_
  bool wakes_soon_ = false;                    // guarded by mutex_; only while waiting_
  std::vector<std::unique_ptr<Batch>> spare_;  // guarded by mutex_
};

}  // namespace entente::replica
