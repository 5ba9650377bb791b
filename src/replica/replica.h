#pragma once
// One replicated copy of the service: turns the store, the ledger and consensus into one commit
// pipeline. Workers execute transactions through their lane; step() — called by one thread, the
// replica thread, and nobody else — takes what the lanes handed over in order, extends the Merkle
// tree, asks consensus, signs, writes the ledger and moves the commit point. Deterministic given
// its inputs: clock, disk and keys are handed in. Source: docs/architecture.md (life of a write).

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.h"
#include "consensus/core.h"
#include "consensus/signature_policy.h"
#include "crypto/rsa.h"
#include "entente/json.h"
#include "entente/types.h"
#include "kv/store.h"
#include "ledger/entry.h"
#include "ledger/secrets.h"
#include "ledger/signature.h"
#include "replica/node_table.h"

namespace entente::replica {

class Confirmations;
class Inbox;
class LedgerSink;
class Replica;
class SecretTable;
class Transport;
struct Arrival;
struct Incoming;
struct LedgerRead;
struct Signature;
struct StableNotice;

/// Configurations that may be in the log, uncommitted, at one time: endpoints that change
/// membership refuse more (see Replica::pending_configurations). What several workers let through
/// at the same moment is within the bound that consensus enforces.
inline constexpr size_t max_pending_configurations = 3;

/// What a handler may ask of the commit of its transaction.
struct CommitOptions {
  Digest claims{};      ///< claims digest of the entry; zeros when the application sets none
  bool urgent = false;  ///< somebody waits for global commit: sign soon
  kv::CommitConditions conditions = {};
};

/// A worker thread's way into the pipeline. Owned and used by one thread.
class Lane {
 public:
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Validates, orders and installs the transaction under the store's short lock, then encodes,
  /// encrypts and hashes its entry outside of it. The entry waits in the lane until hand_over():
  /// everything that others commit later waits behind it, for at most `gap_patience`.
  kv::CommitResult commit(kv::Tx& tx, const CommitOptions& options = {});

  /// Gives everything committed since the last call to the replica thread; false if there was
  /// nothing. Call it once after a batch of requests and before their answers leave.
  bool hand_over();

 private:
  friend class Replica;
  struct Content;
  explicit Lane(std::shared_ptr<Content> content);
  std::shared_ptr<Content> content_;
};

/// When entries of others have waited this long behind entries in a lane, they are fetched from
/// there: its thread runs a long handler. Longer than what the inbox calls soon.
inline constexpr MonotonicTime gap_patience{4000};

/// Called once, on the replica thread or at once on the caller's: the transaction is final
/// (committed or invalid), or still pending at the deadline.
using FinalCallback = std::function<void(TxStatus)>;

/// Called once, on the replica thread or at once on the caller's.
using ConfirmedCallback = std::function<void(bool confirmed)>;

/// Asked by requests; every method is thread-safe and cheap.
class Status {
 public:
  virtual ~Status() = default;
  virtual TxStatus status(TxId id) const = 0;
  /// The last globally committed transaction; {0,0} before the first.
  virtual TxId committed() const = 0;
  virtual TxId last() const = 0;
  virtual View view() const = 0;
  virtual bool is_primary() const = 0;
  virtual std::optional<NodeId> primary() const = 0;
  /// Element i is the first seqno of view i+1.
  virtual std::vector<SeqNo> view_starts() const = 0;
  /// The view of a local entry, or {0}.
  virtual View view_of(SeqNo seqno) const = 0;
  virtual consensus::Details details() const = 0;
  /// Too many transactions or bytes wait for global commit: new requests get 503.
  virtual bool over_limit() const = 0;
  virtual SeqNo last_signed() const = 0;
  virtual void when_final(TxId id, MonotonicTime deadline, FinalCallback callback) = 0;
  /// True as soon as this node has certainly been the primary of `view` after this call: a read
  /// that it executed in that view before the call saw everything that was answered before. False
  /// if it is not, ceases to be, or the deadline comes first. Source: docs/consensus.md (reads).
  virtual void confirm_leadership(View view, MonotonicTime deadline,
                                  ConfirmedCallback callback) = 0;
};

struct ReplicaOptions {
  NodeId self;
  std::string address;  ///< `host:port` of the node-to-node interface, as others dial it
  std::optional<ledger::Signer> signer;                  ///< may come with join_service()
  std::shared_ptr<const ledger::LedgerSecrets> secrets;  ///< likewise: empty until then
  /// Under which this node receives later ledger secrets. None: there will not be any.
  std::optional<crypto::RsaKeyPair> encryption_key;
  consensus::SignatureLimits signatures;
  uint64_t chunk_size = 5 << 20;                  ///< bytes of entries, then the chunk is closed
  uint64_t max_uncommitted_transactions = 10000;  ///< 0: unlimited
  uint64_t max_uncommitted_bytes = 64 << 20;      ///< 0: unlimited
  std::chrono::microseconds heartbeat{100'000};
  std::chrono::microseconds election_timeout{5'000'000};
  uint64_t seed = 0;  ///< of the election deadlines
};

/// Messages of other nodes that came to nothing, so far.
struct MessageCounts {
  uint64_t refused = 0;  ///< malformed, or not what the protocol allows
  uint64_t dropped = 0;  ///< came faster than they could be taken
};

class Replica final : public Status {
 public:
  /// Everything handed in must outlive the replica.
  Replica(ReplicaOptions options, kv::Store& store, Inbox& inbox, LedgerSink& sink,
          Transport& transport, const Clock& clock);
  ~Replica() override;

  /// A new service of which this node is the only voter. Once, before any lane is used.
  void start_service();
  /// A node that holds nothing yet and was accepted by an existing service: it follows whoever
  /// leads. Instead of start_service(); lanes may exist, but nothing was committed by them.
  void join_service(ledger::Signer signer, std::shared_ptr<const ledger::LedgerSecrets> secrets);

  /// For each thread that executes transactions. Lanes must go before the replica.
  std::unique_ptr<Lane> make_lane();

  // Replica thread only.

  /// Does everything that can be done now. Returns when it must be called again, if nothing comes
  /// into the inbox before.
  std::optional<MonotonicTime> step();
  /// Where the parts of the pipeline stand, for checkers (sim/replicas).
  struct Tip {
    TxId log;              ///< last entry of consensus
    SeqNo tree;            ///< last leaf of the Merkle tree
    bool settled = false;  ///< nothing is between the store and consensus
    Digest root;           ///< over the leaves up to the commit point
    TxId committed;
  };
  Tip tip() const;
  /// step() again and again until stop() was called, sleeping in between.
  void run();

  // Any thread.

  void stop();
  /// Holds up a thread that has written while half of what may be uncommitted is, until commits
  /// move or a short while has passed: writers come down to the pace of the service before they
  /// are turned away. False if there was no reason to hold it up.
  bool brake();
  /// Everybody who waits for a commit is answered now, still pending.
  void answer_waiting();
  /// In the log and not globally committed.
  size_t pending_configurations() const;
  /// If this node leads, the one that is furthest is asked to take over.
  void hand_over_leadership();
  /// As of the last entry here, committed or not.
  Standing standing(const NodeId& node) const;
  MessageCounts message_counts() const;
  /// Those of the last local transaction included, committed or not.
  std::shared_ptr<const ledger::LedgerSecrets> secrets() const;
  /// The Merkle root over the entries of this node up to and including `id`. Waits until the
  /// replica thread has it, at most a second. Errors: not in this node's log in that view, or so
  /// old that its root is no longer known. Never on the replica thread.
  Result<Digest> root_at(TxId id);
  /// The next signature closes the open ledger chunk.
  void request_chunk() { chunk_requested_ = true; }

  TxStatus status(TxId id) const override;
  TxId committed() const override;
  TxId last() const override;
  View view() const override;
  bool is_primary() const override;
  std::optional<NodeId> primary() const override;
  std::vector<SeqNo> view_starts() const override;
  View view_of(SeqNo seqno) const override;
  consensus::Details details() const override;
  bool over_limit() const override;
  SeqNo last_signed() const override;
  void when_final(TxId id, MonotonicTime deadline, FinalCallback callback) override;
  void confirm_leadership(View view, MonotonicTime deadline, ConfirmedCallback callback) override;

 private:
  struct Tail;       // what the replica thread alone touches
  struct Published;  // what it tells the others
  struct Lanes;      // all that were made

  void drain(MonotonicTime now);
  bool fetch_what_is_missing(MonotonicTime now);
  bool fetch_from_lanes();
  void answer_roots(MonotonicTime now);
  std::optional<Result<Digest>> root_of(TxId id) const;
  void publish_details();
  void note_dropped_messages();
  void extend(const consensus::EntryMeta& meta, BytesView bytes);
  void note_extended(const consensus::EntryMeta& meta);
  void note_signature(const Signature& signature);
  void report_costs();
  void propose(MonotonicTime now);
  bool sign(MonotonicTime now);
  void commit_up_to(SeqNo seqno);
  void write_ledger();
  void note_stable(const StableNotice& notice);
  void give_way(MonotonicTime now);

  // replication.cpp: with other nodes
  void obey(consensus::Outputs outputs, const Arrival* arrival = nullptr);
  void truncate(const consensus::Outputs::Truncate& cut);
  void enter_epoch(consensus::Epoch epoch);
  void take_role(const consensus::Outputs::Role& role, bool opens_view);
  void receive(Incoming message, MonotonicTime now);
  void install(const consensus::Outputs::Append& append, const Arrival& arrival);
  Result<void> install(const consensus::EntryMeta& meta, const ledger::EntryView& entry);
  Result<void> check_signature(const TxId& id, const kv::WriteSet& writes);
  Result<const crypto::PublicKey*> signer_key(const ledger::NodeSignature& signature);
  void transmit();
  void transmit(consensus::Outputs::Send send);
  void catch_up(LedgerRead read);
  void retire(const std::set<NodeId>& nodes);
  void retire_learners();
  void promote_learners();
  std::optional<TxId> rewrite_rows(const std::set<NodeId>& nodes,
                                   const std::function<void(json::object&)>& change);

  ReplicaOptions options_;  // const once the service is started or joined
  kv::Store& store_;
  Inbox& inbox_;
  LedgerSink& sink_;
  Transport& transport_;
  const Clock& clock_;
  std::atomic<bool> chunk_requested_{false};
  std::atomic<bool> hand_over_requested_{false};
  std::atomic<bool> stopping_{false};
  std::unique_ptr<NodeTable> nodes_;
  std::unique_ptr<SecretTable> secrets_;
  std::unique_ptr<Tail> tail_;
  std::unique_ptr<Published> published_;
  std::unique_ptr<Lanes> lanes_;
  std::unique_ptr<Confirmations> confirmations_;
};

}  // namespace entente::replica
