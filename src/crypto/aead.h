#pragma once
// AES-256-GCM (NIST SP 800-38D): 32-byte key, 12-byte IV, 16-byte tag.

#include <array>
#include <memory>
#include <span>

#include "crypto/secret.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto {

inline constexpr size_t gcm_iv_size = 12;
inline constexpr size_t gcm_tag_size = 16;
using GcmIv = std::array<uint8_t, gcm_iv_size>;
using GcmTag = std::array<uint8_t, gcm_tag_size>;

/// Seals and opens under one key whose schedule is kept, so that a call costs only the IV set-up.
/// NOT thread-safe (the working state is inside): make one per thread and key; making one costs
/// about a microsecond. An IV must never seal twice under one key. Movable, not copyable.
class Aes256Gcm {
 public:
  explicit Aes256Gcm(std::span<const uint8_t, 32> key);
  explicit Aes256Gcm(const SymmetricKey& key) : Aes256Gcm(key.bytes()) {}
  Aes256Gcm(Aes256Gcm&&) noexcept;
  Aes256Gcm& operator=(Aes256Gcm&&) noexcept;
  ~Aes256Gcm();

  /// `ciphertext` has the size of `plaintext` (asserted) and may be the same memory, but not
  /// overlap otherwise. Both may be empty.
  void seal(std::span<const uint8_t, gcm_iv_size> iv, BytesView aad, BytesView plaintext,
            std::span<uint8_t> ciphertext, std::span<uint8_t, gcm_tag_size> tag);

  /// False if the tag does not match; `plaintext` is then all zero. Sizes and memory as in seal.
  [[nodiscard]] bool open(std::span<const uint8_t, gcm_iv_size> iv, BytesView aad,
                          BytesView ciphertext, std::span<const uint8_t, gcm_tag_size> tag,
                          std::span<uint8_t> plaintext);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

/// A "gcm blob" (docs/ledger-format.md, sealed blobs): tag ‖ IV ‖ ciphertext, no associated data.
Bytes seal_gcm_blob(Aes256Gcm& cipher, std::span<const uint8_t, gcm_iv_size> iv,
                    BytesView plaintext);
/// The IV is drawn from the machine's generator.
Bytes seal_gcm_blob(Aes256Gcm& cipher, BytesView plaintext);
Result<Bytes> open_gcm_blob(Aes256Gcm& cipher, BytesView blob);

}  // namespace entente::crypto
