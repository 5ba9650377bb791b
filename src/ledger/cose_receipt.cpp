#include "ledger/receipt.h"

#include "base/assert.h"
#include "crypto/cbor.h"
#include "ledger/receipt_check.h"

namespace entente::ledger {
namespace {

namespace cose = crypto::cose;
namespace cbor = crypto::cbor;

constexpr int64_t label_inclusion_proofs = -1;
constexpr int64_t label_leaf = 1;
constexpr int64_t label_path = 2;
constexpr size_t max_proofs = 100;
constexpr size_t max_evidence_size = 1024;

Error proof_error(std::string_view field, std::string_view what) {
  return {std::string(field) + ": " + std::string(what)};
}

std::optional<Digest> as_digest(const cbor::Value& value) {
  const auto bytes = value.as_bytes();
  return bytes ? Digest::from_bytes(*bytes) : std::nullopt;
}

Result<LeafComponents> read_leaf(const cbor::Value* leaf) {
  if (leaf == nullptr || !leaf->is(cbor::Kind::array) || leaf->items.size() != 3) {
    return proof_error("leaf", "not an array of three");
  }
  const auto write_set = as_digest(leaf->items[0]);
  if (!write_set) return proof_error("write set digest", "not 32 bytes");
  const auto evidence = leaf->items[1].as_text();
  if (!evidence || evidence->empty() || evidence->size() > max_evidence_size) {
    return proof_error("commit evidence", "not a text of 1 to 1024 bytes");
  }
  const auto claims = as_digest(leaf->items[2]);
  if (!claims) return proof_error("claims digest", "not 32 bytes");
  return LeafComponents{*write_set, std::string(*evidence), *claims};
}

Result<MerklePath> read_path(const cbor::Value* steps) {
  if (steps == nullptr || !steps->is(cbor::Kind::array) || steps->items.empty()) {
    return proof_error("path", "not an array of at least one");
  }
  if (steps->items.size() > max_path_length) {
    return proof_error("path", "longer than any tree is high");
  }
  MerklePath path;
  for (size_t i = 0; i < steps->items.size(); ++i) {
    const cbor::Value& step = steps->items[i];
    const std::string field = "path/" + std::to_string(i);
    if (!step.is(cbor::Kind::array) || step.items.size() != 2) {
      return proof_error(field, "not an array of two");
    }
    if (!step.items[0].is(cbor::Kind::boolean)) return proof_error(field, "side is not a boolean");
    const auto sibling = as_digest(step.items[1]);
    if (!sibling) return proof_error(field, "hash is not 32 bytes");
    path.push_back({step.items[0].number == 1, *sibling});
  }
  return path;
}

Result<InclusionProof> read_proof(const cbor::Value& item) {
  const auto encoded = item.as_bytes();
  if (!encoded) return Error{"not a byte string"};
  auto map = cbor::parse(*encoded);
  if (!map) return map.error();
  if (!map->is(cbor::Kind::map) || map->items.size() != 4) return Error{"not a map of two"};
  auto components = read_leaf(map->find(label_leaf));
  if (!components) return components.error();
  auto path = read_path(map->find(label_path));
  if (!path) return path.error();
  return InclusionProof{std::move(*components), std::move(*path)};
}

/// The array in {396: {-1: [ … ]}}, which is all that the unprotected header may hold.
Result<const cbor::Value*> find_proofs(const cbor::Value& unprotected) {
  const cbor::Value* proofs = unprotected.find(cose::label_vdp);
  if (proofs == nullptr || unprotected.items.size() != 2) {
    return Error{"COSE unprotected header: expected 396 and nothing else"};
  }
  const cbor::Value* inclusion = proofs->find(label_inclusion_proofs);
  if (inclusion == nullptr || proofs->items.size() != 2) {
    return Error{"COSE unprotected header: 396: expected -1 and nothing else"};
  }
  if (!inclusion->is(cbor::Kind::array) || inclusion->items.empty() ||
      inclusion->items.size() > max_proofs) {
    return Error{"COSE unprotected header: 396: -1: expected an array of 1 to " +
                 std::to_string(max_proofs) + " proofs"};
  }
  return inclusion;
}

std::string proof_place(size_t index) {
  return "inclusion proof " + std::to_string(index);
}

/// One proof against the signature; fills in the report.
Result<void> verify_proof(const InclusionProof& proof, const CoseSignature& signature,
                          const crypto::PublicKey& signer, const ReceiptTrust& trust,
                          ReceiptReport& report) {
  auto components = checked_components(proof.components, trust, report);
  if (!components) return components.error();
  if (report.txid->seqno >= signature.txid.seqno || report.txid->view > signature.txid.view) {
    return Error{"commit evidence: names " + report.txid->text() + ", which the signature " +
                 signature.txid.text() + " does not cover"};
  }
  report.root = fold_path(report.leaf, proof.path);
  return verify_cose_signature(signature, report.root, signer);
}

}  // namespace

Bytes make_inclusion_proof(const LeafComponents& components, const MerklePath& path) {
  ENTENTE_ASSERT(components.claims_digest.has_value());
  cbor::Writer proof;
  proof.map(2);
  proof.integer(label_leaf).array(3);
  proof.bytes(components.write_set_digest);
  proof.text(components.commit_evidence);
  proof.bytes(*components.claims_digest);
  proof.integer(label_path).array(path.size());
  for (const PathStep& step : path) proof.array(2).boolean(step.left).bytes(step.sibling);
  return proof.take();
}

Bytes make_cose_receipt(const LeafComponents& components, SeqNo seqno, const MerkleTree& tree,
                        const CoseSignature& signature) {
  ENTENTE_ASSERT(tree.size() == signature.txid.seqno.value);
  ENTENTE_ASSERT(seqno >= SeqNo{tree.first()} && seqno < signature.txid.seqno);
  cbor::Writer receipt;
  receipt.tag(18).array(4);
  receipt.bytes(signature.message.protected_bytes);
  receipt.map(1).integer(cose::label_vdp);
  receipt.map(1).integer(label_inclusion_proofs).array(1);
  receipt.bytes(make_inclusion_proof(components, tree.path(seqno.value, tree.size())));
  receipt.null();
  receipt.bytes(signature.message.signature);
  return receipt.take();
}

Result<CoseReceipt> parse_cose_receipt(BytesView encoded) {
  if (encoded.size() > max_receipt_size) return Error{"receipt: larger than the limit"};
  auto signature = parse_cose_signature(encoded);
  if (!signature) return signature.error();
  auto items = find_proofs(signature->message.unprotected_header);
  if (!items) return items.error();
  std::vector<InclusionProof> proofs;
  for (size_t i = 0; i < (*items)->items.size(); ++i) {
    auto proof = read_proof((*items)->items[i]);
    if (!proof) return proof.error().at(proof_place(i));
    proofs.push_back(std::move(*proof));
  }
  return CoseReceipt{std::move(*signature), std::move(proofs)};
}

Result<ReceiptReport> verify(const CoseReceipt& receipt, const ReceiptTrust& trust) {
  if (receipt.proofs.empty()) return Error{"inclusion proofs: there are none"};
  auto service = trust.service.public_key();
  if (!service) return service.error().at("service certificate");
  auto signer = identity_at(receipt.signature.txid, *service, trust.cose_endorsements);
  if (!signer) return signer.error();

  ReceiptReport first;
  for (size_t i = 0; i < receipt.proofs.size(); ++i) {
    ReceiptReport report;
    auto verified = verify_proof(receipt.proofs[i], receipt.signature, *signer, trust, report);
    if (!verified) return verified.error().at(proof_place(i));
    if (i == 0) first = std::move(report);
  }
  first.form = ReceiptReport::Form::cose;
  first.signature_txid = receipt.signature.txid;
  first.signed_by = receipt.signature.kid;
  first.endorsements = trust.cose_endorsements.size();
  return first;
}

}  // namespace entente::ledger
