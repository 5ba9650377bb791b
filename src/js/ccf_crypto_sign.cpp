// ccf.crypto.sign and verifySignature.

#include <algorithm>

#include "crypto/key.h"
#include "crypto/okp.h"
#include "crypto/rsa.h"
#include "crypto/secret.h"
#include "crypto/x509.h"
#include "js/ccf_crypto.h"

namespace entente::js {

namespace {

using crypto::Hash;

/// What `{name, hash, saltLength}` asks for, before any of it is judged.
struct Algorithm {
  std::string name;
  std::optional<Hash> hash;  // unknown or, for EdDSA, not looked at: nullopt
  unsigned salt = 0;
};

struct HashName {
  std::string_view name;
  Hash hash;
};
constexpr HashName hash_names[] = {
    {"SHA-256", Hash::sha256}, {"SHA-384", Hash::sha384}, {"SHA-512", Hash::sha512}};

constexpr std::string_view eddsa = "EdDSA";

std::optional<Algorithm> algorithm_argument(JSContext* context, JSValueConst value) {
  if (!JS_IsObject(value)) {
    throw_type_error(context, "Algorithm must be an object");
    return std::nullopt;
  }
  std::optional<std::string> name = text_member(context, value, "name");
  if (!name) return std::nullopt;
  Algorithm out;
  out.name = std::move(*name);
  if (out.name == eddsa) return out;
  const std::optional<std::string> hash = text_member(context, value, "hash");
  if (!hash) return std::nullopt;
  const auto known = std::find_if(std::begin(hash_names), std::end(hash_names),
                                  [&](const HashName& one) { return one.name == *hash; });
  if (known != std::end(hash_names)) out.hash = known->hash;
  const std::optional<unsigned> salt = unsigned_member(context, value, "saltLength", 0);
  if (!salt) return std::nullopt;
  out.salt = *salt;
  return out;
}

// ------------------------------------------------------------------------ signing

using Signer = Result<Bytes> (*)(const Algorithm&, std::string_view key, BytesView data);

Result<Bytes> sign_ecdsa(const Algorithm& algorithm, std::string_view key, BytesView data) {
  const auto pair = crypto::KeyPair::from_pem(key);
  if (!pair.ok()) return pair.error();
  return pair->sign_raw(data, *algorithm.hash);
}

Result<Bytes> sign_rsa_pss(const Algorithm& algorithm, std::string_view key, BytesView data) {
  const auto pair = crypto::RsaKeyPair::from_pem(key);
  if (!pair.ok()) return pair.error();
  return pair->sign_pss(*algorithm.hash, algorithm.salt, data);
}

Result<Bytes> sign_eddsa(const Algorithm&, std::string_view key, BytesView data) {
  const auto pair = crypto::OctetKeyPair::from_pem(key);
  if (!pair.ok()) return pair.error();
  return pair->sign(data);
}

Result<Bytes> sign_hmac(const Algorithm& algorithm, std::string_view key, BytesView data) {
  return crypto::hmac(*algorithm.hash, as_bytes(key), data);
}

// ------------------------------------------------------------------------ verification

using Verifier = Result<bool> (*)(const Algorithm&, std::string_view key, BytesView signature,
                                  BytesView data);

/// The key of a `PUBLIC KEY` block, or of a certificate.
template <typename Key>
Result<Key> public_key(std::string_view pem,
                       Result<Key> (crypto::Certificate::*of_certificate)() const) {
  if (!pem.starts_with("-----BEGIN CERTIFICATE")) return Key::from_pem(pem);
  const auto certificate = crypto::Certificate::from_pem(pem);
  if (!certificate.ok()) return certificate.error();
  return ((*certificate).*of_certificate)();
}

Result<bool> verify_ecdsa(const Algorithm& algorithm, std::string_view pem, BytesView signature,
                          BytesView data) {
  const auto key = public_key<crypto::PublicKey>(pem, &crypto::Certificate::public_key);
  if (!key.ok()) return key.error();
  return key->verify_raw(data, signature, *algorithm.hash);
}

Result<bool> verify_rsa_pss(const Algorithm& algorithm, std::string_view pem, BytesView signature,
                            BytesView data) {
  const auto key = public_key<crypto::RsaPublicKey>(pem, &crypto::Certificate::rsa_public_key);
  if (!key.ok()) return key.error();
  return key->verify_pss(*algorithm.hash, algorithm.salt, data, signature);
}

Result<bool> verify_eddsa(const Algorithm&, std::string_view pem, BytesView signature,
                          BytesView data) {
  const auto key = crypto::OctetPublicKey::from_pem(pem);
  if (!key.ok()) return key.error();
  if (key->curve() != crypto::OctetCurve::ed25519) return Error{"X25519 keys do not sign"};
  return key->verify(data, signature);
}

// ------------------------------------------------------------------------ the natives

struct Scheme {
  std::string_view name;
  Signer sign;
  Verifier verify;  // null: not offered
};
constexpr Scheme schemes[] = {{"RSA-PSS", sign_rsa_pss, verify_rsa_pss},
                              {"ECDSA", sign_ecdsa, verify_ecdsa},
                              {eddsa, sign_eddsa, verify_eddsa},
                              {"HMAC", sign_hmac, nullptr}};

const Scheme* scheme_of(std::string_view name) {
  const auto found = std::find_if(std::begin(schemes), std::end(schemes),
                                  [&](const Scheme& scheme) { return scheme.name == name; });
  return found == std::end(schemes) ? nullptr : found;
}

JSValue sign(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 3)) return JS_EXCEPTION;
  const std::optional<Algorithm> algorithm = algorithm_argument(context, arguments[0]);
  if (!algorithm) return JS_EXCEPTION;
  std::optional<std::string> key = text_argument(context, arguments[1]);
  if (!key) return JS_EXCEPTION;
  const crypto::WipeAtExit wiped(*key);
  const auto data = buffer_argument(context, arguments[2]);
  if (!data) return JS_EXCEPTION;
  if (algorithm->name != eddsa && !algorithm->hash) {
    return throw_range_error(context,
                             "Unsupported hash algorithm, supported: SHA-256, SHA-384, SHA-512");
  }
  const Scheme* scheme = scheme_of(algorithm->name);
  if (scheme == nullptr) {
    return throw_range_error(
        context, "Unsupported signing algorithm, supported: RSA-PSS, ECDSA, EdDSA, HMAC");
  }
  const Result<Bytes> signature = scheme->sign(*algorithm, *key, *data);
  if (signature.ok()) return new_buffer(context, *signature);
  const std::string_view what =
      scheme->name == eddsa ? "Failed to sign with EdDSA pair: " : "Failed to sign: ";
  return throw_internal_error(context, std::string(what) + signature.error().message);
}

JSValue verify_signature(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 4)) return JS_EXCEPTION;
  const std::optional<Algorithm> algorithm = algorithm_argument(context, arguments[0]);
  if (!algorithm) return JS_EXCEPTION;
  const std::optional<std::string> key = text_argument(context, arguments[1]);
  if (!key) return JS_EXCEPTION;
  const auto signature = buffer_argument(context, arguments[2]);
  if (!signature) return JS_EXCEPTION;
  const auto data = buffer_argument(context, arguments[3]);
  if (!data) return JS_EXCEPTION;
  if (algorithm->name != eddsa && algorithm->hash != Hash::sha256) {
    return throw_range_error(context, "Unsupported hash algorithm, supported: SHA-256");
  }
  const Scheme* scheme = scheme_of(algorithm->name);
  if (scheme == nullptr || scheme->verify == nullptr) {
    return throw_range_error(context,
                             "Unsupported signing algorithm, supported: RSA-PSS, ECDSA, EdDSA");
  }
  const Result<bool> good = scheme->verify(*algorithm, *key, *signature, *data);
  if (good.ok()) return JS_NewBool(context, *good);
  const auto raise = scheme->name == eddsa ? throw_range_error : throw_internal_error;
  return raise(context, "Failed to verify signature: " + good.error().message);
}

constexpr Native natives[] = {
    {"sign", guarded<sign>, 3},
    {"verifySignature", guarded<verify_signature>, 4},
};

}  // namespace

std::span<const Native> signature_natives() {
  return natives;
}

}  // namespace entente::js
