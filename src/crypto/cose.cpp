#include "crypto/cose.h"

#include "base/assert.h"

namespace entente::crypto::cose {

namespace {

constexpr uint64_t tag_sign1 = 18;
constexpr int64_t label_crit = 2;
constexpr size_t parts_of_sign1 = 4;
constexpr size_t max_header_entries = 64;

using cbor::Kind;
using cbor::Value;

Error refuse(const std::string& what) {
  return {"COSE_Sign1: " + what};
}

Result<void> check_header(const Value& header, const std::string& name) {
  if (!header.is(Kind::map)) return refuse(name + " header is not a map");
  if (header.items.size() > 2 * max_header_entries) {
    return refuse(name + " header has more than 64 entries");
  }
  return {};
}

bool has_label(const Value& header, const Value& label) {
  const std::optional<int64_t> number = label.as_integer();
  const std::optional<std::string_view> name = label.as_text();
  return (number && header.find(*number) != nullptr) || (name && header.find(*name) != nullptr);
}

bool share_a_label(const Value& a, const Value& b) {
  for (size_t i = 0; i < a.items.size(); i += 2) {
    if (has_label(b, a.items[i])) return true;
  }
  return false;
}

bool verify_over(const Sign1& message, const PublicKey& key, BytesView payload) {
  return message.algorithm() == algorithm_of(key.curve()) &&
         key.verify_raw(sig_structure(message.protected_bytes, payload), message.signature);
}

/// Everything but the signature, up to its byte string.
void write_parts(cbor::Writer& out, BytesView protected_bytes, BytesView encoded_unprotected,
                 const std::optional<BytesView>& payload) {
  out.tag(tag_sign1).array(parts_of_sign1).bytes(protected_bytes).raw(encoded_unprotected);
  if (payload) {
    out.bytes(*payload);
  } else {
    out.null();
  }
}

}  // namespace

int64_t algorithm_of(Curve curve) {
  constexpr int64_t algorithms[] = {es256, es384, es512};
  return algorithms[static_cast<size_t>(curve)];
}

Result<Sign1> Sign1::parse(BytesView encoded, const cbor::Limits& limits) {
  Result<Value> whole = cbor::parse(encoded, limits);
  if (!whole.ok()) return whole.error();
  if (!whole->is(Kind::tag) || whole->number != tag_sign1) return refuse("not under tag 18");
  Value& array = whole->items.front();
  if (!array.is(Kind::array) || array.items.size() != parts_of_sign1) {
    return refuse("not an array of four");
  }
  Value& protected_part = array.items[0];
  Value& payload = array.items[2];
  Value& signature = array.items[3];
  if (!protected_part.is(Kind::bytes)) return refuse("protected header is not a byte string");
  if (!payload.is(Kind::bytes) && !payload.is(Kind::null)) {
    return refuse("payload is neither a byte string nor null");
  }
  if (!signature.is(Kind::bytes)) return refuse("signature is not a byte string");

  Sign1 out;
  if (protected_part.string.empty()) {  // RFC 9052 §3: the encoding of an empty map
    out.protected_header = Value::map({});
  } else {
    Result<Value> header = cbor::parse(protected_part.string, limits);
    if (!header.ok()) return header.error().at("COSE_Sign1 protected header");
    out.protected_header = std::move(*header);
  }
  out.protected_bytes = std::move(protected_part.string);
  out.unprotected_header = std::move(array.items[1]);
  if (payload.is(Kind::bytes)) out.payload = std::move(payload.string);
  out.signature = std::move(signature.string);

  Result<void> good = check_header(out.protected_header, "protected");
  if (good.ok()) good = check_header(out.unprotected_header, "unprotected");
  if (!good.ok()) return good.error();
  if (share_a_label(out.protected_header, out.unprotected_header)) {
    return refuse("a label appears in both headers");
  }
  if (out.protected_header.find(label_crit) != nullptr ||
      out.unprotected_header.find(label_crit) != nullptr) {
    return refuse("critical header extensions are not supported");
  }
  return out;
}

std::optional<int64_t> Sign1::algorithm() const {
  const Value* value = protected_header.find(label_alg);
  return value == nullptr ? std::nullopt : value->as_integer();
}

std::optional<BytesView> Sign1::kid() const {
  const Value* value = protected_header.find(label_kid);
  return value == nullptr ? std::nullopt : value->as_bytes();
}

Bytes Sign1::encode() const {
  cbor::Writer out;
  write_parts(out, protected_bytes, cbor::encode(unprotected_header),
              payload ? std::optional<BytesView>(*payload) : std::nullopt);
  return out.bytes(signature).take();
}

Bytes sig_structure(BytesView protected_bytes, BytesView payload) {
  return cbor::Writer()
      .array(4)
      .text("Signature1")
      .bytes(protected_bytes)
      .bytes({})
      .bytes(payload)
      .take();
}

bool verify(const Sign1& message, const PublicKey& key) {
  return message.payload.has_value() && verify_over(message, key, *message.payload);
}

bool verify_detached(const Sign1& message, const PublicKey& key, BytesView payload) {
  return !message.payload.has_value() && verify_over(message, key, payload);
}

Bytes sign(const KeyPair& key, BytesView protected_bytes, BytesView payload, Payload where) {
  const Result<Value> header = cbor::parse(protected_bytes);
  ENTENTE_ASSERT(header.ok());
  const Value* algorithm = header->find(label_alg);
  ENTENTE_ASSERT(algorithm != nullptr && algorithm->as_integer() == algorithm_of(key.curve()));
  constexpr uint8_t empty_map[] = {0xa0};
  cbor::Writer out;
  write_parts(out, protected_bytes, empty_map,
              where == Payload::attached ? std::optional<BytesView>(payload) : std::nullopt);
  return out.bytes(key.sign_raw(sig_structure(protected_bytes, payload))).take();
}

}  // namespace entente::crypto::cose
