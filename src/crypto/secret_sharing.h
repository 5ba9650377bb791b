#pragma once
// Shamir's scheme (1979) over the integers modulo 2^31 − 1, ten limbs side by side, as recovery
// shares use it. Source: docs/ledger-format.md (wrapping key and shares).

#include <array>
#include <span>
#include <vector>

#include "base/environment.h"
#include "crypto/secret.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto {

inline constexpr uint32_t share_prime = 0x7fffffff;
inline constexpr size_t share_limbs = 10;
inline constexpr size_t share_size = 4 + 4 * share_limbs;  ///< bytes
/// More shares than this are refused.
inline constexpr size_t max_shares = 1000;

/// The polynomials' values at x. x = 0 is the secret itself ("full share"). Wiped on destruction.
struct Share {
  uint32_t x = 0;
  std::array<uint32_t, share_limbs> y{};

  Share() = default;
  Share(const Share&) = default;
  Share& operator=(const Share&) = default;
  ~Share();

  bool is_full() const { return x == 0; }
  /// x ‖ y, each a little-endian u32: 44 bytes. The caller wipes them.
  Bytes encode() const;
  /// Exactly 44 bytes, every number below the prime.
  static Result<Share> parse(BytesView bytes);
};

/// The raw secret from which the wrapping key is derived. Wiped on destruction.
class SharedSecret {
 public:
  /// Ten uniform limbs.
  static SharedSecret generate(RandomSource& source);

  /// Shares for x = 1 … count, any `threshold` of which give the secret back.
  /// Error unless 1 ≤ threshold ≤ count ≤ max_shares.
  Result<std::vector<Share>> split(size_t threshold, size_t count, RandomSource& source) const;
  Share full_share() const { return value_; }

  /// From `threshold` shares with distinct x (more are ignored), or from any one full share.
  static Result<SharedSecret> combine(std::span<const Share> shares, size_t threshold);

  /// HKDF-SHA-256 with the 40 bytes of the limbs as key material and as info, empty salt.
  SymmetricKey wrapping_key() const;

 private:
  explicit SharedSecret(const Share& value) : value_(value) {}
  Share value_;
};

}  // namespace entente::crypto
