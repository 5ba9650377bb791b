#pragma once
// Wrapping of keys under other keys. Sources: RFC 5649 (AES key wrap with padding); RFC 8017 §7.1
// (RSA-OAEP, in crypto/rsa.h); PKCS#11 v3.0 §2.1.21 (CKM_RSA_AES_KEY_WRAP: both in a row).

#include "crypto/rsa.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto {

/// Largest payload of a wrap, in bytes: the algorithm makes six passes over it.
inline constexpr size_t max_wrapped_payload = size_t{16} << 20;

/// The key has 16, 24 or 32 bytes, the payload 1 to max_wrapped_payload.
Result<Bytes> wrap_aes_kwp(BytesView key, BytesView payload);
/// One error for every ciphertext that is not intact under this key.
Result<Bytes> unwrap_aes_kwp(BytesView key, BytesView wrapped);

/// A fresh AES key of `aes_bits` (128, 192 or 256) under RSA-OAEP with SHA-256 and this label, as
/// many bytes as the modulus has; then the payload under that key by wrap_aes_kwp.
Result<Bytes> wrap_rsa_aes_kwp(const RsaPublicKey& key, unsigned aes_bits, BytesView label,
                               BytesView payload);
Result<Bytes> unwrap_rsa_aes_kwp(const RsaKeyPair& key, BytesView label, BytesView wrapped);

}  // namespace entente::crypto
