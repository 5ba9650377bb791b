#pragma once
// The chain of service identities across disaster recoveries: each new service key signs the key of
// the one before, as COSE_Sign1. Source: docs/ledger-format.md, "COSE endorsement chain".

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "crypto/cose.h"
#include "crypto/key.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::ledger {

namespace maps {
inline constexpr std::string_view previous_service_identity_endorsement =
    "public:ccf.internal.previous_service_identity_endorsement";
}

/// The COSE_Sign1 alone.
struct CoseEndorsement {
  crypto::cose::Sign1 message;
  crypto::PublicKey endorsed;      ///< the payload: the older key (own key in the first one)
  TxId begin;                      ///< first transaction of the endorsed epoch
  std::optional<TxId> end;         ///< last one; absent: self-endorsement
  std::optional<Digest> end_root;  ///< last signed root of that epoch; with `end`
  UnixTime issued_at{};
};

/// Errors name the header.
Result<CoseEndorsement> parse_cose_endorsement(BytesView encoded);
Result<void> verify_cose_endorsement(const CoseEndorsement& endorsement,
                                     const crypto::PublicKey& endorsing);

/// The value in the ledger (JSON).
struct EndorsementRecord {
  Bytes endorsement;  ///< COSE_Sign1
  crypto::PublicKey endorsing_key;
  TxId begin;
  std::optional<TxId> end;
  std::optional<SeqNo> previous_version;  ///< seqno of the previous write to the map

  bool self() const { return !end.has_value(); }
  std::string json() const;
};
Result<EndorsementRecord> parse_endorsement_record(BytesView json);

/// Written when a new service opens.
EndorsementRecord make_self_endorsement(const crypto::KeyPair& service, const TxId& created,
                                        UnixTime issued_at);

/// Written when a recovered service opens.
struct PreviousEpoch {
  EndorsementRecord record;  ///< last value of the map before
  SeqNo written_at;          ///< where it was written
  Digest last_signed_root;   ///< of the previous service
};
/// `created`: the creating transaction of the recovered service; view > 2, seqno > 1 (asserted).
EndorsementRecord make_endorsement(const crypto::KeyPair& service, const TxId& created,
                                   const PreviousEpoch& previous, UnixTime issued_at);

/// One older identity, found by walking back.
struct ServiceEpoch {
  TxId begin;
  TxId end;
  crypto::PublicKey key;  ///< the identity that signed transactions in [begin, end]
  Bytes endorsement;      ///< COSE_Sign1 by the next newer identity
};

/// Value of the map as written at `seqno`, or an error if nothing was written there.
using EndorsementAt = std::function<Result<EndorsementRecord>(SeqNo)>;

/// The older identities of a service, newest first, every link verified: epochs are adjacent, COSE
/// and JSON agree, each signature verifies under the next newer key and the newest under `service`.
/// `current`: the last value; `created`: creating transaction of the current service.
Result<std::vector<ServiceEpoch>> walk_endorsements(const EndorsementRecord& current,
                                                    const TxId& created,
                                                    const crypto::PublicKey& service,
                                                    const EndorsementAt& record_at);

/// For a verifier who has only the COSE messages: newest first, the first signed by `service`.
/// Returns the key that signed transaction `txid`. An empty chain returns `service`. Errors name
/// the endorsement by index.
Result<crypto::PublicKey> identity_at(const TxId& txid, const crypto::PublicKey& service,
                                      std::span<const Bytes> endorsements);

}  // namespace entente::ledger
