#pragma once
// What a historical state holds: the entry as it stands in the ledger, its decrypted writes, and
// the signature that proves it. Immutable once made, but for the store that is built on demand.

#include <memory>
#include <mutex>
#include <string>

#include "entente/history.h"
#include "kv/store.h"
#include "kv/write_set.h"
#include "ledger/receipt.h"
#include "ledger/signature.h"

namespace entente::history {

/// A verified signature transaction, shared by all states that it covers.
struct SignedRoot {
  ledger::SignatureTransaction values;  ///< `tree` is there
  std::string certificate;              ///< PEM of the node that signed
  Digest entry_digest;                  ///< of the signature's own entry
  size_t bytes = 0;                     ///< memory, roughly
};

struct State::Content {
  Bytes entry;
  Bytes plaintext;      ///< of the private domain
  kv::WriteSet writes;  ///< views into the two above
  TxId id;
  bool signature = false;
  ledger::LeafComponents components;  ///< not of signature transactions
  std::shared_ptr<const SignedRoot> root;

  size_t bytes() const;

  mutable std::once_flag built;
  mutable std::unique_ptr<kv::Store> store;
};

}  // namespace entente::history
