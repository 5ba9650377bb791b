#pragma once
// RSA for the transport of secrets (OAEP, RFC 8017 §7.1, SHA-256 and MGF1-SHA-256), for the
// signatures of JSON web tokens (PKCS#1 v1.5 with SHA-256, RFC 8017 §8.2) and for those of scripts
// (PSS, RFC 8017 §8.1, MGF1 with the same hash).
// Handles to shared immutable state: cheap to copy, const calls thread-safe.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/digest.h"
#include "entente/bytes.h"
#include "entente/result.h"

struct evp_pkey_st;

namespace entente::crypto {

/// Moduli outside [2048, 8192] bits are refused.
class RsaPublicKey {
 public:
  static Result<RsaPublicKey> from_pem(std::string_view pem);  ///< a `PUBLIC KEY` block
  static Result<RsaPublicKey> from_der(BytesView spki);        ///< SubjectPublicKeyInfo
  /// Big-endian modulus and exponent, as in a JSON web key (RFC 7518 §6.3).
  static Result<RsaPublicKey> from_components(BytesView n, BytesView e);

  struct Numbers {
    Bytes n, e;
  };
  Numbers numbers() const;  ///< big-endian, without leading zeros
  Bytes der() const;
  std::string pem() const;
  size_t bits() const;

  /// At most bits/8 − 66 bytes of plaintext. A label must be the same for decryption.
  Result<Bytes> encrypt_oaep_sha256(BytesView plaintext, BytesView label = {}) const;
  bool verify_rs256(BytesView message, BytesView signature) const;
  /// `salt`: its length in bytes, which must be as given.
  bool verify_pss(Hash hash, size_t salt, BytesView message, BytesView signature) const;

  evp_pkey_st* native_handle() const { return key_.get(); }  ///< not owned

 private:
  friend class RsaKeyPair;
  /// Any RSA key within the limits.
  static Result<RsaPublicKey> adopt(std::shared_ptr<evp_pkey_st> key);
  explicit RsaPublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class RsaKeyPair {
 public:
  static RsaKeyPair generate(unsigned bits = 2048);
  /// An odd exponent in [3, 2^32). Long keys take seconds: `go_on` is asked now and then, from this
  /// thread, and false ends the search with an error.
  static Result<RsaKeyPair> generate(unsigned bits, uint64_t exponent,
                                     const std::function<bool()>& go_on);
  /// PKCS#8 or PKCS#1, not encrypted. The numbers must fit each other; that the factors are primes
  /// is not checked.
  static Result<RsaKeyPair> from_pem(std::string_view pem);
  /// The numbers of RFC 8017 §3.2, big-endian, for two primes.
  struct Numbers {
    Bytes n, e, d, p, q, dp, dq, qi;
  };
  static Result<RsaKeyPair> from_numbers(const Numbers& numbers);
  Numbers numbers() const;  ///< without leading zeros. The caller wipes the private ones.

  const RsaPublicKey& public_key() const { return public_; }
  std::string private_pem() const;  ///< PKCS#8 in clear. The caller wipes it.

  /// One error for every cause: a caller cannot learn which check failed.
  Result<Bytes> decrypt_oaep_sha256(BytesView ciphertext, BytesView label = {}) const;
  Bytes sign_rs256(BytesView message) const;
  /// An error if hash and salt (in bytes) do not fit into the modulus.
  Result<Bytes> sign_pss(Hash hash, size_t salt, BytesView message) const;

  evp_pkey_st* native_handle() const { return public_.native_handle(); }  ///< not owned

 private:
  explicit RsaKeyPair(RsaPublicKey key) : public_(std::move(key)) {}
  RsaPublicKey public_;
};

}  // namespace entente::crypto
