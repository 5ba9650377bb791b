#include "ledger/service_history.h"

#include <algorithm>

#include "base/json.h"
#include "ledger/entry.h"
#include "ledger/json_fields.h"

namespace entente::ledger {
namespace {

/// A recovery takes people: no service had this many endorsements.
constexpr size_t most_endorsements = 10'000;

/// Allowed steps of the status, besides staying the same.
struct Step {
  std::string_view from, to;
};
constexpr Step steps[] = {
    {"Opening", "Open"},
    {"Opening", "WaitingForRecoveryShares"},
    {"Recovering", "WaitingForRecoveryShares"},
    {"WaitingForRecoveryShares", "Open"},
    {"Open", "Recovering"},
};
constexpr std::string_view statuses[] = {"Opening", "Open", "Recovering",
                                         "WaitingForRecoveryShares"};

bool allowed(const std::string& from, const std::string& to) {
  if (from.empty() || from == to || to == "Opening") return true;
  return std::any_of(std::begin(steps), std::end(steps),
                     [&](const Step& step) { return step.from == from && step.to == to; });
}

bool creates(const std::string& status) {
  return status == "Opening" || status == "Recovering";
}

/// The one value of a map with a unit key; nullopt if the entry does not write the map.
Result<std::optional<BytesView>> unit_value(const kv::WriteSet& writes, std::string_view name) {
  for (const kv::MapWrites& map : writes) {
    if (map.map != name) continue;
    if (map.writes.size() != 1 || !equal(map.writes[0].key, unit_key())) {
      return Error{std::string(name) + ": more than its one key"};
    }
    return map.writes[0].value;
  }
  return std::optional<BytesView>();
}

Result<std::string> json_text(BytesView value) {
  const auto document = json::parse(as_text(value));
  if (!document) return document.error();
  return json::Reader(*document).as_string();
}

}  // namespace

struct ServiceHistory::Info {
  std::string status;
  std::string pem;
  crypto::Certificate certificate;
  crypto::PublicKey key;
  std::optional<TxId> created;
  std::optional<uint64_t> recovery_count;
};

Result<ServiceHistory::Info> ServiceHistory::read_info(BytesView value) const {
  const auto document = json::parse(as_text(value));
  if (!document) return document.error();
  const json::Reader reader(*document);
  auto status = fields::text(reader, "status");
  if (!status) return status.error();
  if (std::find(std::begin(statuses), std::end(statuses), *status) == std::end(statuses)) {
    return Error{"status: unknown value"};
  }
  auto pem = fields::text(reader, "cert");
  if (!pem) return pem.error();
  auto certificate = crypto::Certificate::from_pem(*pem);
  if (!certificate) return certificate.error().at("cert");
  auto key = certificate->public_key();
  if (!key) return key.error().at("cert");
  const auto created = fields::optional(reader, "current_service_create_txid", fields::txid);
  if (!created) return created.error();
  const auto count = fields::optional(reader, "recovery_count", fields::number);
  if (!count) return count.error();
  return Info{std::move(*status), std::move(*pem), std::move(*certificate),
              std::move(*key),    *created,        *count};
}

Result<void> ServiceHistory::check_creation(const Info& info, const TxId& txid) const {
  if (info.created && *info.created != txid) {
    return Error{"current_service_create_txid: is " + info.created->text() +
                 ", but this entry creates the service"};
  }
  if (info.recovery_count) {
    // 1.x did not count.
    const uint64_t before = recovery_count_.value_or(0);
    const uint64_t expected = created_at_.empty() ? 0 : before + 1;
    if (*info.recovery_count != expected) {
      return Error{"recovery_count: is " + std::to_string(*info.recovery_count) + ", expected " +
                   std::to_string(expected)};
    }
  }
  if (!info.certificate.signed_by(info.certificate)) {
    return Error{"cert: is not signed by its own key"};
  }
  return {};
}

Result<void> ServiceHistory::apply_info(BytesView value, const TxId& txid) {
  auto info = read_info(value);
  if (!info) return info.error();
  if (!allowed(status_, info->status)) {
    return Error{"status: " + info->status + " after " + status_ + " is forbidden"};
  }
  const bool new_key = !key_ || !(info->key == *key_);
  just_created_ = new_key && creates(info->status);
  if (just_created_) {
    if (auto checked = check_creation(*info, txid); !checked) return checked;
    created_ = txid;
    created_at_.push_back(txid.seqno);
  } else {
    if (new_key) return Error{"cert: the service key changes without a new service"};
    if (info->status == "Recovering" && status_ != "Recovering") {
      return Error{"cert: a recovered service needs a new key"};
    }
    if (info->created && *info->created != created_) {
      return Error{"current_service_create_txid: is " + info->created->text() + ", expected " +
                   created_.text()};
    }
    if (info->recovery_count && recovery_count_ && *info->recovery_count != *recovery_count_) {
      return Error{"recovery_count: changes without a recovery"};
    }
  }
  if (info->recovery_count) recovery_count_ = info->recovery_count;
  status_ = std::move(info->status);
  certificate_pem_ = std::move(info->pem);
  certificate_ = std::move(info->certificate);
  key_ = std::move(info->key);
  info_written_ = txid.seqno;
  return {};
}

// The rules for the entry that creates a recovered service; previous_* maps appear only there.
Result<void> ServiceHistory::check_recovery(const kv::WriteSet& writes, const TxId& txid,
                                            bool closes_before,
                                            const std::optional<LastSignature>& last_signature,
                                            const std::optional<crypto::PublicKey>& previous_key) {
  const auto identity = unit_value(writes, maps::previous_service_identity);
  if (!identity) return identity.error();
  const auto root = unit_value(writes, maps::previous_service_last_signed_root);
  if (!root) return root.error();
  const bool recovers = just_created_ && created_at_.size() > 1;
  if (!recovers) {
    if (!*identity && !*root) return {};
    return Error{std::string(*identity ? maps::previous_service_identity
                                       : maps::previous_service_last_signed_root) +
                 ": outside of a recovery"};
  }
  const std::string info(maps::service_info);
  if (!last_signature || txid.seqno != last_signature->txid.seqno + 1) {
    return Error{info + ": status: a recovered service must begin right after a signature"};
  }
  if (status_ == "Recovering") {
    if (!closes_before) return Error{"flags: a recovered service must begin a chunk (0x02)"};
    if (txid.view.value != last_signature->txid.view.value + 2) {
      return Error{info +
                   ": view: a recovered service must begin two views after the last signature"};
    }
  }
  if (*identity) {
    const std::string field(maps::previous_service_identity);
    const auto pem = json_text(**identity);
    if (!pem) return pem.error().at(field);
    const auto certificate = crypto::Certificate::from_pem(*pem);
    if (!certificate) return certificate.error().at(field);
    if (!previous_key || certificate->spki() != previous_key->der()) {
      return Error{field + ": is not the service that the ledger tells of"};
    }
  }
  previous_root_.reset();
  if (*root) {
    const std::string field(maps::previous_service_last_signed_root);
    const auto hex = json_text(**root);
    if (!hex) return hex.error().at(field);
    previous_root_ = fields::canonical_digest(*hex);
    if (previous_root_ != last_signature->root) {
      return Error{field + ": is not the root of the last signature"};
    }
  }
  return {};
}

Result<void> ServiceHistory::check_first_endorsement(const EndorsementRecord& record) const {
  if (!record.self()) return Error{"endorsement_epoch_end: without an endorsement before it"};
  if (record.previous_version) return Error{"previous_version: without an endorsement before it"};
  if (record.begin != created_) {
    return Error{"endorsement_epoch_begin: is not the creation of the service, " + created_.text()};
  }
  return {};
}

Result<void> ServiceHistory::check_next_endorsement(const EndorsementRecord& record,
                                                    const CoseEndorsement& cose) const {
  const EndorsementRecord& older = endorsements_.rbegin()->second;
  if (record.previous_version != endorsements_.rbegin()->first) {
    return Error{"previous_version: is not the endorsement before it"};
  }
  if (record.self()) return Error{"endorsement_epoch_end: missing"};
  if (!(cose.endorsed == older.endorsing_key)) {
    return Error{"endorsement: does not endorse the service before"};
  }
  const TxId end{{created_.view.value - 2}, created_.seqno - 1};
  if (*record.end != end) {
    return Error{"endorsement_epoch_end: is " + record.end->text() + ", expected " + end.text()};
  }
  const TxId begin =
      older.self() ? older.begin : TxId{{older.end->view.value + 2}, older.end->seqno + 1};
  if (record.begin != begin) {
    return Error{"endorsement_epoch_begin: is " + record.begin.text() + ", expected " +
                 begin.text()};
  }
  if (previous_root_ && cose.end_root != previous_root_) {
    return Error{"endorsement: epoch.end.merkle.root: is not the root of the last signature"};
  }
  return {};
}

Result<void> ServiceHistory::apply_endorsement(BytesView value, const TxId& txid) {
  auto record = parse_endorsement_record(value);
  if (!record) return record.error();
  if (endorsements_.size() >= most_endorsements) return Error{"too many endorsements"};
  if (!key_) return Error{"endorsing_key: no service is known yet"};
  if (!(record->endorsing_key == *key_)) {
    return Error{"endorsing_key: is not that of the service"};
  }
  const auto cose = parse_cose_endorsement(record->endorsement);
  if (!cose) return cose.error().at("endorsement");
  if (auto verified = verify_cose_endorsement(*cose, *key_); !verified) {
    return verified.error().at("endorsement");
  }
  if (cose->begin != record->begin) {
    return Error{"endorsement_epoch_begin: differs from the signed one"};
  }
  if (cose->end != record->end) return Error{"endorsement_epoch_end: differs from the signed one"};
  if (record->self() && !(cose->endorsed == *key_)) {
    return Error{"endorsement: an endorsement without end must be of the own key"};
  }
  auto checked = endorsements_.empty() ? check_first_endorsement(*record)
                                       : check_next_endorsement(*record, *cose);
  if (!checked) return checked;
  endorsements_.insert_or_assign(txid.seqno, std::move(*record));
  endorsement_written_ = txid.seqno;
  return {};
}

Result<void> ServiceHistory::apply(const kv::WriteSet& writes, const TxId& txid, bool closes_before,
                                   const std::optional<LastSignature>& last_signature) {
  just_created_ = false;
  const std::optional<crypto::PublicKey> previous_key = key_;
  const auto info = unit_value(writes, maps::service_info);
  if (!info) return info.error();
  if (*info) {
    if (auto applied = apply_info(**info, txid); !applied) {
      return applied.error().at(std::string(maps::service_info));
    }
  }
  if (auto checked = check_recovery(writes, txid, closes_before, last_signature, previous_key);
      !checked) {
    return checked;
  }
  const auto endorsement = unit_value(writes, maps::previous_service_identity_endorsement);
  if (!endorsement) return endorsement.error();
  if (!*endorsement) return {};
  if (auto applied = apply_endorsement(**endorsement, txid); !applied) {
    return applied.error().at(std::string(maps::previous_service_identity_endorsement));
  }
  return {};
}

Result<void> ServiceHistory::check_chain() const {
  // Written when a service opens: until then the last one is that of the service before.
  if (endorsements_.empty() || endorsement_written_ < created_.seqno) return {};
  const auto record_at = [this](SeqNo seqno) -> Result<EndorsementRecord> {
    const auto found = endorsements_.find(seqno);
    if (found == endorsements_.end()) {
      return Error{"nothing was written at seqno " + std::to_string(seqno.value)};
    }
    return found->second;
  };
  const auto walked = walk_endorsements(endorsements_.rbegin()->second, created_, *key_, record_at);
  if (!walked) return walked.error().at(std::string(maps::previous_service_identity_endorsement));
  return {};
}

}  // namespace entente::ledger
