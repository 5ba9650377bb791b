#include "crypto/aead.h"

#include <climits>

#include "base/assert.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace entente::crypto {

namespace {

// One lookup for the life of the process.
const EVP_CIPHER* aes_256_gcm() {
  static const EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  ENTENTE_ASSERT(cipher != nullptr);
  return cipher;
}

CipherContextPtr keyed_context(std::span<const uint8_t, 32> key, int encrypt) {
  CipherContextPtr context(EVP_CIPHER_CTX_new());
  ENTENTE_ASSERT(context != nullptr);
  ENTENTE_ASSERT(
      EVP_CipherInit_ex2(context.get(), aes_256_gcm(), key.data(), nullptr, encrypt, nullptr) == 1);
  return context;
}

int checked_length(size_t size) {
  ENTENTE_ASSERT(size <= INT_MAX);
  return static_cast<int>(size);
}

}  // namespace

struct Aes256Gcm::Contexts {
  CipherContextPtr seal;
  CipherContextPtr open;
};

Aes256Gcm::Aes256Gcm(std::span<const uint8_t, 32> key)
    : contexts_(new Contexts{keyed_context(key, 1), keyed_context(key, 0)}) {}
Aes256Gcm::Aes256Gcm(Aes256Gcm&&) noexcept = default;
Aes256Gcm& Aes256Gcm::operator=(Aes256Gcm&&) noexcept = default;
Aes256Gcm::~Aes256Gcm() = default;

void Aes256Gcm::seal(std::span<const uint8_t, gcm_iv_size> iv, BytesView aad, BytesView plaintext,
                     std::span<uint8_t> ciphertext, std::span<uint8_t, gcm_tag_size> tag) {
  ENTENTE_ASSERT(ciphertext.size() == plaintext.size());
  EVP_CIPHER_CTX* context = contexts_->seal.get();
  int written = 0;
  bool ok = EVP_EncryptInit_ex2(context, nullptr, nullptr, iv.data(), nullptr) == 1;
  if (!aad.empty()) {
    ok = ok &&
         EVP_EncryptUpdate(context, nullptr, &written, aad.data(), checked_length(aad.size())) == 1;
  }
  if (!plaintext.empty()) {
    ok = ok && EVP_EncryptUpdate(context, ciphertext.data(), &written, plaintext.data(),
                                 checked_length(plaintext.size())) == 1;
  }
  uint8_t nothing[16];
  ok = ok && EVP_EncryptFinal_ex(context, nothing, &written) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, gcm_tag_size, tag.data()) == 1;
  ENTENTE_ASSERT(ok);
}

bool Aes256Gcm::open(std::span<const uint8_t, gcm_iv_size> iv, BytesView aad, BytesView ciphertext,
                     std::span<const uint8_t, gcm_tag_size> tag, std::span<uint8_t> plaintext) {
  ENTENTE_ASSERT(ciphertext.size() == plaintext.size());
  EVP_CIPHER_CTX* context = contexts_->open.get();
  int written = 0;
  bool ok = EVP_DecryptInit_ex2(context, nullptr, nullptr, iv.data(), nullptr) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, gcm_tag_size,
                                 const_cast<uint8_t*>(tag.data())) == 1;
  if (!aad.empty()) {
    ok = ok &&
         EVP_DecryptUpdate(context, nullptr, &written, aad.data(), checked_length(aad.size())) == 1;
  }
  if (!ciphertext.empty()) {
    ok = ok && EVP_DecryptUpdate(context, plaintext.data(), &written, ciphertext.data(),
                                 checked_length(ciphertext.size())) == 1;
  }
  ENTENTE_ASSERT(ok);  // only the tag depends on the input
  uint8_t nothing[16];
  if (EVP_DecryptFinal_ex(context, nothing, &written) == 1) return true;
  wipe(plaintext);
  return false;
}

Bytes seal_gcm_blob(Aes256Gcm& cipher, std::span<const uint8_t, gcm_iv_size> iv,
                    BytesView plaintext) {
  Bytes blob(gcm_tag_size + gcm_iv_size + plaintext.size());
  const std::span<uint8_t> all(blob);
  std::memcpy(blob.data() + gcm_tag_size, iv.data(), gcm_iv_size);
  cipher.seal(iv, {}, plaintext, all.subspan(gcm_tag_size + gcm_iv_size),
              all.first<gcm_tag_size>());
  return blob;
}

Bytes seal_gcm_blob(Aes256Gcm& cipher, BytesView plaintext) {
  return seal_gcm_blob(cipher, random_array<gcm_iv_size>(), plaintext);
}

Result<Bytes> open_gcm_blob(Aes256Gcm& cipher, BytesView blob) {
  if (blob.size() < gcm_tag_size + gcm_iv_size) {
    return Error{"sealed blob of " + std::to_string(blob.size()) + " bytes is shorter than 28"};
  }
  Bytes plaintext(blob.size() - gcm_tag_size - gcm_iv_size);
  if (!cipher.open(blob.subspan<gcm_tag_size, gcm_iv_size>(), {},
                   blob.subspan(gcm_tag_size + gcm_iv_size), blob.first<gcm_tag_size>(),
                   plaintext)) {
    return Error{"sealed blob does not authenticate under this key"};
  }
  return plaintext;
}

}  // namespace entente::crypto
