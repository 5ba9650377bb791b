#pragma once
// Elliptic-curve keys and ECDSA signatures (FIPS 186-5, RFC 5480, RFC 5915, RFC 5958).
// Both key types are handles to shared immutable state: cheap to copy, const calls thread-safe.
// A hash is always that of the curve (P-256: SHA-256, P-384: SHA-384, P-521: SHA-512) unless said.

#include <memory>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "crypto/digest.h"
#include "entente/bytes.h"
#include "entente/result.h"

struct evp_pkey_st;

namespace entente::crypto {

enum class Curve { p256, p384, p521 };
Hash hash_of(Curve curve);
size_t coordinate_size(Curve curve);    ///< bytes of one coordinate: 32, 48, 66
std::string_view name_of(Curve curve);  ///< `P-256`, `P-384`, `P-521`

/// IEEE P1363 signatures (r ‖ s, each of coordinate size) from and to DER (RFC 3279 §2.2.3).
Result<Bytes> der_to_raw_signature(BytesView der, Curve curve);
Result<Bytes> raw_to_der_signature(BytesView raw, Curve curve);

class PublicKey {
 public:
  /// A `PUBLIC KEY` block.
  static Result<PublicKey> from_pem(std::string_view pem);
  /// A DER SubjectPublicKeyInfo, nothing after it. Only named curves, points on the curve.
  static Result<PublicKey> from_der(BytesView spki);
  /// Affine coordinates of coordinate size, as in a JSON web key (RFC 7518 §6.2).
  static Result<PublicKey> from_coordinates(Curve curve, BytesView x, BytesView y);

  Curve curve() const;
  /// DER SubjectPublicKeyInfo with the uncompressed point; lives as long as any copy of the key.
  const Bytes& der() const;
  std::string pem() const;
  /// SHA-256 of der().
  const Digest& digest() const;
  /// digest() in lower-case hex: a node id, the key id of a service signature.
  std::string id() const { return digest().hex(); }

  /// DER signature over the hash of the message.
  bool verify(BytesView message, BytesView der_signature) const;
  /// DER signature over this digest itself, whatever its length up to 64 bytes.
  bool verify_digest(BytesView digest, BytesView der_signature) const;
  /// Raw r ‖ s signature over the hash of the message.
  bool verify_raw(BytesView message, BytesView raw_signature) const;
  /// The same with a chosen hash function (JSON web tokens).
  bool verify_raw(BytesView message, BytesView raw_signature, Hash hash) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.digest() == b.digest();
  }

  evp_pkey_st* native_handle() const;  ///< not owned

 private:
  friend class KeyPair;
  friend class Certificate;
  friend class CertificateRequest;
  struct Parts;
  explicit PublicKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  /// Takes over one reference to `key`.
  static Result<PublicKey> adopt(evp_pkey_st* key);
  std::shared_ptr<const Parts> parts_;
};

class KeyPair {
 public:
  static KeyPair generate(Curve curve);
  /// Out of a given source: the same source state gives the same key (simulation, tests).
  static KeyPair generate(Curve curve, RandomSource& source);
  /// PKCS#8 or SEC 1, not encrypted.
  static Result<KeyPair> from_pem(std::string_view pem);
  /// The private scalar, big-endian, of coordinate size, in [1, n-1].
  static Result<KeyPair> from_scalar(Curve curve, BytesView scalar);

  Curve curve() const { return public_.curve(); }
  const PublicKey& public_key() const { return public_; }
  /// PKCS#8 in clear. The caller wipes it.
  std::string private_pem() const;

  Bytes sign(BytesView message) const;        ///< DER, over the hash of the message
  Bytes sign_digest(BytesView digest) const;  ///< DER, over the digest itself (≤ 64 bytes)
  Bytes sign_raw(BytesView message) const;    ///< r ‖ s, over the hash of the message
  Bytes sign_raw(BytesView message, Hash hash) const;  ///< the same with a chosen hash function
  Bytes scalar() const;  ///< The private scalar, of coordinate size. The caller wipes it.

  evp_pkey_st* native_handle() const { return public_.native_handle(); }  ///< not owned

 private:
  explicit KeyPair(PublicKey key) : public_(std::move(key)) {}
  PublicKey public_;  ///< its native key also holds the private part
};

}  // namespace entente::crypto
