#pragma once
// One replicated copy of the service: turns the store, the ledger and consensus into one commit
// pipeline. Workers execute transactions through their lane; step() — called by one thread, the
// replica thread, and nobody else — takes what the lanes handed over in order, extends the Merkle
// tree, asks consensus, signs, writes the ledger and moves the commit point. Deterministic given
// its inputs: clock, disk and keys are handed in. Source: docs/architecture.md (life of a write).

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/environment.h"
#include "consensus/core.h"
#include "entente/types.h"
#include "kv/store.h"

namespace entente::replica {

class Replica;

/// What a handler may ask of the commit of its transaction.
struct CommitOptions {
  Digest claims{};      ///< claims digest of the entry; zeros when the application sets none
  bool urgent = false;  ///< somebody waits for global commit: sign soon
};

/// A worker thread's way into the pipeline. Owned and used by one thread.
class Lane {
 public:
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// Validates, orders and installs the transaction under the store's short lock, then encodes,
  /// encrypts and hashes its entry outside of it. The entry waits in the lane until hand_over().
  kv::CommitResult commit(kv::Tx& tx, const CommitOptions& options = {});

  /// Gives everything committed since the last call to the replica thread. Call it once after a
  /// batch of requests and before their answers leave.
  void hand_over();

 private:
  friend class Replica;
  struct Content;
  explicit Lane(std::unique_ptr<Content> content);
  std::unique_ptr<Content> content_;
};

/// Called once, on the replica thread or at once on the caller's: the transaction is final
/// (committed or invalid), or still pending at the deadline.
using FinalCallback = std::function<void(TxStatus)>;

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
};

}  // namespace entente::replica
