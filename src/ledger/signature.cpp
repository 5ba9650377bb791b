#include "ledger/signature.h"

#include <algorithm>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/json.h"
#include "ledger/entry.h"
#include "ledger/json_fields.h"

namespace entente::ledger {
namespace {

namespace cose = crypto::cose;
namespace cbor = crypto::cbor;

constexpr std::string_view label_ccf = "ccf.v1";
constexpr std::string_view label_txid = "txid";
constexpr int64_t vds_ccf = 2;
/// One signature covers at most so many leaves in the stored tree.
constexpr uint64_t max_tree_leaves = 1ull << 24;

std::string node_signature_json(const Signer& signer, const TxId& txid, const Digest& root) {
  json::object fields;
  if (!signer.node_certificate.empty()) fields["cert"] = signer.node_certificate;
  fields["commit_seqno"] = 0;
  fields["commit_view"] = 0;
  fields["hashed_nonce"] = std::string(2 * Digest::size, '0');
  fields["node"] = signer.node_key.public_key().id();
  fields["root"] = root.hex();
  fields["seqno"] = txid.seqno.value;
  fields["sig"] = to_base64(signer.node_key.sign_digest(root));
  fields["view"] = txid.view.value;
  return json::dump(fields);
}

Bytes cose_signature(const Signer& signer, const TxId& txid, const Digest& root,
                     UnixTime issued_at) {
  const crypto::PublicKey& service = signer.service_key.public_key();
  cbor::Writer header;
  header.map(5);
  header.integer(cose::label_alg).integer(cose::algorithm_of(service.curve()));
  header.integer(cose::label_kid).bytes(as_bytes(service.id()));
  header.integer(cose::label_vds).integer(vds_ccf);
  header.integer(cose::label_cwt_claims).map(3);
  header.integer(cose::claim_iat).integer(issued_at.count());
  header.integer(cose::claim_iss).text(signer.issuer);
  header.integer(cose::claim_sub).text(signer.subject);
  header.text(label_ccf).map(1).text(label_txid).text(txid.text());
  return cose::sign(signer.service_key, header.encoded(), root, cose::Payload::detached);
}

Error header_error(std::string_view header, std::string_view what) {
  return {"COSE protected header: " + std::string(header) + ": " + std::string(what)};
}

Result<std::string> header_text(const cbor::Value* value, std::string_view header) {
  if (value == nullptr) return header_error(header, "missing");
  const auto text = value->as_text();
  if (!text) return header_error(header, "not a text");
  return std::string(*text);
}

Result<UnixTime> read_issued_at(const cbor::Value& claims) {
  const cbor::Value* value = claims.find(cose::claim_iat);
  const auto seconds = value != nullptr ? value->as_integer() : std::nullopt;
  if (!seconds) return header_error("CWT iat", "not an integer");
  return UnixTime(*seconds);
}

Result<void> read_identity(CoseSignature& signature) {
  const auto kid = signature.message.kid();
  if (!kid) return header_error("kid", "not a byte string");
  signature.kid = to_text(*kid);
  if (!fields::canonical_digest(signature.kid)) {
    return header_error("kid", "not 64 lower-case hex digits");
  }
  const cbor::Value* vds = signature.message.protected_header.find(cose::label_vds);
  if (vds == nullptr || vds->as_integer() != vds_ccf) return header_error("vds", "is not 2");
  return {};
}

Result<void> read_claims(CoseSignature& signature) {
  const cbor::Value* claims = signature.message.protected_header.find(cose::label_cwt_claims);
  if (claims == nullptr || !claims->is(cbor::Kind::map)) {
    return header_error("CWT claims", "not a map");
  }
  auto issued_at = read_issued_at(*claims);
  if (!issued_at) return issued_at.error();
  signature.issued_at = *issued_at;
  auto issuer = header_text(claims->find(cose::claim_iss), "CWT iss");
  if (!issuer) return issuer.error();
  signature.issuer = std::move(*issuer);
  auto subject = header_text(claims->find(cose::claim_sub), "CWT sub");
  if (!subject) return subject.error();
  signature.subject = std::move(*subject);
  return {};
}

Result<void> read_txid(CoseSignature& signature) {
  const cbor::Value* ccf = signature.message.protected_header.find(label_ccf);
  if (ccf == nullptr || !ccf->is(cbor::Kind::map)) return header_error("ccf.v1", "not a map");
  auto text = header_text(ccf->find(label_txid), "ccf.v1 txid");
  if (!text) return text.error();
  const auto txid = TxId::parse(*text);
  if (!txid) return header_error("ccf.v1 txid", "not a transaction id");
  signature.txid = *txid;
  return {};
}

}  // namespace

// ---------------------------------------------------------------------------------------- making

kv::WriteSet SignatureValues::write_set() const {
  const auto one = [](std::string_view map, BytesView value) {
    return kv::MapWrites{map, {{unit_key(), value}}};
  };
  return {one(maps::cose_signatures, as_bytes(cose_signature)),
          one(maps::signatures, as_bytes(node_signature)), one(maps::tree, tree)};
}

SignatureValues sign_root(const Signer& signer, const TxId& txid, const MerkleTree& tree,
                          uint64_t first, UnixTime issued_at) {
  ENTENTE_ASSERT(tree.size() == txid.seqno.value);
  const Digest root = tree.root();
  SignatureValues values;
  values.node_signature = node_signature_json(signer, txid, root);
  values.cose_signature =
      json::dump(json::value(to_base64(cose_signature(signer, txid, root, issued_at))));
  values.tree = tree.serialise(first, tree.size());
  return values;
}

// --------------------------------------------------------------------------------------- reading

Result<NodeSignature> parse_node_signature(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) return document.error();
  const json::Reader reader(*document);
  auto root = fields::digest(reader, "root");
  if (!root) return root.error();
  auto node = fields::digest(reader, "node");
  if (!node) return node.error();
  auto signature = fields::base64(reader, "sig");
  if (!signature) return signature.error();
  auto seqno = fields::seqno(reader, "seqno");
  if (!seqno) return seqno.error();
  auto view = fields::number(reader, "view");
  if (!view) return view.error();
  if (*view == 0 || *view > max_view) return Error{"At #/view: Not a view"};
  auto certificate = fields::optional(reader, "cert", fields::text);
  if (!certificate) return certificate.error();
  return NodeSignature{.txid = {{*view}, *seqno},
                       .root = *root,
                       .node = {node->hex()},
                       .certificate = std::move(*certificate),
                       .signature = std::move(*signature)};
}

Result<void> verify_node_signature(const NodeSignature& signature, const crypto::PublicKey& node) {
  if (node.id() != signature.node.value) {
    return Error{"node: the key given is that of " + node.id() + ", not of " +
                 signature.node.value};
  }
  if (!node.verify_digest(signature.root, signature.signature)) {
    return Error{"sig: does not verify over the root with the node's key"};
  }
  return {};
}

Result<CoseSignature> parse_cose_signature(BytesView encoded) {
  auto message = cose::Sign1::parse(encoded);
  if (!message) return message.error();
  CoseSignature signature;
  signature.message = std::move(*message);
  if (signature.message.payload) return Error{"COSE payload: must be detached"};
  if (!signature.message.algorithm()) return header_error("alg", "missing");
  for (const auto read : {read_identity, read_claims, read_txid}) {
    if (auto done = read(signature); !done) return done.error();
  }
  return signature;
}

Result<CoseSignature> parse_cose_signature_value(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) return document.error();
  auto encoded = json::Reader(*document).as_string();
  if (!encoded) return encoded.error();
  const auto bytes = from_base64(*encoded);
  if (!bytes) return Error{"At #: Expected base64"};
  auto signature = parse_cose_signature(*bytes);
  if (signature && !signature->message.unprotected_header.items.empty()) {
    return Error{"COSE unprotected header: is not empty"};
  }
  return signature;
}

Result<void> verify_cose_signature(const CoseSignature& signature, const Digest& root,
                                   const crypto::PublicKey& service) {
  if (signature.kid != service.id()) {
    return header_error("kid",
                        "names key " + signature.kid + ", the service key is " + service.id());
  }
  if (signature.message.algorithm() != cose::algorithm_of(service.curve())) {
    return header_error("alg", "is not that of the service key");
  }
  if (!cose::verify_detached(signature.message, service, root)) {
    return Error{"COSE signature: does not verify over the root with the service key"};
  }
  return {};
}

// ----------------------------------------------------------------------- the transaction as a
// whole

namespace {

/// The single value under the unit key.
Result<BytesView> unit_value(const kv::MapWrites& map) {
  if (map.writes.size() != 1 || !equal(map.writes[0].key, unit_key())) {
    return Error{"signature transaction: " + std::string(map.map) + ": more than its one key"};
  }
  if (!map.writes[0].value) {
    return Error{"signature transaction: " + std::string(map.map) + ": is removed"};
  }
  return *map.writes[0].value;
}

Result<void> read_signature_map(const kv::MapWrites& map, SignatureTransaction& read) {
  auto value = unit_value(map);
  if (!value) return value.error();
  const std::string name(map.map);
  if (map.map == maps::signatures) {
    auto node = parse_node_signature(*value);
    if (!node) return node.error().at(name);
    read.node = std::move(*node);
  } else if (map.map == maps::cose_signatures) {
    auto signature = parse_cose_signature_value(*value);
    if (!signature) return signature.error().at(name);
    read.cose = std::move(*signature);
  } else if (map.map == maps::tree) {
    auto tree = MerkleTree::deserialise(*value, max_tree_leaves);
    if (!tree) return tree.error().at(name);
    read.tree = std::move(*tree);
  } else {
    return Error{"signature transaction: holds the map " + name.substr(0, 128)};
  }
  return {};
}

Error differs(std::string_view field, const std::string& found, const std::string& expected) {
  return {std::string(field) + ": is " + found + ", expected " + expected};
}

Result<void> check_id(const NodeSignature& node, const TxId& txid) {
  if (node.txid.seqno != txid.seqno) {
    return differs("signatures: seqno", std::to_string(node.txid.seqno.value),
                   std::to_string(txid.seqno.value));
  }
  if (node.txid.view != txid.view) {
    return differs("signatures: view", std::to_string(node.txid.view.value),
                   std::to_string(txid.view.value));
  }
  return {};
}

Result<void> check_consistency(const SignatureTransaction& read, const TxId& txid) {
  if (auto checked = check_id(read.node, txid); !checked) return checked;
  if (read.cose && read.cose->txid != txid) {
    return differs("cose_signatures: ccf.v1 txid", read.cose->txid.text(), txid.text());
  }
  if (!read.tree) return {};
  if (read.tree->size() != txid.seqno.value) {
    return differs("tree: number of leaves", std::to_string(read.tree->size()),
                   std::to_string(txid.seqno.value));
  }
  if (const Digest root = read.tree->root(); root != read.node.root) {
    return differs("tree: root", root.hex(), read.node.root.hex() + " as signed");
  }
  return {};
}

}  // namespace

Result<std::optional<NodeSignature>> read_node_signature(const kv::WriteSet& writes,
                                                         const TxId& txid) {
  for (const kv::MapWrites& map : writes) {
    if (map.map != maps::signatures) continue;
    SignatureTransaction read;
    if (auto done = read_signature_map(map, read); !done) return done.error();
    if (auto checked = check_id(read.node, txid); !checked) return checked.error();
    return std::optional<NodeSignature>(std::move(read.node));
  }
  return std::optional<NodeSignature>();
}

Result<std::optional<SignatureTransaction>> read_signature(const kv::WriteSet& writes,
                                                           const TxId& txid) {
  const bool signs = std::any_of(writes.begin(), writes.end(), [](const kv::MapWrites& map) {
    return map.map == maps::signatures;
  });
  if (!signs) return std::optional<SignatureTransaction>();
  SignatureTransaction read;
  for (const kv::MapWrites& map : writes) {
    if (auto done = read_signature_map(map, read); !done) return done.error();
  }
  if (auto checked = check_consistency(read, txid); !checked) return checked.error();
  return std::optional<SignatureTransaction>(std::move(read));
}

}  // namespace entente::ledger
