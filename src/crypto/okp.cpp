#include "crypto/okp.h"

#include "crypto/openssl.h"
#include "crypto/pem.h"

namespace entente::crypto {

namespace {

struct CurveFacts {
  std::string_view name;
  const char* openssl_name;
};
constexpr CurveFacts curve_facts[] = {{"Ed25519", "ED25519"}, {"X25519", "X25519"}};

const char* openssl_name_of(OctetCurve curve) {
  return curve_facts[static_cast<size_t>(curve)].openssl_name;
}

using RawReader = int (*)(const EVP_PKEY*, unsigned char*, size_t*);

Bytes raw_part(const EVP_PKEY* key, RawReader read) {
  const ErrorQueueScope errors;
  Bytes out(octet_key_size);
  size_t size = out.size();
  ENTENTE_ASSERT(read(key, out.data(), &size) == 1 && size == out.size());
  return out;
}

Error wrong_size(BytesView key) {
  return {"key has " + std::to_string(key.size()) + " bytes, not " +
          std::to_string(octet_key_size)};
}

using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

}  // namespace

std::string_view name_of(OctetCurve curve) {
  return curve_facts[static_cast<size_t>(curve)].name;
}

Result<OctetPublicKey> OctetPublicKey::adopt(std::shared_ptr<EVP_PKEY> key) {
  for (const OctetCurve curve : {OctetCurve::ed25519, OctetCurve::x25519}) {
    if (EVP_PKEY_is_a(key.get(), openssl_name_of(curve)) == 1) {
      return OctetPublicKey(std::move(key), curve);
    }
  }
  return Error{"key is neither an Ed25519 nor an X25519 key"};
}

Result<OctetPublicKey> OctetPublicKey::from_pem(std::string_view pem) {
  const Result<Bytes> der = parse_pem(pem, "PUBLIC KEY");
  if (!der.ok()) return der.error();
  return from_der(*der);
}

Result<OctetPublicKey> OctetPublicKey::from_der(BytesView spki) {
  Result<PkeyPtr> key = public_key_from_der(spki);
  if (!key.ok()) return key.error();
  return adopt(std::move(*key));
}

Result<OctetPublicKey> OctetPublicKey::from_raw(OctetCurve curve, BytesView key) {
  if (key.size() != octet_key_size) return wrong_size(key);
  const ErrorQueueScope errors;
  PkeyPtr native(EVP_PKEY_new_raw_public_key_ex(nullptr, openssl_name_of(curve), nullptr,
                                                key.data(), key.size()));
  ENTENTE_ASSERT(native != nullptr);  // any 32 bytes are a key
  return adopt(std::move(native));
}

Bytes OctetPublicKey::raw() const {
  return raw_part(key_.get(), EVP_PKEY_get_raw_public_key);
}
Bytes OctetPublicKey::der() const {
  return to_der<i2d_PUBKEY>(key_.get());
}
std::string OctetPublicKey::pem() const {
  return to_pem("PUBLIC KEY", der());
}

bool OctetPublicKey::verify(BytesView message, BytesView signature) const {
  if (curve_ != OctetCurve::ed25519 || signature.size() != ed25519_signature_size) return false;
  const ErrorQueueScope errors;
  const DigestContextPtr context(EVP_MD_CTX_new());
  ENTENTE_ASSERT(context != nullptr);
  ENTENTE_ASSERT(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

OctetKeyPair OctetKeyPair::generate(OctetCurve curve) {
  const ErrorQueueScope errors;
  PkeyPtr native(EVP_PKEY_Q_keygen(nullptr, nullptr, openssl_name_of(curve)));
  ENTENTE_ASSERT(native != nullptr);
  return OctetKeyPair(OctetPublicKey(std::move(native), curve));
}

Result<OctetKeyPair> OctetKeyPair::from_pem(std::string_view pem) {
  Result<PkeyPtr> native = private_key_from_pem(pem);
  if (!native.ok()) return native.error();
  Result<OctetPublicKey> key = OctetPublicKey::adopt(std::move(*native));
  if (!key.ok()) return key.error();
  return OctetKeyPair(std::move(*key));
}

Result<OctetKeyPair> OctetKeyPair::from_raw(OctetCurve curve, BytesView key) {
  if (key.size() != octet_key_size) return wrong_size(key);
  const ErrorQueueScope errors;
  PkeyPtr native(EVP_PKEY_new_raw_private_key_ex(nullptr, openssl_name_of(curve), nullptr,
                                                 key.data(), key.size()));
  ENTENTE_ASSERT(native != nullptr);  // any 32 bytes are a key
  return OctetKeyPair(OctetPublicKey(std::move(native), curve));
}

std::string OctetKeyPair::private_pem() const {
  return private_key_to_pem(public_.native_handle());
}
Bytes OctetKeyPair::raw() const {
  return raw_part(public_.native_handle(), EVP_PKEY_get_raw_private_key);
}

Result<Bytes> OctetKeyPair::sign(BytesView message) const {
  if (curve() != OctetCurve::ed25519) return Error{"X25519 keys do not sign"};
  const ErrorQueueScope errors;
  const DigestContextPtr context(EVP_MD_CTX_new());
  ENTENTE_ASSERT(context != nullptr);
  ENTENTE_ASSERT(
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, public_.native_handle()) == 1);
  Bytes signature(ed25519_signature_size);
  size_t size = signature.size();
  ENTENTE_ASSERT(
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  ENTENTE_ASSERT(size == ed25519_signature_size);
  return signature;
}

}  // namespace entente::crypto
