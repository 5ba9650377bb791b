#include "crypto/key_wrap.h"

#include "crypto/openssl.h"
#include "crypto/random.h"
#include "crypto/secret.h"

namespace entente::crypto {

namespace {

constexpr size_t block = 8;  // RFC 5649 works in semiblocks of 64 bits

const EVP_CIPHER* fetch(const char* name) {
  const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  ENTENTE_ASSERT(cipher != nullptr);
  return cipher;
}

const EVP_CIPHER* cipher_for(size_t key_size) {
  static const EVP_CIPHER* const aes128 = fetch("AES-128-WRAP-PAD");
  static const EVP_CIPHER* const aes192 = fetch("AES-192-WRAP-PAD");
  static const EVP_CIPHER* const aes256 = fetch("AES-256-WRAP-PAD");
  return key_size == 16 ? aes128 : key_size == 24 ? aes192 : key_size == 32 ? aes256 : nullptr;
}

Result<CipherContextPtr> context_for(BytesView key, bool wrap) {
  const EVP_CIPHER* cipher = cipher_for(key.size());
  if (cipher == nullptr) {
    return Error{"AES key has " + std::to_string(key.size()) + " bytes, not 16, 24 or 32"};
  }
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  ENTENTE_ASSERT(context != nullptr);
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  ENTENTE_ASSERT(
      EVP_CipherInit_ex2(context.get(), cipher, key.data(), nullptr, wrap ? 1 : 0, nullptr) == 1);
  return context;
}

}  // namespace

Result<Bytes> wrap_aes_kwp(BytesView key, BytesView payload) {
  const ErrorQueueScope errors;
  const Result<CipherContextPtr> context = context_for(key, true);
  if (!context.ok()) return context.error();
  if (payload.empty() || payload.size() > max_wrapped_payload) {
    return Error{"payload of " + std::to_string(payload.size()) + " bytes is outside [1, " +
                 std::to_string(max_wrapped_payload) + "]"};
  }
  Bytes wrapped((payload.size() + block - 1) / block * block + block);
  int size = 0;
  ENTENTE_ASSERT(EVP_CipherUpdate(context->get(), wrapped.data(), &size, payload.data(),
                                  static_cast<int>(payload.size())) == 1);
  ENTENTE_ASSERT(static_cast<size_t>(size) == wrapped.size());
  return wrapped;
}

Result<Bytes> unwrap_aes_kwp(BytesView key, BytesView wrapped) {
  const ErrorQueueScope errors;
  const Result<CipherContextPtr> context = context_for(key, false);
  if (!context.ok()) return context.error();
  const Error refused{"wrapped key is not intact under this key"};
  if (wrapped.size() < 2 * block || wrapped.size() % block != 0 ||
      wrapped.size() > max_wrapped_payload + 2 * block) {
    return refused;
  }
  Bytes payload(wrapped.size());
  int size = 0;
  if (EVP_CipherUpdate(context->get(), payload.data(), &size, wrapped.data(),
                       static_cast<int>(wrapped.size())) != 1 ||
      size <= 0) {
    wipe(payload);
    return refused;
  }
  payload.resize(static_cast<size_t>(size));
  return payload;
}

Result<Bytes> wrap_rsa_aes_kwp(const RsaPublicKey& key, unsigned aes_bits, BytesView label,
                               BytesView payload) {
  if (aes_bits != 128 && aes_bits != 192 && aes_bits != 256) {
    return Error{"AES key size is not one of 128, 192, 256 bits"};
  }
  Bytes aes_key(aes_bits / 8);
  random_bytes(aes_key);
  const WipeAtExit wiped(aes_key);
  Result<Bytes> wrapped = key.encrypt_oaep_sha256(aes_key, label);
  if (!wrapped.ok()) return wrapped.error();
  const Result<Bytes> inner = wrap_aes_kwp(aes_key, payload);
  if (!inner.ok()) return inner.error();
  append(*wrapped, *inner);
  return wrapped;
}

Result<Bytes> unwrap_rsa_aes_kwp(const RsaKeyPair& key, BytesView label, BytesView wrapped) {
  const size_t modulus = (key.public_key().bits() + 7) / 8;
  if (wrapped.size() <= modulus) return Error{"wrapped key is shorter than the modulus"};
  Result<Bytes> aes_key = key.decrypt_oaep_sha256(wrapped.first(modulus), label);
  if (!aes_key.ok()) return aes_key.error();
  const WipeAtExit wiped(*aes_key);
  return unwrap_aes_kwp(*aes_key, wrapped.subspan(modulus));
}

}  // namespace entente::crypto
