#include "crypto/rsa.h"

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"

namespace entente::crypto {

namespace {

constexpr int min_bits = 2048;
constexpr int max_bits = 8192;

const EVP_MD* sha256_function() {
  static const EVP_MD* function = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  ENTENTE_ASSERT(function != nullptr);
  return function;
}

PkeyContextPtr context_of(EVP_PKEY* key) {
  PkeyContextPtr context(EVP_PKEY_CTX_new(key, nullptr));
  ENTENTE_ASSERT(context != nullptr);
  return context;
}

constexpr size_t max_label = size_t{1} << 20;

// After the init call for encryption or decryption. The label must be within its limit.
void choose_oaep_sha256(EVP_PKEY_CTX* context, BytesView label) {
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_oaep_md(context, sha256_function()) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_mgf1_md(context, sha256_function()) == 1);
  if (label.empty()) return;
  void* copy = OPENSSL_memdup(label.data(), label.size());
  ENTENTE_ASSERT(copy != nullptr);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, static_cast<int>(label.size())) ==
                 1);
}

// After the init call for signing or verification.
void choose_pkcs1_sha256(EVP_PKEY_CTX* context) {
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_signature_md(context, sha256_function()) == 1);
}

const EVP_MD* function_of(Hash hash) {
  static const EVP_MD* const functions[] = {sha256_function(),
                                            EVP_MD_fetch(nullptr, "SHA2-384", nullptr),
                                            EVP_MD_fetch(nullptr, "SHA2-512", nullptr)};
  const EVP_MD* function = functions[static_cast<size_t>(hash)];
  ENTENTE_ASSERT(function != nullptr);
  return function;
}

/// Largest salt that fits: RFC 8017 §9.1.1 step 3. nullopt if not even the hash does.
std::optional<size_t> max_salt(size_t bits, Hash hash) {
  const size_t encoded = (bits - 1 + 7) / 8;
  if (encoded < digest_size(hash) + 2) return std::nullopt;
  return encoded - digest_size(hash) - 2;
}

// After the init call for signing or verification.
void choose_pss(EVP_PKEY_CTX* context, Hash hash, size_t salt) {
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_signature_md(context, function_of(hash)) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_mgf1_md(context, function_of(hash)) == 1);
  ENTENTE_ASSERT(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, static_cast<int>(salt)) == 1);
}

Bytes big_endian(const EVP_PKEY* key, const char* name) {
  const BigNumPtr number = key_number(key, name);
  ENTENTE_ASSERT(number != nullptr);
  Bytes out(static_cast<size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), out.data());
  return out;
}

}  // namespace

Result<RsaPublicKey> RsaPublicKey::adopt(std::shared_ptr<EVP_PKEY> key) {
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1) return Error{"key is not an RSA key"};
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < min_bits || bits > max_bits) {
    return Error{"RSA key of " + std::to_string(bits) + " bits is outside [2048, 8192]"};
  }
  const BigNumPtr e = key_number(key.get(), OSSL_PKEY_PARAM_RSA_E);
  if (e == nullptr || !BN_is_odd(e.get()) || BN_is_one(e.get()) || BN_num_bits(e.get()) > 64) {
    return Error{"RSA exponent is not an odd number in [3, 2^64)"};
  }
  return RsaPublicKey(std::move(key));
}

Result<RsaPublicKey> RsaPublicKey::from_pem(std::string_view pem) {
  const Result<Bytes> der = parse_pem(pem, "PUBLIC KEY");
  if (!der.ok()) return der.error();
  return from_der(*der);
}

Result<RsaPublicKey> RsaPublicKey::from_der(BytesView spki) {
  Result<PkeyPtr> key = public_key_from_der(spki);
  if (!key.ok()) return key.error();
  return adopt(std::move(*key));
}

Result<RsaPublicKey> RsaPublicKey::from_components(BytesView n, BytesView e) {
  if (n.size() > max_bits / 8 || e.size() > max_bits / 8) return Error{"RSA numbers are too long"};
  const BigNumPtr modulus(BN_bin2bn(n.data(), static_cast<int>(n.size()), nullptr));
  const BigNumPtr exponent(BN_bin2bn(e.data(), static_cast<int>(e.size()), nullptr));
  const ParamBuilderPtr numbers(OSSL_PARAM_BLD_new());
  ENTENTE_ASSERT(modulus != nullptr && exponent != nullptr && numbers != nullptr);
  ENTENTE_ASSERT(OSSL_PARAM_BLD_push_BN(numbers.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1);
  ENTENTE_ASSERT(OSSL_PARAM_BLD_push_BN(numbers.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
  Result<PkeyPtr> key = key_from_numbers("RSA", EVP_PKEY_PUBLIC_KEY, numbers.get());
  if (!key.ok()) return key.error();
  return adopt(std::move(*key));
}

RsaPublicKey::Numbers RsaPublicKey::numbers() const {
  return {big_endian(key_.get(), OSSL_PKEY_PARAM_RSA_N),
          big_endian(key_.get(), OSSL_PKEY_PARAM_RSA_E)};
}
Bytes RsaPublicKey::der() const {
  return to_der<i2d_PUBKEY>(key_.get());
}
std::string RsaPublicKey::pem() const {
  return to_pem("PUBLIC KEY", der());
}
size_t RsaPublicKey::bits() const {
  return static_cast<size_t>(EVP_PKEY_get_bits(key_.get()));
}

Result<Bytes> RsaPublicKey::encrypt_oaep_sha256(BytesView plaintext, BytesView label) const {
  if (label.size() > max_label) return Error{"RSA-OAEP label is too long"};
  const ErrorQueueScope errors;
  const PkeyContextPtr context = context_of(key_.get());
  ENTENTE_ASSERT(EVP_PKEY_encrypt_init(context.get()) == 1);
  choose_oaep_sha256(context.get(), label);
  Bytes ciphertext(static_cast<size_t>(EVP_PKEY_get_size(key_.get())));
  size_t size = ciphertext.size();
  if (EVP_PKEY_encrypt(context.get(), ciphertext.data(), &size, plaintext.data(),
                       plaintext.size()) != 1) {
    return openssl_error("RSA-OAEP encryption of " + std::to_string(plaintext.size()) + " bytes");
  }
  ciphertext.resize(size);
  return ciphertext;
}

bool RsaPublicKey::verify_rs256(BytesView message, BytesView signature) const {
  const ErrorQueueScope errors;
  const PkeyContextPtr context = context_of(key_.get());
  ENTENTE_ASSERT(EVP_PKEY_verify_init(context.get()) == 1);
  choose_pkcs1_sha256(context.get());
  const Digest digest = sha256(message);
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), digest.bytes.data(),
                         Digest::size) == 1;
}

bool RsaPublicKey::verify_pss(Hash hash, size_t salt, BytesView message,
                              BytesView signature) const {
  const std::optional<size_t> most = max_salt(bits(), hash);
  if (!most || salt > *most) return false;
  const ErrorQueueScope errors;
  const PkeyContextPtr context = context_of(key_.get());
  ENTENTE_ASSERT(EVP_PKEY_verify_init(context.get()) == 1);
  choose_pss(context.get(), hash, salt);
  const AnyDigest digest(hash, message);
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(),
                         BytesView(digest).data(), BytesView(digest).size()) == 1;
}

std::string RsaKeyPair::private_pem() const {
  return private_key_to_pem(native_handle());
}

Result<Bytes> RsaKeyPair::decrypt_oaep_sha256(BytesView ciphertext, BytesView label) const {
  if (label.size() > max_label) return Error{"RSA-OAEP label is too long"};
  const ErrorQueueScope errors;
  const PkeyContextPtr context = context_of(native_handle());
  ENTENTE_ASSERT(EVP_PKEY_decrypt_init(context.get()) == 1);
  choose_oaep_sha256(context.get(), label);
  Bytes plaintext(static_cast<size_t>(EVP_PKEY_get_size(native_handle())));
  size_t size = plaintext.size();
  if (EVP_PKEY_decrypt(context.get(), plaintext.data(), &size, ciphertext.data(),
                       ciphertext.size()) != 1) {
    return Error{"RSA-OAEP ciphertext does not decrypt under this key"};
  }
  plaintext.resize(size);
  return plaintext;
}

Bytes RsaKeyPair::sign_rs256(BytesView message) const {
  const ErrorQueueScope errors;
  const PkeyContextPtr context = context_of(native_handle());
  ENTENTE_ASSERT(EVP_PKEY_sign_init(context.get()) == 1);
  choose_pkcs1_sha256(context.get());
  const Digest digest = sha256(message);
  Bytes signature(static_cast<size_t>(EVP_PKEY_get_size(native_handle())));
  size_t size = signature.size();
  ENTENTE_ASSERT(EVP_PKEY_sign(context.get(), signature.data(), &size, digest.bytes.data(),
                               Digest::size) == 1);
  signature.resize(size);
  return signature;
}

Result<Bytes> RsaKeyPair::sign_pss(Hash hash, size_t salt, BytesView message) const {
  const std::optional<size_t> most = max_salt(public_.bits(), hash);
  if (!most || salt > *most) return Error{"RSA-PSS salt does not fit into the modulus"};
  const ErrorQueueScope errors;
  const PkeyContextPtr context = context_of(native_handle());
  ENTENTE_ASSERT(EVP_PKEY_sign_init(context.get()) == 1);
  choose_pss(context.get(), hash, salt);
  const AnyDigest digest(hash, message);
  Bytes signature(static_cast<size_t>(EVP_PKEY_get_size(native_handle())));
  size_t size = signature.size();
  if (EVP_PKEY_sign(context.get(), signature.data(), &size, BytesView(digest).data(),
                    BytesView(digest).size()) != 1) {
    return openssl_error("RSA-PSS signature");
  }
  signature.resize(size);
  return signature;
}

}  // namespace entente::crypto
