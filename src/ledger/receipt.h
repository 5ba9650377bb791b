#pragma once
// Receipts: proof to anybody who trusts the service certificate that a transaction is committed.
// Two forms: JSON (signed by a node) and COSE (signed by the service).
// Source: docs/ledger-format.md, "Receipts".

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "crypto/key.h"
#include "crypto/x509.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"
#include "ledger/endorsement.h"
#include "ledger/merkle.h"
#include "ledger/signature.h"

namespace entente::ledger {

inline constexpr size_t max_receipt_size = 1 << 20;      ///< bytes
inline constexpr size_t max_service_endorsements = 100;  ///< certificates in one receipt

/// What makes up a leaf. A verifier may have to supply the claims digest itself.
struct LeafComponents {
  Digest write_set_digest;
  std::string commit_evidence;
  std::optional<Digest> claims_digest;  ///< absent: entry type 3, or removed for the verifier

  /// H(w || H(evidence) || claims), without claims H(w || H(evidence)).
  Digest leaf() const;
};

/// A JSON receipt. Exactly one of `components` and `leaf` is there.
struct Receipt {
  std::optional<LeafComponents> components;
  std::optional<Digest> leaf;  ///< signature transactions (the signed root, empty proof), type 0
  MerklePath proof;
  Bytes signature;  ///< DER, by the node over the root
  NodeId node;
  std::string certificate;  ///< PEM of the node
  /// PEM; the first endorses the service identity that issued `certificate`, each following one
  /// the one before, the trusted service certificate the last. Mostly empty.
  std::vector<std::string> service_endorsements;
};

/// The receipt of the transaction `seqno`, proven by the signature `signature` whose tree is
/// `tree` (size = seqno of the signature transaction, holding leaf `seqno`: asserted).
/// `certificate`: the signing node's, for signatures that do not carry it.
Receipt make_receipt(const LeafComponents& components, SeqNo seqno, const MerkleTree& tree,
                     const NodeSignature& signature, const std::string& certificate);
/// The receipt of a signature transaction itself.
Receipt make_signature_receipt(const NodeSignature& signature, const std::string& certificate);

json::value to_json(const Receipt& receipt);
/// Reads the common form and the typed form (`is_signature_transaction`, `root_hex`). Unknown
/// fields are skipped. Errors name the field.
Result<Receipt> receipt_from_json(const json::value& document);
Result<Receipt> parse_receipt(std::string_view json_text);

/// The COSE receipt of a transaction of entry type 4, from the stored COSE signature.
Bytes make_cose_receipt(const LeafComponents& components, SeqNo seqno, const MerkleTree& tree,
                        const CoseSignature& signature);
/// Only its inclusion proof (the CBOR map).
Bytes make_inclusion_proof(const LeafComponents& components, const MerklePath& path);

struct InclusionProof {
  LeafComponents components;  ///< claims digest always there
  MerklePath path;
};
struct CoseReceipt {
  CoseSignature signature;
  std::vector<InclusionProof> proofs;  ///< at least one
};
Result<CoseReceipt> parse_cose_receipt(BytesView encoded);

// ------------------------------------------------------------------------------------- verifying

struct ReceiptTrust {
  /// The service identity that the verifier trusts.
  crypto::Certificate service;
  /// What the verifier knows the claims of the transaction to hash to. Used where the receipt has
  /// no claims digest, compared where it has one.
  std::optional<Digest> claims_digest = std::nullopt;
  /// COSE receipts of an earlier service identity only: the COSE endorsements from the newest
  /// (signed by the trusted key) to the one that covers the receipt's transaction.
  std::vector<Bytes> cose_endorsements = {};
};

struct ReceiptReport {
  enum class Form { json, cose };
  Form form = Form::json;
  /// The transaction: out of the commit evidence, which the leaf binds. Absent for bare leaves.
  std::optional<TxId> txid;
  std::optional<TxId> signature_txid;  ///< COSE only
  bool signature_transaction = false;  ///< JSON with a bare leaf and no proof
  Digest leaf;
  Digest root;
  std::optional<Digest> write_set_digest;
  std::optional<std::string> commit_evidence;
  std::optional<Digest> claims_digest;  ///< the one that was checked
  bool claims_supplied = false;         ///< by the verifier, not by the receipt
  std::string signed_by;                ///< node id (JSON), service key id (COSE)
  size_t endorsements = 0;              ///< identities between the signer's and the trusted one
};

/// Certificate dates are not checked: receipts outlive certificates.
Result<ReceiptReport> verify(const Receipt& receipt, const ReceiptTrust& trust);
Result<ReceiptReport> verify(const CoseReceipt& receipt, const ReceiptTrust& trust);
/// Either form, told apart by the first byte (a COSE receipt starts with tag 18).
Result<ReceiptReport> verify_receipt(BytesView receipt, const ReceiptTrust& trust);
Result<ReceiptReport> verify_receipt(BytesView receipt, std::string_view service_certificate_pem);

}  // namespace entente::ledger
