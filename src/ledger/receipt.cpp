// JSON receipts: making, reading, verifying. COSE receipts are in cose_receipt.cpp.
#include "ledger/receipt.h"

#include "base/assert.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "ledger/entry.h"
#include "ledger/json_fields.h"
#include "ledger/receipt_check.h"
#include "ledger/secrets.h"

namespace entente::ledger {
namespace {

Result<MerklePath> read_proof(const json::Reader& reader) {
  auto elements = reader.as_array();
  if (!elements) return elements.error();
  if ((*elements)->size() > max_path_length) return reader.error("Longer than any tree is high");
  MerklePath path;
  for (size_t i = 0; i < (*elements)->size(); ++i) {
    const json::Reader element = reader.element(i);
    const bool left = fields::present(element, "left");
    if (left == fields::present(element, "right")) {
      return element.error("Expected either left or right");
    }
    auto sibling = fields::digest(element, left ? "left" : "right");
    if (!sibling) return sibling.error();
    path.push_back({left, *sibling});
  }
  return path;
}

Result<LeafComponents> read_components(const json::Reader& reader) {
  auto write_set = fields::digest(reader, "write_set_digest");
  if (!write_set) return write_set.error();
  auto evidence = fields::text(reader, "commit_evidence");
  if (!evidence) return evidence.error();
  auto claims = fields::optional(reader, "claims_digest", fields::digest);
  if (!claims) return claims.error();
  return LeafComponents{*write_set, std::move(*evidence), *claims};
}

Result<std::vector<std::string>> read_endorsements(const json::Reader& reader) {
  auto elements = reader.as_array();
  if (!elements) return elements.error();
  if ((*elements)->size() > max_service_endorsements) return reader.error("Too many");
  std::vector<std::string> endorsements;
  for (size_t i = 0; i < (*elements)->size(); ++i) {
    auto certificate = reader.element(i).as_string();
    if (!certificate) return certificate.error();
    endorsements.push_back(std::move(*certificate));
  }
  return endorsements;
}

/// `leaf_components`, or else `leaf` (`root_hex` in the typed form).
Result<void> read_leaf(const json::Reader& reader, Receipt& receipt) {
  if (fields::present(reader, "leaf_components")) {
    auto components = read_components(*reader.member("leaf_components"));
    if (!components) return components.error();
    receipt.components = std::move(*components);
  }
  const bool typed = fields::present(reader, "root_hex");
  if (typed || fields::present(reader, "leaf")) {
    auto leaf = fields::digest(reader, typed ? "root_hex" : "leaf");
    if (!leaf) return leaf.error();
    receipt.leaf = *leaf;
  }
  if (receipt.components.has_value() == receipt.leaf.has_value()) {
    return reader.error("Expected either leaf_components or leaf");
  }
  return {};
}

Result<void> read_kind(const json::Reader& reader, const Receipt& receipt) {
  if (!fields::present(reader, "is_signature_transaction")) return {};
  const json::Reader member = *reader.member("is_signature_transaction");
  auto signature_transaction = member.as_bool();
  if (!signature_transaction) return signature_transaction.error();
  if (*signature_transaction && receipt.components) {
    return member.error("A signature transaction with leaf_components");
  }
  return {};
}

}  // namespace

// ---------------------------------------------------------------------------------------- making

Digest LeafComponents::leaf() const {
  const Digest evidence = crypto::sha256(as_bytes(commit_evidence));
  return claims_digest ? entry_leaf(write_set_digest, evidence, *claims_digest)
                       : hash_pair(write_set_digest, evidence);
}

Receipt make_receipt(const LeafComponents& components, SeqNo seqno, const MerkleTree& tree,
                     const NodeSignature& signature, const std::string& certificate) {
  ENTENTE_ASSERT(tree.size() == signature.txid.seqno.value);
  ENTENTE_ASSERT(seqno >= SeqNo{tree.first()} && seqno < signature.txid.seqno);
  return {.components = components,
          .leaf = {},
          .proof = tree.path(seqno.value, tree.size()),
          .signature = signature.signature,
          .node = signature.node,
          .certificate = signature.certificate.value_or(certificate),
          .service_endorsements = {}};
}

Receipt make_signature_receipt(const NodeSignature& signature, const std::string& certificate) {
  return {.components = {},
          .leaf = signature.root,
          .proof = {},
          .signature = signature.signature,
          .node = signature.node,
          .certificate = signature.certificate.value_or(certificate),
          .service_endorsements = {}};
}

json::value to_json(const Receipt& receipt) {
  json::object out;
  out["cert"] = receipt.certificate;
  if (receipt.components) {
    json::object& components = out["leaf_components"].emplace_object();
    components["write_set_digest"] = receipt.components->write_set_digest.hex();
    components["commit_evidence"] = receipt.components->commit_evidence;
    if (receipt.components->claims_digest) {
      components["claims_digest"] = receipt.components->claims_digest->hex();
    }
  }
  if (receipt.leaf) out["leaf"] = receipt.leaf->hex();
  out["node_id"] = receipt.node.value;
  json::array& proof = out["proof"].emplace_array();
  for (const PathStep& step : receipt.proof) {
    json::object element;
    element[step.left ? "left" : "right"] = step.sibling.hex();
    proof.push_back(std::move(element));
  }
  out["signature"] = to_base64(receipt.signature);
  if (!receipt.service_endorsements.empty()) {
    json::array& endorsements = out["service_endorsements"].emplace_array();
    for (const std::string& certificate : receipt.service_endorsements) {
      endorsements.emplace_back(certificate);
    }
  }
  return out;
}

// --------------------------------------------------------------------------------------- reading

Result<Receipt> receipt_from_json(const json::value& document) {
  const json::Reader reader(document);
  Receipt receipt;
  if (auto read = read_leaf(reader, receipt); !read) return read.error();
  if (auto read = read_kind(reader, receipt); !read) return read.error();
  // The typed form of a signature transaction has no proof.
  if (receipt.components || fields::present(reader, "proof")) {
    auto member = reader.member("proof");
    if (!member) return member.error();
    auto proof = read_proof(*member);
    if (!proof) return proof.error();
    receipt.proof = std::move(*proof);
  }
  auto signature = fields::base64(reader, "signature");
  if (!signature) return signature.error();
  receipt.signature = std::move(*signature);
  auto node = fields::digest(reader, "node_id");
  if (!node) return node.error();
  receipt.node.value = node->hex();
  auto certificate = fields::text(reader, "cert");
  if (!certificate) return certificate.error();
  receipt.certificate = std::move(*certificate);
  if (fields::present(reader, "service_endorsements")) {
    auto endorsements = read_endorsements(*reader.member("service_endorsements"));
    if (!endorsements) return endorsements.error();
    receipt.service_endorsements = std::move(*endorsements);
  }
  return receipt;
}

Result<Receipt> parse_receipt(std::string_view json_text) {
  if (json_text.size() > max_receipt_size) return Error{"receipt: larger than the limit"};
  auto document = json::parse(json_text);
  if (!document) return document.error();
  return receipt_from_json(*document);
}

// ------------------------------------------------------------------------------------- verifying

namespace {

/// The node's certificate is issued by the service identity of its time, which the endorsements
/// tie to the trusted one.
Result<void> check_chain(const crypto::Certificate& node, const Receipt& receipt,
                         const crypto::Certificate& service) {
  crypto::Certificate subject = node;
  std::string place = "cert";
  for (size_t i = 0; i < receipt.service_endorsements.size(); ++i) {
    const std::string next = "service_endorsements/" + std::to_string(i);
    auto endorsement = crypto::Certificate::from_pem(receipt.service_endorsements[i]);
    if (!endorsement) return endorsement.error().at(next);
    if (!subject.signed_by(*endorsement)) return Error{place + ": is not signed by " + next};
    subject = std::move(*endorsement);
    place = next;
  }
  if (!subject.signed_by(service)) {
    return Error{place + ": is not signed by the trusted service certificate"};
  }
  return {};
}

Result<void> check_signature(const Receipt& receipt, const Digest& root,
                             const crypto::Certificate& service) {
  auto certificate = crypto::Certificate::from_pem(receipt.certificate);
  if (!certificate) return certificate.error().at("cert");
  auto key = certificate->public_key();
  if (!key) return key.error().at("cert");
  if (key->id() != receipt.node.value) return Error{"node_id: is not that of the key in cert"};
  if (!key->verify_digest(root, receipt.signature)) {
    return Error{"signature: does not verify over the root " + root.hex() + " with cert"};
  }
  return check_chain(*certificate, receipt, service);
}

}  // namespace

Result<LeafComponents> checked_components(const LeafComponents& given, const ReceiptTrust& trust,
                                          ReceiptReport& report) {
  LeafComponents components = given;
  if (trust.claims_digest) {
    if (!components.claims_digest) {
      components.claims_digest = trust.claims_digest;
      report.claims_supplied = true;
    } else if (*components.claims_digest != *trust.claims_digest) {
      return Error{"claims_digest: is not that of the expected claims"};
    }
  }
  report.txid = evidence_txid(components.commit_evidence);
  if (!report.txid) return Error{"commit_evidence: is not of the form ce:view.seqno:hex"};
  report.write_set_digest = components.write_set_digest;
  report.commit_evidence = components.commit_evidence;
  report.claims_digest = components.claims_digest;
  report.leaf = components.leaf();
  return components;
}

Result<ReceiptReport> verify(const Receipt& receipt, const ReceiptTrust& trust) {
  ReceiptReport report;
  report.form = ReceiptReport::Form::json;
  if (receipt.components.has_value() == receipt.leaf.has_value()) {
    return Error{"leaf: expected either leaf_components or leaf"};
  }
  if (receipt.components) {
    auto components = checked_components(*receipt.components, trust, report);
    if (!components) return components.error().at("leaf_components");
    // Leaf 0 stands before every transaction: no root is that of a single transaction.
    if (receipt.proof.empty()) return Error{"proof: is empty"};
  } else {
    if (trust.claims_digest) return Error{"leaf: says nothing about claims"};
    report.leaf = *receipt.leaf;
    report.signature_transaction = receipt.proof.empty();
  }
  report.root = fold_path(report.leaf, receipt.proof);
  if (auto checked = check_signature(receipt, report.root, trust.service); !checked) {
    return checked.error();
  }
  report.signed_by = receipt.node.value;
  report.endorsements = receipt.service_endorsements.size();
  return report;
}

Result<ReceiptReport> verify_receipt(BytesView receipt, const ReceiptTrust& trust) {
  if (receipt.size() > max_receipt_size) return Error{"receipt: larger than the limit"};
  if (receipt.empty()) return Error{"receipt: is empty"};
  constexpr uint8_t cose_tag = 0xd2;
  if (receipt[0] == cose_tag) {
    auto parsed = parse_cose_receipt(receipt);
    if (!parsed) return parsed.error();
    return verify(*parsed, trust);
  }
  auto parsed = parse_receipt(as_text(receipt));
  if (!parsed) return parsed.error();
  return verify(*parsed, trust);
}

Result<ReceiptReport> verify_receipt(BytesView receipt, std::string_view service_certificate_pem) {
  auto service = crypto::Certificate::from_pem(service_certificate_pem);
  if (!service) return service.error().at("service certificate");
  return verify_receipt(receipt, ReceiptTrust{.service = std::move(*service)});
}

}  // namespace entente::ledger
