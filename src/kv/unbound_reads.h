#pragma once
// Reads that bind a transaction to nothing. For reads on behalf of somebody who must not be able to
// make the commit conflict, and whose answer may be that of the snapshot.

#include "entente/kv/tx.h"

namespace entente::kv {

/// While it lives, what is read in this transaction is of its snapshot as ever, and the commit does
/// not depend on it. Same thread as the transaction, which must outlive it.
class UnboundReads {
 public:
  explicit UnboundReads(ReadOnlyTx& tx);
  ~UnboundReads();
  UnboundReads(const UnboundReads&) = delete;
  UnboundReads& operator=(const UnboundReads&) = delete;

 private:
  TxBody& body_;
  const bool before_;
};

}  // namespace entente::kv
