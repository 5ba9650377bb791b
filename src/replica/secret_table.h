#pragma once
// The ledger secrets in force on this node: those that it was given when it started or joined, and
// those that transactions bring (a rekey). The secret that the transaction at seqno s brings
// applies from s + 1 on, on the node that executes it as on those that receive it: it is taken out
// of the same row of the same table. Source: docs/ledger-format.md (ledger secrets),
// docs/consensus.md.
//
// Thread-safe. Writes of the store come through a local hook, in version order and under the
// store's lock: whoever commits after such a transaction sees the generation that it made.

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "crypto/rsa.h"
#include "kv/write_set.h"
#include "ledger/entry_sealer.h"
#include "ledger/secret_broadcast.h"
#include "ledger/secrets.h"

namespace entente::replica {

class SecretTable {
 public:
  /// `key`: under which this node receives secrets. Without one it never learns of new ones.
  SecretTable(NodeId self, std::optional<crypto::RsaKeyPair> key);

  /// What this node was given. Replaces what was given before, keeps what transactions brought.
  void give(std::shared_ptr<const ledger::LedgerSecrets> secrets);
  /// The store's local hook. A secret that is not for this node, or that it cannot open, is logged:
  /// what follows in the ledger will not open then, and is refused.
  void write(SeqNo seqno, const std::vector<kv::Write>& writes);
  /// After a roll-back to `last`.
  void truncate(SeqNo last);

  /// Rises whenever get() would answer something else. A sealer looks here before each use.
  uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  std::shared_ptr<const ledger::LedgerSecrets> get() const;

 private:
  struct Learned {
    SeqNo by;  ///< the transaction
    SeqNo start;
    crypto::SymmetricKey key;
  };
  void rebuild();

  const NodeId self_;
  const std::optional<crypto::RsaKeyPair> key_;
  std::atomic<uint64_t> generation_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const ledger::LedgerSecrets> given_;    // guarded by mutex_
  std::vector<Learned> learned_;                          // guarded by mutex_; ascending by `by`
  std::shared_ptr<const ledger::LedgerSecrets> current_;  // guarded by mutex_
};

/// Before each use of a sealer whose owner remembers which generation it uses.
inline void use_newest(const SecretTable& table, ledger::EntrySealer& sealer, uint64_t& used) {
  const uint64_t newest = table.generation();
  if (newest == used) return;
  sealer.use(table.get());
  used = newest;
}

}  // namespace entente::replica
