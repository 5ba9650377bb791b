#pragma once
// Ledger secrets: the AES-256-GCM keys of the private domains, each from a start version on.
// Source: docs/ledger-format.md, "Ledger secrets and recovery shares".

#include <string>
#include <vector>

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::ledger {

struct LedgerSecret {
  SeqNo start;  ///< first entry encrypted with this key
  crypto::SymmetricKey key;
  crypto::HmacSha256 commit_secret;  ///< derived from the key; evidence of its entries
};

/// All secrets known, ascending by start. A value: readers on other threads hold a
/// std::shared_ptr<const LedgerSecrets> and get a new one after a rekey; const calls are
/// thread-safe. Wiped on destruction.
class LedgerSecrets {
 public:
  /// Error if start is 0, or if another key is already known under it. The same key again is fine.
  Result<void> add(SeqNo start, const crypto::SymmetricKey& key);

  /// The secret that applies to an entry (or snapshot): greatest start <= seqno. Null if none.
  const LedgerSecret* find(SeqNo seqno) const;
  /// The one with the greatest start. Null if empty.
  const LedgerSecret* latest() const { return secrets_.empty() ? nullptr : &secrets_.back(); }
  const std::vector<LedgerSecret>& all() const { return secrets_; }
  bool empty() const { return secrets_.empty(); }

  /// After a roll-back to `last`: secrets that start beyond last+1 never came to be.
  void truncate(SeqNo last);

 private:
  std::vector<LedgerSecret> secrets_;
};

/// HMAC key of the commit evidence of all entries under one ledger secret.
Digest derive_commit_secret(const crypto::SymmetricKey& ledger_secret);

/// `ce:<view>.<seqno>:<hex>`: unguessable until disclosed in a receipt, recomputable by whoever has
/// the ledger secret.
std::string commit_evidence(const LedgerSecret& secret, const TxId& txid);
/// H(commit evidence), what the entry stores. Does not allocate.
Digest commit_evidence_digest(const crypto::HmacSha256& commit_secret, const TxId& txid);

/// The transaction that a commit evidence text names; nullopt if the text is not of that form.
std::optional<TxId> evidence_txid(std::string_view commit_evidence);

}  // namespace entente::ledger
