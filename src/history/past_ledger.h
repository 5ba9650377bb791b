#pragma once
// Reads transactions back from the ledger files and believes nothing in them: each entry must be a
// leaf of a Merkle tree whose root this service has signed, and must open under the ledger secret
// of its seqno. Source: docs/ledger-format.md (Merkle tree, signatures, encryption).

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "crypto/x509.h"
#include "entente/history.h"
#include "entente/result.h"
#include "history/state.h"
#include "ledger/entry_sealer.h"
#include "ledger/ledger_writer.h"
#include "ledger/secrets.h"

namespace entente::history {

/// Where the past comes from. The functions are called on the history thread, the certificate also
/// on workers; each is thread-safe.
struct LedgerSources {
  const ledger::LedgerWriter& ledger;
  std::function<std::shared_ptr<const ledger::LedgerSecrets>()> secrets;
  /// Certificate of the current service identity. Older identities are refused.
  std::function<crypto::Certificate()> service;
  CoseSignaturesConfig cose_signatures = {};  ///< for applications to read
};

/// Not thread-safe: belongs to the history thread.
class PastLedger {
 public:
  explicit PastLedger(LedgerSources sources);

  /// States from `first` on, in order: at least one, at most up to `last`, as many as fit in
  /// `max_bytes`. `committed`: the last globally committed transaction, a signature; not below
  /// `last`. Errors name the seqno.
  Result<std::vector<StatePtr>> read(SeqNo first, SeqNo last, SeqNo committed, uint64_t max_bytes);

 private:
  /// Transactions between two signatures, the second one included.
  struct Interval {
    SeqNo first;  ///< no signature from here up to the root's
    std::shared_ptr<const SignedRoot> root;
    SeqNo last() const { return root->values.node.txid.seqno; }
  };

  Result<Interval> interval_of(SeqNo seqno, SeqNo committed);
  Result<Interval> find_interval(SeqNo seqno, SeqNo committed);
  /// Nullopt if the entry is not a signature transaction.
  Result<std::shared_ptr<const SignedRoot>> read_signed_root(BytesView entry, SeqNo seqno);
  Result<void> verify(SignedRoot& root) const;
  Result<StatePtr> read_state(BytesView entry, SeqNo seqno, const Interval& interval);

  LedgerSources sources_;
  ledger::EntrySealer sealer_;
  std::deque<Interval> recent_;  ///< verified last, newest first
};

}  // namespace entente::history
