#pragma once
// SHA-2, HMAC and HKDF as values. Sources: FIPS 180-4, RFC 2104, RFC 5869.
// SHA-256 lies on the path of every transaction (entry digest, evidence, Merkle nodes): nothing
// here allocates, locks or looks an algorithm up, except hkdf_sha256 and hash, which return Bytes.

#include <openssl/sha.h>

#include <array>
#include <initializer_list>
#include <span>

#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::crypto {

Digest sha256(BytesView data);
/// The digest of the parts one after the other.
Digest sha256(std::initializer_list<BytesView> parts);
/// The digest of exactly 64 bytes left ‖ right: an inner node of a Merkle tree.
Digest sha256_pair(const Digest& left, const Digest& right);

/// A running SHA-256. A plain value: copying it forks the computation. Not thread-safe.
class Sha256 {
 public:
  Sha256();
  Sha256& update(BytesView data);
  /// Digest of everything given so far. The value must not be used afterwards.
  Digest finish();

 private:
  SHA256_CTX context_;
};

/// HMAC-SHA-256 under one key, whose schedule (two SHA-256 states) is computed once.
/// Const calls are thread-safe. The states are wiped on destruction.
class HmacSha256 {
 public:
  explicit HmacSha256(BytesView key);  ///< any length
  HmacSha256(const HmacSha256&) = default;
  HmacSha256& operator=(const HmacSha256&) = default;
  ~HmacSha256();
  Digest mac(BytesView data) const;
  Digest mac(std::initializer_list<BytesView> parts) const;

 private:
  Sha256 inner_;
  Sha256 outer_;
};

Digest hmac_sha256(BytesView key, BytesView data);

/// RFC 5869, extract then expand. An empty salt means 32 zero bytes. length ≤ 8160 (asserted).
Bytes hkdf_sha256(BytesView ikm, BytesView salt, BytesView info, size_t length);

/// The hash functions that accompany the curves.
enum class Hash { sha256, sha384, sha512 };
size_t digest_size(Hash hash);  ///< in bytes: 32, 48, 64

/// A digest of any of the three functions, on the stack.
class AnyDigest {
 public:
  AnyDigest(Hash hash, BytesView data);
  operator BytesView() const { return {bytes_.data(), size_}; }

 private:
  std::array<uint8_t, 64> bytes_;
  size_t size_;
};

Bytes hash(Hash hash, BytesView data);
Bytes hmac(Hash hash, BytesView key, BytesView data);  ///< RFC 2104

}  // namespace entente::crypto
