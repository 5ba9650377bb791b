#pragma once
// The inside of a replica (see replica.h): what the replica thread alone touches, and what it tells
// the other threads.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "base/occasional.h"
#include "consensus/raft/raft.h"
#include "crypto/key.h"
#include "ledger/entry_sealer.h"
#include "ledger/merkle.h"
#include "replica/arrival.h"
#include "replica/confirmations.h"
#include "replica/fastest.h"
#include "replica/inbox.h"
#include "replica/lane.h"
#include "replica/node_table.h"
#include "replica/recent_entries.h"
#include "replica/replica.h"
#include "replica/sequencer.h"
#include "replica/transport.h"
#include "replica/waiters.h"

namespace entente::replica {

/// Entries that are in the log and not yet given to the ledger: of one view, back to back.
struct Unwritten {
  SeqNo first;
  View view;
  Bytes bytes;
  std::vector<uint32_t> sizes;
  SeqNo last() const { return first + sizes.size() - 1; }
};

/// Given to the ledger, and not yet said to be stable.
struct Unstable {
  consensus::Epoch epoch;
  SeqNo last;
  size_t bytes;
};

struct Signature {
  SeqNo seqno;
  std::optional<MonotonicTime> made;  ///< by this node
};

struct Replica::Tail {
  static constexpr std::chrono::seconds costs_remembered{5};

  Tail(const ReplicaOptions& options, Inbox& inbox);

  consensus::Raft core;
  ledger::MerkleTree tree;
  ledger::EntrySealer sealer;
  uint64_t generation = 0;  // of the secrets that it uses
  Sequencer sequencer;
  Inbox::Content received;                       // kept for its memory
  std::vector<consensus::EntryMeta> to_propose;  // in order, in the tree, not yet proposed
  Unwritten unwritten;
  std::deque<Unstable> unstable;
  std::optional<MonotonicTime> gave_way;  // when a disk that lags made it offer leadership
  RecentEntries recent;
  std::vector<consensus::Outputs::Send> sends;  // leave when what they carry is in `recent`
  std::map<NodeId, View> reading;               // for whom the ledger is being read, in which view
  std::vector<RootWanted> roots_wanted;         // of entries that are not in the tree yet
  std::vector<Letter> letters;                  // ready to leave at the end of the step
  bool has_peers = false;
  consensus::Epoch epoch;                         // that store and sequencer are in
  std::optional<kv::Reservation> signature_slot;  // the signature that is asked for
  std::deque<Signature> signatures;               // in the log, above the commit point
  uint64_t chunk_bytes = 0;                       // of entries since the last chunk end
  std::optional<MonotonicTime> wake_at;           // as consensus asked
  SeqNo missing;                                  // held up everything at the last step …
  std::optional<MonotonicTime> missing_since;     // … and has done so since then
  std::unique_ptr<Lane> lane;                     // for what replication itself writes
  std::optional<std::pair<consensus::Epoch, std::set<NodeId>>> retiring;  // proposed already
  std::map<NodeId, std::pair<std::string, crypto::PublicKey>> signers;    // parsed certificates
  MonotonicTime now{0};                                                   // of this step
  std::optional<MonotonicTime> verified_at;  // when signatures were last verified, not only roots
  Bytes plaintext;                           // kept for its memory
  MonotonicTime details_at{0};               // when details were last published
  uint64_t dropped_messages = 0;             // that were logged
  Fastest signing{costs_remembered};         // one signature
  Fastest round_trip{costs_remembered};      // from a signature to its commit
  std::pair<MonotonicTime, MonotonicTime> reported{};  // round trip and signing, to consensus
  // What may be logged again and again:
  Occasional refusals{std::chrono::seconds(1)};  // of messages
  Occasional drops{std::chrono::seconds(1)};     // of messages
  Occasional lacks{std::chrono::seconds(10)};    // nodes lack what the ledger no longer has

  /// The last entry that store, tree and ledger hold.
  SeqNo installed() const { return SeqNo{tree.size() - 1}; }
};

struct Replica::Lanes {
  std::mutex mutex;
  std::vector<std::weak_ptr<Lane::Content>> made;  // guarded by mutex

  void add(const std::shared_ptr<Lane::Content>& lane) {
    const std::lock_guard lock(mutex);
    std::erase_if(made, [](const auto& one) { return one.expired(); });
    made.push_back(lane);
  }
  template <typename Visit>
  void each(const Visit& visit) {
    const std::lock_guard lock(mutex);
    for (const auto& one : made) {
      if (const auto lane = one.lock()) visit(*lane);
    }
  }
};

struct Replica::Published {
  mutable std::mutex mutex;
  TxId committed;                 // guarded by mutex
  consensus::Details details;     // guarded by mutex
  std::condition_variable moved;  // of committed; only when somebody brakes
  std::atomic<int> braking{0};
  std::atomic<uint64_t> view{0};
  std::atomic<bool> primary{false};
  std::atomic<uint64_t> last_signed{0};
  std::atomic<uint64_t> refused_messages{0};
  std::atomic<uint64_t> unstable_bytes{0};
  Waiters waiters;
};

}  // namespace entente::replica
