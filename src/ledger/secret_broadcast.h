#pragma once
// How a new ledger secret reaches the nodes: sealed for each of them with its public encryption key
// in one transaction of the ledger. Pure functions over values.
// Source: docs/ledger-format.md, "Ledger secrets and recovery shares".

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/rsa.h"
#include "crypto/secret.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::ledger {

namespace maps {
inline constexpr std::string_view encrypted_ledger_secrets =
    "public:ccf.internal.encrypted_ledger_secrets";
}  // namespace maps

/// Value of `encrypted_ledger_secrets`: what each node gets.
struct SecretBroadcast {
  struct Item {
    std::optional<SeqNo> version;  ///< start; absent on a rekey: seqno of the write + 1
    Bytes sealed;                  ///< RSA-OAEP (crypto/rsa.h) of the 32 bytes
    std::optional<SeqNo> previous_secret_stored_version;

    SeqNo start(SeqNo written_at) const { return version ? *version : written_at + 1; }
  };
  std::map<NodeId, std::vector<Item>> nodes;

  std::string json() const;
};
Result<SecretBroadcast> parse_secret_broadcast(BytesView json);

/// Errors: the key is too small.
Result<Bytes> seal_ledger_secret(const crypto::SymmetricKey& secret,
                                 const crypto::RsaPublicKey& node);
/// Errors: not for this key, or no secret.
Result<crypto::SymmetricKey> open_ledger_secret(BytesView sealed, const crypto::RsaKeyPair& node);

}  // namespace entente::ledger
