#include "gov/service_opening.h"

#include "gov/recovery_shares.h"
#include "gov/submitted_shares.h"
#include "gov/tables.h"
#include "ledger/endorsement.h"

namespace entente::gov {
namespace {

std::string_view without_nul(std::string_view pem) {
  if (pem.ends_with('\0')) pem.remove_suffix(1);
  return pem;
}

std::optional<std::string> text_value(kv::ReadOnlyTx& tx, std::string_view table) {
  const auto value = tables::get_json(tx, table, tables::unit());
  if (!value) return std::nullopt;
  if (!value->is_string()) tables::refuse(table, tables::unit(), "not a text");
  return std::string(value->get_string());
}

Result<void> check_identities(kv::ReadOnlyTx& tx, const ServiceInfo& info,
                              std::optional<std::string_view> previous, std::string_view next) {
  if (info.status == ServiceStatus::recovering) {
    const auto stored = text_value(tx, tables::previous_service_identity);
    if (!stored || !previous) {
      return Error{"A recovered service opens only with both identities, previous and next."};
    }
    if (without_nul(*stored) != without_nul(*previous)) {
      return Error{"Previous service identity does not match."};
    }
  }
  if (without_nul(next) != without_nul(info.cert)) {
    return Error{"Next service identity does not match the current service certificate."};
  }
  return {};
}

void put_status(kv::Tx& tx, ServiceInfo info, ServiceStatus status) {
  info.status = status;
  tables::put_keeping(tx, tables::service_info, tables::unit(), info);
}

/// Of the service before the disaster; nothing if this service has had none.
Result<std::optional<ledger::PreviousEpoch>> previous_epoch(kv::ReadOnlyTx& tx) {
  const auto map = tx.ro(tables::previous_service_identity_endorsement);
  const auto written_at = map.get_version_of_previous_write(tables::unit());
  const auto text = map.get(tables::unit());
  if (!text || !written_at) return std::optional<ledger::PreviousEpoch>();
  const std::string place(tables::previous_service_identity_endorsement);
  auto record = ledger::parse_endorsement_record(*text);
  if (!record) return record.error().at(place);
  const auto root = text_value(tx, tables::previous_service_last_signed_root);
  const auto digest = root ? Digest::from_hex(*root) : std::nullopt;
  if (!digest) return Error{"the last signed root of the previous service is not known"};
  return std::optional<ledger::PreviousEpoch>({std::move(*record), *written_at, *digest});
}

Result<void> endorse_service(kv::Tx& tx, const Surroundings& surroundings,
                             const ServiceInfo& info) {
  const crypto::KeyPair* key = surroundings.service_key ? surroundings.service_key() : nullptr;
  if (key == nullptr) return Error{"this node does not have the key of the service"};
  if (!info.current_service_create_txid) {
    return Error{"the transaction that created the service is not known"};
  }
  const TxId created = *info.current_service_create_txid;
  const UnixTime now = surroundings.clock.unix_time();
  std::optional<ledger::EndorsementRecord> record;
  const bool recovered = info.recovery_count.value_or(0) != 0;
  if (recovered && (created.view.value <= 2 || created.seqno.value <= 1)) {
    return Error{"no recovery can have been created by transaction " + created.text()};
  }
  if (!recovered) {
    record = ledger::make_self_endorsement(*key, created, now);
  } else {
    const auto previous = previous_epoch(tx);
    if (!previous) return previous.error();
    // A ledger from before there were endorsements has none to continue.
    record = *previous ? ledger::make_endorsement(*key, created, **previous, now)
                       : ledger::make_self_endorsement(*key, created, now);
  }
  tx.wo(tables::previous_service_identity_endorsement)
      .put(tables::unit(), as_bytes(record->json()));
  return {};
}

}  // namespace

Result<void> transition_service_to_open(kv::Tx& tx, const Surroundings& surroundings,
                                        Requests& requests,
                                        std::optional<std::string_view> previous,
                                        std::string_view next) {
  const auto info = tables::get<ServiceInfo>(tx, tables::service_info, tables::unit());
  if (!info) return Error{"there is no service yet"};
  if (info->status == ServiceStatus::open ||
      info->status == ServiceStatus::waiting_for_recovery_shares) {
    return {};
  }
  if (auto same = check_identities(tx, *info, previous, next); !same) return same;
  const Stage stage = surroundings.stage();
  if (stage == Stage::public_only && info->status == ServiceStatus::recovering) {
    clear_submitted_shares(tx);
    tables::put_json(tx, tables::last_recovery_type, tables::unit(),
                     json::value("RECOVERY_SHARES"));
    put_status(tx, *info, ServiceStatus::waiting_for_recovery_shares);
    return {};
  }
  if (stage == Stage::part_of_network && info->status == ServiceStatus::opening) {
    if (auto issued = issue_first_shares(tx, surroundings); !issued) return issued;
    if (auto endorsed = endorse_service(tx, surroundings, *info); !endorsed) return endorsed;
    put_status(tx, *info, ServiceStatus::open);
    requests.snapshot = true;
    return {};
  }
  return Error{"the node is not in a state from which the service, which is " +
               std::string(to_text(info->status)) + ", can be opened"};
}

Result<void> finish_recovery(kv::Tx& tx, const Surroundings& surroundings, Requests& requests) {
  const auto info = tables::get<ServiceInfo>(tx, tables::service_info, tables::unit());
  if (!info || info->status != ServiceStatus::waiting_for_recovery_shares) {
    return Error{"the service does not wait for the end of a recovery"};
  }
  clear_submitted_shares(tx);
  if (auto issued = issue_shares_after_recovery(tx, surroundings); !issued) return issued;
  if (auto endorsed = endorse_service(tx, surroundings, *info); !endorsed) return endorsed;
  put_status(tx, *info, ServiceStatus::open);
  requests.snapshot = true;
  return {};
}

}  // namespace entente::gov
