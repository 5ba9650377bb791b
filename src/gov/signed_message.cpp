#include "gov/signed_message.h"

#include "crypto/digest.h"

namespace entente::gov {
namespace {

namespace cose = crypto::cose;
namespace cbor = crypto::cbor;

std::string_view name_of_algorithm(crypto::Curve curve) {
  switch (curve) {
    case crypto::Curve::p256:
      return "ES256";
    case crypto::Curve::p384:
      return "ES384";
    case crypto::Curve::p521:
      return "ES512";
  }
  return "";
}

Result<std::optional<std::string>> optional_text(const cbor::Value& map, std::string_view label) {
  const cbor::Value* found = map.find(label);
  if (found == nullptr) return std::optional<std::string>();
  const auto text = found->as_text();
  if (!text) return Error{"header " + std::string(label) + " is no text"};
  return std::optional(std::string(*text));
}

}  // namespace

Bytes protected_header(const MessageHeader& header, const crypto::Certificate& signer,
                       crypto::Curve curve) {
  cbor::Writer writer;
  writer.map(header.proposal_id ? 5 : 4);
  writer.integer(cose::label_alg).integer(cose::algorithm_of(curve));
  writer.integer(cose::label_kid).bytes(as_bytes(signer.id()));
  writer.text(label_type).text(header.type);
  if (header.proposal_id) writer.text(label_proposal_id).text(*header.proposal_id);
  writer.text(label_created_at).unsigned_integer(header.created_at);
  return writer.take();
}

Result<Bytes> sign_message(const MessageHeader& header, BytesView payload,
                           const crypto::Certificate& signer, const crypto::KeyPair& key) {
  const auto public_key = signer.public_key();
  if (!public_key) return public_key.error();
  if (!(*public_key == key.public_key())) {
    return Error{"the private key is not that of the certificate"};
  }
  return cose::sign(key, protected_header(header, signer, key.curve()), payload,
                    cose::Payload::attached);
}

Result<ToSign> prepare_message(const MessageHeader& header, BytesView payload,
                               const crypto::Certificate& signer) {
  const auto key = signer.public_key();
  if (!key) return key.error();
  const Bytes structure =
      cose::sig_structure(protected_header(header, signer, key->curve()), payload);
  return ToSign{std::string(name_of_algorithm(key->curve())),
                crypto::hash(crypto::hash_of(key->curve()), structure)};
}

Result<Bytes> finish_message(const MessageHeader& header, BytesView payload,
                             const crypto::Certificate& signer, BytesView raw_signature) {
  const auto key = signer.public_key();
  if (!key) return key.error();
  cose::Sign1 message;
  message.protected_bytes = protected_header(header, signer, key->curve());
  message.unprotected_header = cbor::Value::map({});
  message.payload = to_bytes(payload);
  message.signature = to_bytes(raw_signature);
  const Bytes encoded = message.encode();
  const auto parsed = cose::Sign1::parse(encoded);
  if (!parsed) return parsed.error();
  if (!cose::verify(*parsed, *key)) {
    return Error{"this is no signature over this message by the key of the certificate"};
  }
  return encoded;
}

Result<ReadMessage> read_message(BytesView encoded) {
  // As large as an interface lets a request be, and base64 of it fits into a ledger entry.
  constexpr cbor::Limits limits{64u << 20, 16, 65536};
  auto envelope = cose::Sign1::parse(encoded, limits);
  if (!envelope) return envelope.error();
  if (!envelope->payload) return Error{"the payload is not inside"};
  const cbor::Value& map = envelope->protected_header;
  const auto kid = envelope->kid();
  if (!kid) return Error{"header kid is missing or no byte string"};
  ReadMessage out;
  out.signer = to_text(*kid);
  auto type = optional_text(map, label_type);
  if (!type) return type.error();
  out.header.type = type->value_or("");
  auto proposal_id = optional_text(map, label_proposal_id);
  if (!proposal_id) return proposal_id.error();
  out.header.proposal_id = std::move(*proposal_id);
  const cbor::Value* created_at = map.find(label_created_at);
  if (created_at == nullptr || !created_at->is(cbor::Kind::unsigned_integer)) {
    return Error{"header " + std::string(label_created_at) + " is missing or no time"};
  }
  out.header.created_at = created_at->number;
  out.envelope = std::move(*envelope);
  return out;
}

}  // namespace entente::gov
