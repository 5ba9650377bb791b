#include "crypto/secret_sharing.h"

#include <algorithm>

#include "crypto/digest.h"

namespace entente::crypto {

namespace {

// Arithmetic modulo the prime; operands and results are in [0, prime).
uint32_t add(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>((uint64_t{a} + b) % share_prime);
}
uint32_t subtract(uint32_t a, uint32_t b) {
  return add(a, share_prime - b);
}
uint32_t multiply(uint32_t a, uint32_t b) {
  return static_cast<uint32_t>(uint64_t{a} * b % share_prime);
}

uint32_t inverse(uint32_t a) {  // a^(p−2), Fermat
  uint32_t result = 1;
  for (uint32_t exponent = share_prime - 2; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = multiply(result, a);
    a = multiply(a, a);
  }
  return result;
}

/// Uniform in [0, prime): 31 random bits, drawn again in the one case of 2^31 − 1.
uint32_t random_limb(RandomSource& source) {
  for (;;) {
    uint8_t bytes[4];
    source.fill(bytes);
    uint32_t limb;
    std::memcpy(&limb, bytes, sizeof limb);
    wipe(bytes);
    limb &= share_prime;
    if (limb != share_prime) return limb;
  }
}

/// The factor of the share at `own` when interpolating at zero through the points `all`.
uint32_t lagrange_at_zero(uint32_t own, std::span<const Share> all) {
  uint32_t numerator = 1;
  uint32_t denominator = 1;
  for (const Share& other : all) {
    if (other.x == own) continue;
    numerator = multiply(numerator, other.x);
    denominator = multiply(denominator, subtract(other.x, own));
  }
  return multiply(numerator, inverse(denominator));
}

Result<std::vector<Share>> distinct(std::span<const Share> shares) {
  std::vector<Share> out;
  for (const Share& share : shares) {
    const auto same = std::find_if(out.begin(), out.end(),
                                   [&](const Share& known) { return known.x == share.x; });
    if (same == out.end()) {
      out.push_back(share);
    } else if (same->y != share.y) {
      return Error{"two different shares with index " + std::to_string(share.x)};
    }
  }
  return out;
}

}  // namespace

Share::~Share() {
  wipe({reinterpret_cast<uint8_t*>(y.data()), sizeof y});
}

Bytes Share::encode() const {
  Bytes out(share_size);
  std::memcpy(out.data(), &x, 4);
  std::memcpy(out.data() + 4, y.data(), sizeof y);
  return out;
}

Result<Share> Share::parse(BytesView bytes) {
  if (bytes.size() != share_size) {
    return Error{"share of " + std::to_string(bytes.size()) + " bytes instead of 44"};
  }
  Share out;
  std::memcpy(&out.x, bytes.data(), 4);
  std::memcpy(out.y.data(), bytes.data() + 4, sizeof out.y);
  const auto too_large = [](uint32_t number) { return number >= share_prime; };
  if (too_large(out.x) || std::any_of(out.y.begin(), out.y.end(), too_large)) {
    return Error{"share holds a number that is not below 2^31-1"};
  }
  return out;
}

SharedSecret SharedSecret::generate(RandomSource& source) {
  Share value;
  for (uint32_t& limb : value.y) limb = random_limb(source);
  return SharedSecret(value);
}

Result<std::vector<Share>> SharedSecret::split(size_t threshold, size_t count,
                                               RandomSource& source) const {
  if (threshold < 1 || threshold > count || count > max_shares) {
    return Error{"cannot make " + std::to_string(count) + " shares with threshold " +
                 std::to_string(threshold)};
  }
  std::vector<Share> coefficients(threshold);  // one row of ten per power of x
  coefficients[0] = value_;
  for (size_t power = 1; power < threshold; ++power) {
    for (uint32_t& limb : coefficients[power].y) limb = random_limb(source);
  }
  std::vector<Share> out(count);
  for (size_t i = 0; i < count; ++i) {
    out[i].x = static_cast<uint32_t>(i + 1);
    for (size_t power = threshold; power-- > 0;) {  // Horner's rule
      for (size_t limb = 0; limb < share_limbs; ++limb) {
        out[i].y[limb] = add(multiply(out[i].y[limb], out[i].x), coefficients[power].y[limb]);
      }
    }
  }
  return out;
}

Result<SharedSecret> SharedSecret::combine(std::span<const Share> shares, size_t threshold) {
  for (const Share& share : shares) {
    if (share.is_full()) return SharedSecret(share);
  }
  Result<std::vector<Share>> points = distinct(shares);
  if (!points.ok()) return points.error();
  if (threshold == 0 || points->size() < threshold) {
    return Error{std::to_string(points->size()) + " distinct shares, " + std::to_string(threshold) +
                 " needed"};
  }
  points->resize(threshold);
  Share value;
  for (const Share& share : *points) {
    const uint32_t factor = lagrange_at_zero(share.x, *points);
    for (size_t limb = 0; limb < share_limbs; ++limb) {
      value.y[limb] = add(value.y[limb], multiply(share.y[limb], factor));
    }
  }
  return SharedSecret(value);
}

SymmetricKey SharedSecret::wrapping_key() const {
  Bytes encoded = value_.encode();
  const WipeAtExit wiped(encoded);
  const BytesView limbs = BytesView(encoded).subspan(4);
  Bytes key = hkdf_sha256(limbs, {}, limbs, SymmetricKey::size);
  const WipeAtExit wiped_key(key);
  return SymmetricKey(std::span<const uint8_t, SymmetricKey::size>(key));
}

}  // namespace entente::crypto
