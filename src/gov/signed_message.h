#pragma once
// What members sign: COSE_Sign1 messages with a protected header of their own. Making them (with a
// key, or with a signature from elsewhere) and reading them back out of a ledger.
// Source: docs/governance.md (signed messages).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/cose.h"
#include "crypto/x509.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::gov {

/// Values of the header `ccf.gov.msg.type`.
namespace message_type {
inline constexpr std::string_view proposal = "proposal", ballot = "ballot",
                                  withdrawal = "withdrawal", state_digest = "state_digest",
                                  ack = "ack", recovery_share = "recovery_share",
                                  encrypted_recovery_share = "encrypted_recovery_share";
inline constexpr std::string_view all[] = {
    proposal, ballot, withdrawal, ack, state_digest, recovery_share, encrypted_recovery_share};
}  // namespace message_type

/// Names of the header's text labels.
inline constexpr std::string_view label_type = "ccf.gov.msg.type",
                                  label_created_at = "ccf.gov.msg.created_at",
                                  label_proposal_id = "ccf.gov.msg.proposal_id";

struct MessageHeader {
  std::string type;
  uint64_t created_at = 0;                 ///< seconds since 1970 (UTC)
  std::optional<std::string> proposal_id;  ///< of ballots and withdrawals
};

/// The encoded protected map: algorithm and id of the signer, then the above, always in this order.
Bytes protected_header(const MessageHeader& header, const crypto::Certificate& signer,
                       crypto::Curve curve);

/// The whole message, signed with the key of the signer's certificate. Error if the certificate's
/// key is not this one.
Result<Bytes> sign_message(const MessageHeader& header, BytesView payload,
                           const crypto::Certificate& signer, const crypto::KeyPair& key);

/// For signers that keep their key: the digest that is to be signed.
struct ToSign {
  std::string algorithm;  ///< `ES384`
  Bytes digest;           ///< by the hash of the algorithm
};
Result<ToSign> prepare_message(const MessageHeader& header, BytesView payload,
                               const crypto::Certificate& signer);
/// The message out of the same and the signature (r ‖ s), which is checked.
Result<Bytes> finish_message(const MessageHeader& header, BytesView payload,
                             const crypto::Certificate& signer, BytesView raw_signature);

/// What a message says about itself, nothing verified. `type` is empty if the label is absent.
struct ReadMessage {
  crypto::cose::Sign1 envelope;
  MessageHeader header;
  std::string signer;  ///< id of a member, as claimed
};
/// Errors: no COSE_Sign1 with a payload inside, label of a wrong kind, no `kid`, no `created_at`.
Result<ReadMessage> read_message(BytesView encoded);

}  // namespace entente::gov
