#pragma once
// Turning a transaction's writes into a ledger entry, and back. This is on the path of every
// transaction: the size is computed first, the bytes are written once, encrypted in place and
// hashed; nothing is allocated beyond the caller's buffer.
// Source: docs/ledger-format.md, "Entry framing", "Write set serialisation", "Leaf of an entry".

#include <memory>
#include <optional>
#include <vector>

#include "crypto/aead.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"
#include "kv/write_set.h"
#include "ledger/entry.h"
#include "ledger/secrets.h"

namespace entente::ledger {

struct SealedEntry {
  size_t size = 0;  ///< bytes appended, framing included
  Digest write_set_digest;
  Digest commit_evidence_digest;
  Digest leaf;
};

enum class Domain { in_clear, encrypted };
/// The maps of one domain as they stand in an entry (inverse of read_maps): those whose name starts
/// with `public:`, or the others. Maps without writes are left out.
Bytes encode_maps(const kv::WriteSet& writes, Domain domain);

/// Exact size in bytes of the entry that seal() makes out of these writes.
uint64_t sealed_size(const kv::WriteSet& writes);

/// Seals and opens entries under the ledger secrets. Not thread-safe: one per worker thread, all
/// sharing the secrets. Key schedules are kept per secret. Movable.
class EntrySealer {
 public:
  explicit EntrySealer(std::shared_ptr<const LedgerSecrets> secrets);

  /// After a rekey or roll-back of one. Key schedules are made anew when next needed.
  void use(std::shared_ptr<const LedgerSecrets> secrets);
  const LedgerSecrets& secrets() const { return *secrets_; }

  /// Appends one entry of type 4 to `out`. `writes`: maps ascend by name, keys within them; maps
  /// without writes are left out. `flags`: close_chunk_after/before. Asserted: a secret applies to
  /// the seqno, ids are in range, the entry is below max_entry_size. Each id must be sealed once.
  SealedEntry seal(const kv::WriteSet& writes, const TxId& txid, const Digest& claims_digest,
                   uint8_t flags, Bytes& out);
  /// The same into exactly sealed_size(writes) bytes.
  SealedEntry seal_into(const kv::WriteSet& writes, const TxId& txid, const Digest& claims_digest,
                        uint8_t flags, std::span<uint8_t> out);

  /// Decrypts the private domain into `plaintext` (resized) and authenticates the entry. Also for
  /// snapshots. Errors: no secret for this seqno, the tag does not match (plaintext is then empty).
  Result<void> open(const EntryView& entry, Bytes& plaintext);

  /// open(), and the maps of both domains. Private keys and values point into `plaintext`, public
  /// ones into the entry.
  Result<kv::WriteSet> open_maps(const EntryView& entry, Bytes& plaintext,
                                 Ordering ordering = Ordering::required);

  /// For types 3 and 4: the stored evidence digest is that of the id and the secret.
  Result<void> check_commit_evidence(const EntryView& entry) const;

 private:
  struct Keyed {
    const LedgerSecret* secret;  ///< within *secrets_
    crypto::Aes256Gcm cipher;
  };
  Keyed* keyed(SeqNo seqno);

  std::shared_ptr<const LedgerSecrets> secrets_;
  std::vector<Keyed> keyed_;  ///< those used so far
};

}  // namespace entente::ledger
