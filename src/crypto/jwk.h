#pragma once
// JSON web keys. Sources: RFC 7517, RFC 7518 §6 (EC, RSA), RFC 8037 §2 (OKP).
// Every error names the member of the key that is wrong. Members that a function does not use are
// ignored, a private part in a public key included. No thread rules: pure functions.

#include "base/json.h"
#include "crypto/key.h"
#include "crypto/okp.h"
#include "crypto/rsa.h"

namespace entente::crypto {

/// The public key of one element of a key set, as DER SubjectPublicKeyInfo: out of `n` and `e`,
/// else `x`, `y` and `crv` (P-256, P-384, P-521), else the first certificate of `x5c`, whose key
/// must be EC on one of those curves or RSA.
Result<Bytes> spki_from_jwk(const json::object& jwk);

/// `kty`, and the members of that kind of key. EC numbers that are shorter than their curve says
/// are filled up with zeros on the left; those of octet keys are exact.
Result<PublicKey> ec_public_key_from_jwk(const json::object& jwk);
Result<KeyPair> ec_key_pair_from_jwk(const json::object& jwk);  ///< `d` must belong to `x`, `y`
Result<RsaPublicKey> rsa_public_key_from_jwk(const json::object& jwk);
Result<RsaKeyPair> rsa_key_pair_from_jwk(const json::object& jwk);  ///< two primes, all numbers
Result<OctetPublicKey> octet_public_key_from_jwk(const json::object& jwk);
Result<OctetKeyPair> octet_key_pair_from_jwk(const json::object& jwk);  ///< `d` must belong to `x`

/// Without `kid`. Those of private keys hold them in clear; the caller wipes what it can.
json::object to_jwk(const PublicKey& key);
json::object to_jwk(const KeyPair& key);
json::object to_jwk(const RsaPublicKey& key);
json::object to_jwk(const RsaKeyPair& key);
json::object to_jwk(const OctetPublicKey& key);
json::object to_jwk(const OctetKeyPair& key);

}  // namespace entente::crypto
