#pragma once
// COSE_Sign1 (RFC 9052 §4.2) with ECDSA (RFC 9053 §2.1), payload inside or detached, no external
// associated data. Signatures are raw r ‖ s.

#include <optional>
#include <string_view>

#include "crypto/cbor.h"
#include "crypto/key.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto::cose {

/// Algorithm numbers (RFC 9053). A P-256 key signs ES256, P-384 ES384, P-521 ES512.
inline constexpr int64_t es256 = -7, es384 = -35, es512 = -36;
int64_t algorithm_of(Curve curve);

/// Header labels (RFC 9052 §3.1, RFC 9597, draft-ietf-cose-merkle-tree-proofs).
inline constexpr int64_t label_alg = 1, label_content_type = 3, label_kid = 4, label_x5chain = 33,
                         label_cwt_claims = 15, label_vds = 395, label_vdp = 396;
/// Claims inside label_cwt_claims (RFC 8392).
inline constexpr int64_t claim_iss = 1, claim_sub = 2, claim_iat = 6;

struct Sign1 {
  Bytes protected_bytes;           ///< the encoded protected map, exactly as signed
  cbor::Value protected_header;    ///< the same, decoded: a map
  cbor::Value unprotected_header;  ///< a map
  std::optional<Bytes> payload;    ///< absent: detached
  Bytes signature;

  /// Must be tag 18 around the four parts of the right kinds, nothing after. Also refused: more
  /// than 64 entries in a header, a label in both headers, and the `crit` label (no extension is
  /// understood here, RFC 9052 §3.1).
  static Result<Sign1> parse(BytesView encoded, const cbor::Limits& limits = {});

  std::optional<int64_t> algorithm() const;  ///< protected label 1
  std::optional<BytesView> kid() const;      ///< protected label 4

  /// Tag 18, definite lengths, shortest integers.
  Bytes encode() const;
};

/// CBOR of ["Signature1", protected, h'', payload]: what is signed.
Bytes sig_structure(BytesView protected_bytes, BytesView payload);

/// Whether the algorithm is the one of the key's curve and the signature verifies over the payload
/// inside. False if the payload is detached.
bool verify(const Sign1& message, const PublicKey& key);
/// The same over a detached payload. False if there is also a payload inside.
bool verify_detached(const Sign1& message, const PublicKey& key, BytesView payload);

enum class Payload { attached, detached };
/// Signs `payload` under an encoded protected map, which must name the key's algorithm (asserted).
/// The unprotected header is empty. Returns the encoded message.
Bytes sign(const KeyPair& key, BytesView protected_bytes, BytesView payload, Payload where);

}  // namespace entente::crypto::cose
