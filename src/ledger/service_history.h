#pragma once
// The service identities that a ledger tells of: creation, opening, disaster recoveries, and the
// endorsements that link them. Inside of verification.
// Source: docs/ledger-format.md (12, 14.1 step 4d, 14.2).

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/x509.h"
#include "entente/result.h"
#include "kv/write_set.h"
#include "ledger/endorsement.h"

namespace entente::ledger {

namespace maps {
inline constexpr std::string_view service_info = "public:ccf.gov.service.info";
inline constexpr std::string_view previous_service_identity =
    "public:ccf.gov.service.previous_service_identity";
inline constexpr std::string_view previous_service_last_signed_root =
    "public:ccf.internal.previous_service_last_signed_root";
}  // namespace maps

/// What came before the entry that is looked at.
struct LastSignature {
  TxId txid;
  Digest root;
};

/// Errors of all calls are "field: reason".
class ServiceHistory {
 public:
  /// Takes over the entry's writes. `closes_before`: it has flag 0x02.
  Result<void> apply(const kv::WriteSet& writes, const TxId& txid, bool closes_before,
                     const std::optional<LastSignature>& last_signature);

  /// When the whole ledger was read: the chain of identities, walked from the current one.
  Result<void> check_chain() const;

  const std::optional<crypto::Certificate>& certificate() const { return certificate_; }
  const std::optional<crypto::PublicKey>& key() const { return key_; }
  const std::string& certificate_pem() const { return certificate_pem_; }
  const std::string& status() const { return status_; }
  const std::vector<SeqNo>& created_at() const { return created_at_; }
  /// The last apply() was that of an entry that creates a service.
  bool just_created() const { return just_created_; }
  SeqNo last_written() const { return info_written_; }
  SeqNo endorsement_written() const { return endorsement_written_; }

 private:
  struct Info;
  Result<Info> read_info(BytesView value) const;
  Result<void> apply_info(BytesView value, const TxId& txid);
  Result<void> check_creation(const Info& info, const TxId& txid) const;
  Result<void> check_recovery(const kv::WriteSet& writes, const TxId& txid, bool closes_before,
                              const std::optional<LastSignature>& last_signature,
                              const std::optional<crypto::PublicKey>& previous_key);
  Result<void> apply_endorsement(BytesView value, const TxId& txid);
  Result<void> check_first_endorsement(const EndorsementRecord& record) const;
  Result<void> check_next_endorsement(const EndorsementRecord& record,
                                      const CoseEndorsement& cose) const;

  std::optional<crypto::Certificate> certificate_;
  std::optional<crypto::PublicKey> key_;
  std::string certificate_pem_;
  std::string status_;
  TxId created_;
  std::vector<SeqNo> created_at_;
  std::optional<uint64_t> recovery_count_;
  bool just_created_ = false;
  SeqNo info_written_;
  std::optional<Digest> previous_root_;  ///< previous_service_last_signed_root
  std::map<SeqNo, EndorsementRecord> endorsements_;
  SeqNo endorsement_written_;
};

}  // namespace entente::ledger
