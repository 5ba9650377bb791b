#pragma once
// RSA for the transport of secrets (OAEP, RFC 8017 §7.1, SHA-256 and MGF1-SHA-256, no label) and
// for the signatures of JSON web tokens (PKCS#1 v1.5 with SHA-256, RFC 8017 §8.2).
// Handles to shared immutable state: cheap to copy, const calls thread-safe.

#include <memory>
#include <string>
#include <string_view>

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

  Bytes der() const;
  std::string pem() const;
  size_t bits() const;

  /// At most bits/8 − 66 bytes of plaintext.
  Result<Bytes> encrypt_oaep_sha256(BytesView plaintext) const;
  bool verify_rs256(BytesView message, BytesView signature) const;

  evp_pkey_st* native_handle() const { return key_.get(); }  ///< not owned

 private:
  friend class RsaKeyPair;
  explicit RsaPublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

class RsaKeyPair {
 public:
  static RsaKeyPair generate(unsigned bits = 2048);
  static Result<RsaKeyPair> from_pem(std::string_view pem);  ///< PKCS#8 or PKCS#1, not encrypted

  const RsaPublicKey& public_key() const { return public_; }
  std::string private_pem() const;  ///< PKCS#8 in clear. The caller wipes it.

  /// One error for every cause: a caller cannot learn which check failed.
  Result<Bytes> decrypt_oaep_sha256(BytesView ciphertext) const;
  Bytes sign_rs256(BytesView message) const;

  evp_pkey_st* native_handle() const { return public_.native_handle(); }  ///< not owned

 private:
  explicit RsaKeyPair(RsaPublicKey key) : public_(std::move(key)) {}
  RsaPublicKey public_;
};

}  // namespace entente::crypto
