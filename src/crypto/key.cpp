#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>

#include "base/encoding.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "crypto/secret.h"

namespace entente::crypto {

namespace {

struct CurveFacts {
  std::string_view name;
  const char* openssl_name;
  int nid;
  Hash hash;
  size_t coordinate;
  std::string_view spki_prefix;  ///< hex of everything in a SubjectPublicKeyInfo before x
};

constexpr CurveFacts curve_facts[] = {
    {"P-256", "prime256v1", NID_X9_62_prime256v1, Hash::sha256, 32,
     "3059301306072a8648ce3d020106082a8648ce3d03010703420004"},
    {"P-384", "secp384r1", NID_secp384r1, Hash::sha384, 48,
     "3076301006072a8648ce3d020106052b8104002203620004"},
    {"P-521", "secp521r1", NID_secp521r1, Hash::sha512, 66,
     "30819b301006072a8648ce3d020106052b810400230381860004"}};

const CurveFacts& facts(Curve curve) {
  return curve_facts[static_cast<size_t>(curve)];
}

std::optional<Curve> curve_of(const EVP_PKEY* key) {
  char name[64];
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return std::nullopt;
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    if (std::string_view(name, length) == facts(curve).openssl_name) return curve;
  }
  return std::nullopt;
}

bool has_explicit_parameters(const EVP_PKEY* key) {
  int is_explicit = 1;
  return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                &is_explicit) != 1 ||
         is_explicit != 0;
}

Bytes spki_of(Curve curve, BytesView x, BytesView y) {
  Bytes spki = *from_hex(facts(curve).spki_prefix);
  append(spki, x);
  append(spki, y);
  return spki;
}

EcdsaSigPtr parse_der_signature(BytesView der) {
  const uint8_t* at = der.data();
  EcdsaSigPtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (signature == nullptr || at != der.data() + der.size()) return nullptr;
  return signature;
}

// SEQUENCE, two INTEGERs, each with a sign byte and up to two length bytes.
constexpr size_t max_der_signature = 3 + 2 * (3 + 1 + 66);
constexpr size_t max_digest = 64;

}  // namespace

Hash hash_of(Curve curve) {
  return facts(curve).hash;
}
size_t coordinate_size(Curve curve) {
  return facts(curve).coordinate;
}
std::string_view name_of(Curve curve) {
  return facts(curve).name;
}

Result<Bytes> der_to_raw_signature(BytesView der, Curve curve) {
  const ErrorQueueScope errors;
  if (der.size() > max_der_signature) return Error{"signature is too long"};
  const EcdsaSigPtr signature = parse_der_signature(der);
  if (signature == nullptr) return Error{"signature is not DER of two integers"};
  const size_t size = coordinate_size(curve);
  Bytes raw(2 * size);
  const BIGNUM* numbers[] = {ECDSA_SIG_get0_r(signature.get()), ECDSA_SIG_get0_s(signature.get())};
  for (size_t i = 0; i < 2; ++i) {
    if (BN_is_negative(numbers[i]) ||
        BN_bn2binpad(numbers[i], raw.data() + i * size, static_cast<int>(size)) < 0) {
      return Error{"signature number is out of range for " + std::string(name_of(curve))};
    }
  }
  return raw;
}

Result<Bytes> raw_to_der_signature(BytesView raw, Curve curve) {
  const size_t size = coordinate_size(curve);
  if (raw.size() != 2 * size) {
    return Error{"raw signature has " + std::to_string(raw.size()) + " bytes, not the " +
                 std::to_string(2 * size) + " of " + std::string(name_of(curve))};
  }
  BigNumPtr r(BN_bin2bn(raw.data(), static_cast<int>(size), nullptr));
  BigNumPtr s(BN_bin2bn(raw.data() + size, static_cast<int>(size), nullptr));
  const EcdsaSigPtr signature(ECDSA_SIG_new());
  ENTENTE_ASSERT(r != nullptr && s != nullptr && signature != nullptr);
  ENTENTE_ASSERT(ECDSA_SIG_set0(signature.get(), r.release(), s.release()) == 1);
  return to_der<i2d_ECDSA_SIG>(signature.get());
}

struct PublicKey::Parts {
  PkeyPtr key;
  Curve curve;
  Bytes der;
  Digest digest;
};

Result<PublicKey> PublicKey::adopt(EVP_PKEY* native) {
  PkeyPtr key(native);
  const ErrorQueueScope errors;
  if (EVP_PKEY_is_a(key.get(), "EC") != 1) return Error{"key is not an elliptic-curve key"};
  const std::optional<Curve> curve = curve_of(key.get());
  if (!curve || has_explicit_parameters(key.get())) {
    return Error{"key is not on one of the named curves P-256, P-384, P-521"};
  }
  const BigNumPtr x = key_number(key.get(), OSSL_PKEY_PARAM_EC_PUB_X);
  const BigNumPtr y = key_number(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y);
  if (x == nullptr || y == nullptr) return Error{"key has no finite public point"};
  const size_t size = coordinate_size(*curve);
  Bytes point(2 * size);
  ENTENTE_ASSERT(BN_bn2binpad(x.get(), point.data(), static_cast<int>(size)) > 0);
  ENTENTE_ASSERT(BN_bn2binpad(y.get(), point.data() + size, static_cast<int>(size)) > 0);
  const BytesView both(point);
  Bytes der = spki_of(*curve, both.first(size), both.subspan(size));
  const Digest digest = sha256(der);
  return PublicKey(
      std::make_shared<const Parts>(Parts{std::move(key), *curve, std::move(der), digest}));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const Result<Bytes> der = parse_pem(pem, "PUBLIC KEY");
  if (!der.ok()) return der.error();
  return from_der(*der);
}

Result<PublicKey> PublicKey::from_der(BytesView spki) {
  Result<PkeyPtr> key = public_key_from_der(spki);
  if (!key.ok()) return key.error();
  return adopt(key->release());
}

Result<PublicKey> PublicKey::from_coordinates(Curve curve, BytesView x, BytesView y) {
  if (x.size() != coordinate_size(curve) || y.size() != coordinate_size(curve)) {
    return Error{"coordinates have " + std::to_string(x.size()) + " and " +
                 std::to_string(y.size()) + " bytes, not the " +
                 std::to_string(coordinate_size(curve)) + " of " + std::string(name_of(curve))};
  }
  return from_der(spki_of(curve, x, y));
}

Curve PublicKey::curve() const {
  return parts_->curve;
}
const Bytes& PublicKey::der() const {
  return parts_->der;
}
std::string PublicKey::pem() const {
  return to_pem("PUBLIC KEY", der());
}
const Digest& PublicKey::digest() const {
  return parts_->digest;
}
EVP_PKEY* PublicKey::native_handle() const {
  return parts_->key.get();
}

bool PublicKey::verify(BytesView message, BytesView der_signature) const {
  return verify_digest(AnyDigest(hash_of(curve()), message), der_signature);
}

bool PublicKey::verify_digest(BytesView digest, BytesView der_signature) const {
  if (digest.empty() || digest.size() > max_digest || der_signature.size() > max_der_signature) {
    return false;
  }
  const ErrorQueueScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new(native_handle(), nullptr));
  ENTENTE_ASSERT(context != nullptr && EVP_PKEY_verify_init(context.get()) == 1);
  return EVP_PKEY_verify(context.get(), der_signature.data(), der_signature.size(), digest.data(),
                         digest.size()) == 1;
}

bool PublicKey::verify_raw(BytesView message, BytesView raw_signature) const {
  return verify_raw(message, raw_signature, hash_of(curve()));
}

bool PublicKey::verify_raw(BytesView message, BytesView raw_signature, Hash hash) const {
  const Result<Bytes> der = raw_to_der_signature(raw_signature, curve());
  return der.ok() && verify_digest(AnyDigest(hash, message), *der);
}

KeyPair KeyPair::generate(Curve curve) {
  const ErrorQueueScope errors;
  Result<PublicKey> key = PublicKey::adopt(EVP_EC_gen(facts(curve).openssl_name));
  ENTENTE_ASSERT(key.ok());
  return KeyPair(std::move(*key));
}

KeyPair KeyPair::generate(Curve curve, RandomSource& source) {
  Bytes scalar(coordinate_size(curve));
  const WipeAtExit wiped(scalar);
  for (;;) {  // P-256 and P-384 orders are just below a power of two: one round nearly always
    source.fill(scalar);
    if (curve == Curve::p521) scalar[0] &= 1;
    Result<KeyPair> key = from_scalar(curve, scalar);
    if (key.ok()) return std::move(*key);
  }
}

Result<KeyPair> KeyPair::from_pem(std::string_view pem) {
  Result<PkeyPtr> key = private_key_from_pem(pem);
  if (!key.ok()) return key.error();
  Result<PublicKey> checked = PublicKey::adopt(key->release());
  if (!checked.ok()) return checked.error();
  const ErrorQueueScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new(checked->native_handle(), nullptr));
  ENTENTE_ASSERT(context != nullptr);
  if (EVP_PKEY_pairwise_check(context.get()) != 1) {
    return Error{"private and public part of the key do not match"};
  }
  return KeyPair(std::move(*checked));
}

Result<KeyPair> KeyPair::from_scalar(Curve curve, BytesView scalar) {
  if (scalar.size() != coordinate_size(curve)) {
    return Error{"private scalar has " + std::to_string(scalar.size()) + " bytes, not the " +
                 std::to_string(coordinate_size(curve)) + " of " + std::string(name_of(curve))};
  }
  const ErrorQueueScope errors;
  const BigNumPtr d(BN_bin2bn(scalar.data(), static_cast<int>(scalar.size()), BN_secure_new()));
  const std::unique_ptr<EC_GROUP, FreeWith<EC_GROUP_free>> group(
      EC_GROUP_new_by_curve_name(facts(curve).nid));
  ENTENTE_ASSERT(d != nullptr && group != nullptr);
  if (BN_is_zero(d.get()) || BN_cmp(d.get(), EC_GROUP_get0_order(group.get())) >= 0) {
    return Error{"private scalar is outside [1, n-1] of " + std::string(name_of(curve))};
  }
  const std::unique_ptr<EC_POINT, FreeWith<EC_POINT_free>> point(EC_POINT_new(group.get()));
  ENTENTE_ASSERT(point != nullptr);
  ENTENTE_ASSERT(EC_POINT_mul(group.get(), point.get(), d.get(), nullptr, nullptr, nullptr) == 1);
  Bytes encoded(1 + 2 * coordinate_size(curve));
  ENTENTE_ASSERT(EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED,
                                    encoded.data(), encoded.size(), nullptr) == encoded.size());
  const ParamBuilderPtr numbers(OSSL_PARAM_BLD_new());
  ENTENTE_ASSERT(numbers != nullptr);
  ENTENTE_ASSERT(OSSL_PARAM_BLD_push_utf8_string(numbers.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                                 facts(curve).openssl_name, 0) == 1);
  ENTENTE_ASSERT(OSSL_PARAM_BLD_push_octet_string(numbers.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                  encoded.data(), encoded.size()) == 1);
  ENTENTE_ASSERT(OSSL_PARAM_BLD_push_BN(numbers.get(), OSSL_PKEY_PARAM_PRIV_KEY, d.get()) == 1);
  Result<PkeyPtr> key = key_from_numbers("EC", EVP_PKEY_KEYPAIR, numbers.get());
  if (!key.ok()) return key.error();
  Result<PublicKey> adopted = PublicKey::adopt(key->release());
  if (!adopted.ok()) return adopted.error();
  return KeyPair(std::move(*adopted));
}

std::string KeyPair::private_pem() const {
  return private_key_to_pem(native_handle());
}

Bytes KeyPair::sign(BytesView message) const {
  return sign_digest(AnyDigest(hash_of(curve()), message));
}

Bytes KeyPair::sign_digest(BytesView digest) const {
  ENTENTE_ASSERT(!digest.empty() && digest.size() <= max_digest);
  const ErrorQueueScope errors;
  const PkeyContextPtr context(EVP_PKEY_CTX_new(native_handle(), nullptr));
  ENTENTE_ASSERT(context != nullptr && EVP_PKEY_sign_init(context.get()) == 1);
  Bytes signature(max_der_signature);
  size_t size = signature.size();
  ENTENTE_ASSERT(
      EVP_PKEY_sign(context.get(), signature.data(), &size, digest.data(), digest.size()) == 1);
  signature.resize(size);
  return signature;
}

Bytes KeyPair::sign_raw(BytesView message) const {
  Result<Bytes> raw = der_to_raw_signature(sign(message), curve());
  ENTENTE_ASSERT(raw.ok());
  return std::move(*raw);
}

Bytes KeyPair::sign_raw(BytesView message, Hash hash) const {
  Result<Bytes> raw = der_to_raw_signature(sign_digest(AnyDigest(hash, message)), curve());
  ENTENTE_ASSERT(raw.ok());
  return std::move(*raw);
}

Bytes KeyPair::scalar() const {
  const BigNumPtr number = key_number(native_handle(), OSSL_PKEY_PARAM_PRIV_KEY);
  ENTENTE_ASSERT(number != nullptr);
  Bytes out(coordinate_size(curve()));
  ENTENTE_ASSERT(BN_bn2binpad(number.get(), out.data(), static_cast<int>(out.size())) > 0);
  return out;
}

}  // namespace entente::crypto
