#pragma once
// Octet key pairs: Ed25519 signatures (EdDSA, RFC 8032) and X25519 keys (RFC 7748), in the PEM form
// of RFC 8410. Handles to shared immutable state: cheap to copy, const calls thread-safe.

#include <memory>
#include <string>
#include <string_view>

#include "entente/bytes.h"
#include "entente/result.h"

struct evp_pkey_st;

namespace entente::crypto {

enum class OctetCurve { ed25519, x25519 };
std::string_view name_of(OctetCurve curve);  ///< `Ed25519`, `X25519`
inline constexpr size_t octet_key_size = 32;
inline constexpr size_t ed25519_signature_size = 64;

class OctetPublicKey {
 public:
  static Result<OctetPublicKey> from_pem(std::string_view pem);  ///< a `PUBLIC KEY` block
  static Result<OctetPublicKey> from_der(BytesView spki);        ///< SubjectPublicKeyInfo
  static Result<OctetPublicKey> from_raw(OctetCurve curve, BytesView key);  ///< octet_key_size

  OctetCurve curve() const { return curve_; }
  Bytes raw() const;
  Bytes der() const;
  std::string pem() const;
  /// False for X25519 keys, which do not sign.
  bool verify(BytesView message, BytesView signature) const;

  evp_pkey_st* native_handle() const { return key_.get(); }  ///< not owned

 private:
  friend class OctetKeyPair;
  OctetPublicKey(std::shared_ptr<evp_pkey_st> key, OctetCurve curve)
      : key_(std::move(key)), curve_(curve) {}
  static Result<OctetPublicKey> adopt(std::shared_ptr<evp_pkey_st> key);
  std::shared_ptr<evp_pkey_st> key_;
  OctetCurve curve_;
};

class OctetKeyPair {
 public:
  static OctetKeyPair generate(OctetCurve curve);
  static Result<OctetKeyPair> from_pem(std::string_view pem);             ///< PKCS#8, not encrypted
  static Result<OctetKeyPair> from_raw(OctetCurve curve, BytesView key);  ///< octet_key_size

  OctetCurve curve() const { return public_.curve(); }
  const OctetPublicKey& public_key() const { return public_; }
  std::string private_pem() const;  ///< PKCS#8 in clear. The caller wipes it.
  Bytes raw() const;                ///< The private key. The caller wipes it.
  /// Pure Ed25519. An error for an X25519 key.
  Result<Bytes> sign(BytesView message) const;

 private:
  explicit OctetKeyPair(OctetPublicKey key) : public_(std::move(key)) {}
  OctetPublicKey public_;  ///< its native key also holds the private part
};

}  // namespace entente::crypto
