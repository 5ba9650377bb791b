#pragma once
// Signature transactions: the node's JSON signature and the service's COSE signature over a Merkle
// root, and the partial tree, as three values in the ledger.
// Source: docs/ledger-format.md, "Signature transactions".

#include <optional>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "crypto/cose.h"
#include "crypto/key.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"
#include "kv/write_set.h"
#include "ledger/merkle.h"

namespace entente::ledger {

namespace maps {
inline constexpr std::string_view signatures = "public:ccf.internal.signatures";
inline constexpr std::string_view cose_signatures = "public:ccf.internal.cose_signatures";
inline constexpr std::string_view tree = "public:ccf.internal.tree";
}  // namespace maps

// ---------------------------------------------------------------------------------------- making

/// With what a primary signs.
struct Signer {
  crypto::KeyPair node_key;
  std::string node_certificate;  ///< PEM, issued by the service
  crypto::KeyPair service_key;
  std::string issuer;   ///< CWT iss of the COSE signature
  std::string subject;  ///< CWT sub
};

/// The values of the three maps, under the unit key each.
struct SignatureValues {
  std::string node_signature;  ///< JSON object
  std::string cose_signature;  ///< JSON string, base64 of the COSE_Sign1
  Bytes tree;
  /// Views into this value: valid while it lives and does not move.
  kv::WriteSet write_set() const;
};

/// Signs the root over the leaves before the signature transaction `txid`; the tree must have
/// exactly txid.seqno leaves (asserted). Stores the leaves from `first` on, normally tree.first().
SignatureValues sign_root(const Signer& signer, const TxId& txid, const MerkleTree& tree,
                          uint64_t first, UnixTime issued_at);

// --------------------------------------------------------------------------------------- reading

/// The node's signature as stored.
struct NodeSignature {
  TxId txid;    ///< of the signature transaction
  Digest root;  ///< over leaves 0 … seqno-1
  NodeId node;
  std::optional<std::string> certificate;  ///< PEM; absent in 1.x
  Bytes signature;                         ///< DER
};

/// Errors name the JSON field.
Result<NodeSignature> parse_node_signature(BytesView json);
/// The signature over `signature.root` by the node's key.
Result<void> verify_node_signature(const NodeSignature& signature, const crypto::PublicKey& node);

/// The service's signature as stored, in a receipt also with proofs in the unprotected header.
struct CoseSignature {
  crypto::cose::Sign1 message;
  std::string kid;  ///< hex SHA-256 of the service key's SubjectPublicKeyInfo
  TxId txid;        ///< of the signature transaction
  std::string issuer;
  std::string subject;
  UnixTime issued_at{};
};

/// The COSE_Sign1 itself, payload detached. Errors name the header.
Result<CoseSignature> parse_cose_signature(BytesView encoded);
/// The ledger's value: a JSON string with its base64. The unprotected header must be empty.
Result<CoseSignature> parse_cose_signature_value(BytesView json);
/// Key id, algorithm and signature over `root`.
Result<void> verify_cose_signature(const CoseSignature& signature, const Digest& root,
                                   const crypto::PublicKey& service);

/// All three values of a signature transaction as found in its write set, parsed.
struct SignatureTransaction {
  NodeSignature node;
  std::optional<CoseSignature> cose;  ///< absent from older primaries
  std::optional<MerkleTree> tree;     ///< absent only in 1.x
};

/// Nullopt if the write set is not that of a signature transaction (has no `signatures` map).
/// Errors: other maps beside them, other keys than the unit key, values that do not parse, ids that
/// differ from `txid`, a tree whose size or root differs. Does not verify signatures.
Result<std::optional<SignatureTransaction>> read_signature(const kv::WriteSet& writes,
                                                           const TxId& txid);
/// Only the signature of the node, with the same checks of it: for who rebuilds the tree itself.
Result<std::optional<NodeSignature>> read_node_signature(const kv::WriteSet& writes,
                                                         const TxId& txid);

}  // namespace entente::ledger
