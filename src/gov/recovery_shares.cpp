#include "gov/recovery_shares.h"

#include "crypto/rsa.h"
#include "gov/tables.h"
#include "ledger/secret_broadcast.h"

namespace entente::gov {
namespace {

/// The last value of the map and where it was written. Reading it makes the transaction depend on
/// it, so that two of them never wrap different secrets unnoticed.
struct StoredHistory {
  ledger::HistoricalSecret value;
  SeqNo written_at;
};

Result<std::optional<StoredHistory>> stored_history(kv::ReadOnlyTx& tx) {
  const auto map = tx.ro(tables::historical_encrypted_ledger_secret);
  const auto written_at = map.get_version_of_previous_write(tables::unit());
  const auto text = map.get(tables::unit());
  if (!written_at || !text) return std::optional<StoredHistory>();
  auto value = ledger::parse_historical_secret(*text);
  if (!value) return value.error().at(std::string(tables::historical_encrypted_ledger_secret));
  return std::optional<StoredHistory>({std::move(*value), *written_at});
}

/// The newest secret of this node. The table says which one that has to be: a node that has not yet
/// taken up a rekey must not hand out the older one.
Result<ledger::LedgerSecret> secret_in_force(const std::optional<StoredHistory>& history,
                                             const Surroundings& surroundings) {
  const auto secrets = surroundings.secrets ? surroundings.secrets() : nullptr;
  const ledger::LedgerSecret* latest = secrets ? secrets->latest() : nullptr;
  if (latest == nullptr) return Error{"this node does not have the ledger secret"};
  const SeqNo expected = history ? history->value.current_version(history->written_at) : SeqNo{1};
  if (latest->start != expected) {
    return Error{"the newest ledger secret of this node applies from seqno " +
                 std::to_string(latest->start.value) + " on, that of the service from " +
                 std::to_string(expected.value) + ": try again"};
  }
  return *latest;
}

Result<ServiceStatus> service_status(kv::ReadOnlyTx& tx) {
  const auto info = tables::get<ServiceInfo>(tx, tables::service_info, tables::unit());
  if (!info) return Error{"there is no service yet"};
  return info->status;
}

/// Fewer members than the threshold asks for could never recover anything.
Result<void> check_threshold(const std::vector<ledger::RecoveryMember>& members,
                             uint64_t threshold) {
  size_t participants = 0;
  for (const ledger::RecoveryMember& member : members) participants += member.owner ? 0 : 1;
  if (members.empty()) {
    return Error{
        "There are no active recovery members: at least one member with an encryption key has to "
        "acknowledge first"};
  }
  if (threshold == 0) return Error{"The recovery threshold is 0"};
  if (participants == 0 && threshold != 1) {
    return Error{"The recovery threshold must be 1 when there are only recovery owners, not " +
                 std::to_string(threshold)};
  }
  if (participants != 0 && threshold > participants) {
    return Error{"The recovery threshold of " + std::to_string(threshold) + " is more than the " +
                 std::to_string(participants) + " active recovery participants"};
  }
  return {};
}

Result<void> write_shares(kv::Tx& tx, const Surroundings& surroundings,
                          const crypto::SymmetricKey& secret,
                          std::optional<SeqNo> previous_stored_at) {
  const auto members = recovery_members(tx);
  if (!members) return members.error();
  const uint64_t threshold = service_config(tx).recovery_threshold;
  if (auto enough = check_threshold(*members, threshold); !enough) return enough;
  const auto shares = ledger::share_ledger_secret(secret, *members, threshold, previous_stored_at,
                                                  surroundings.random);
  if (!shares) return shares.error();
  tx.wo(tables::recovery_shares).put(tables::unit(), as_bytes(shares->json()));
  return {};
}

/// Where the secret before the newest one is stored.
std::optional<SeqNo> previous_stored_at(const std::optional<StoredHistory>& history) {
  if (!history || !history->value.previous) return std::nullopt;
  return history->written_at;
}

/// Shares of the newest secret, that of this transaction's rekey if there was one.
Result<void> write_current_shares(kv::Tx& tx, const Surroundings& surroundings,
                                  const Requests& requests) {
  if (requests.new_secret) {
    return write_shares(tx, surroundings, *requests.new_secret, std::nullopt);
  }
  const auto history = stored_history(tx);
  if (!history) return history.error();
  const auto secret = secret_in_force(*history, surroundings);
  if (!secret) return secret.error();
  return write_shares(tx, surroundings, secret->key, previous_stored_at(*history));
}

void put_history(kv::Tx& tx, const ledger::HistoricalSecret& value) {
  tx.wo(tables::historical_encrypted_ledger_secret).put(tables::unit(), as_bytes(value.json()));
}

/// Whether that a retired node's retirement is committed is itself globally committed.
bool is_gone(const kv::ReadHandle& nodes, BytesView id) {
  const auto committed = nodes.get_globally_committed(id);
  if (!committed) return false;
  const auto row = json::parse(as_text(*committed));
  const json::object* members = row ? row->if_object() : nullptr;
  const json::value* flag =
      members == nullptr ? nullptr : members->if_contains("retired_committed");
  return flag != nullptr && flag->is_bool() && flag->get_bool();
}

/// The encryption keys of the nodes that take part.
Result<std::map<NodeId, crypto::RsaPublicKey>> receiving_nodes(kv::ReadOnlyTx& tx) {
  std::map<NodeId, crypto::RsaPublicKey> keys;
  std::optional<Error> refused;
  const auto nodes = tx.ro(tables::nodes_info);
  nodes.foreach ([&](BytesView id, BytesView) {
    const auto row = tables::get<NodeInfo>(tx, tables::nodes_info, id);
    if (!row || row->status == NodeStatus::pending) return true;
    if (row->status == NodeStatus::retired && is_gone(nodes, id)) return true;
    auto key = crypto::RsaPublicKey::from_pem(row->encryption_pub_key.value_or(""));
    if (!key) {
      refused = key.error().at("encryption_pub_key of node " + to_text(id));
      return false;
    }
    keys.emplace(NodeId{to_text(id)}, std::move(*key));
    return true;
  });
  if (refused) return *refused;
  return keys;
}

}  // namespace

Result<std::vector<ledger::RecoveryMember>> recovery_members(kv::ReadOnlyTx& tx) {
  std::vector<ledger::RecoveryMember> members;
  std::optional<Error> refused;
  tx.ro(tables::members_encryption_keys).foreach ([&](BytesView id, BytesView pem) {
    const auto info = tables::get<MemberInfo>(tx, tables::members_info, id);
    if (!info || info->status != MemberStatus::active) return true;
    if (info->recovery_role == RecoveryRole::non_participant) return true;
    auto key = crypto::RsaPublicKey::from_pem(as_text(pem));
    if (!key) {
      refused = key.error().at("encryption public key of member m[" + to_text(id) + "]");
      return false;
    }
    members.push_back({to_text(id), std::move(*key), info->recovery_role == RecoveryRole::owner});
    return true;
  });
  if (refused) return *refused;
  return members;
}

Result<void> refresh_recovery_shares(kv::Tx& tx, const Surroundings& surroundings,
                                     const Requests& requests) {
  const auto status = service_status(tx);
  if (!status) return status.error();
  if (*status != ServiceStatus::opening && *status != ServiceStatus::open) {
    return Error{"Recovery shares cannot be made anew while the service is " +
                 std::string(to_text(*status)) +
                 ": the private ledger is recovered with those that the members have"};
  }
  return write_current_shares(tx, surroundings, requests);
}

Result<void> refresh_for_new_member(kv::Tx& tx, const Surroundings& surroundings,
                                    const std::string& member) {
  if (!tx.ro(tables::members_encryption_keys).has(as_bytes(member))) return {};
  const auto status = service_status(tx);
  if (!status) return status.error();
  if (*status != ServiceStatus::open) return {};
  return refresh_recovery_shares(tx, surroundings, {});
}

Result<void> issue_first_shares(kv::Tx& tx, const Surroundings& surroundings) {
  if (auto written = write_current_shares(tx, surroundings, {}); !written) return written;
  put_history(tx, ledger::first_historical_secret());
  return {};
}

Result<void> issue_shares_after_recovery(kv::Tx& tx, const Surroundings& surroundings) {
  const auto secrets = surroundings.secrets ? surroundings.secrets() : nullptr;
  if (!secrets || secrets->all().size() < 2) {
    return Error{"this node does not have the recovered ledger secrets"};
  }
  const ledger::LedgerSecret& latest = secrets->all().back();
  const ledger::LedgerSecret& previous = secrets->all()[secrets->all().size() - 2];
  const auto history = stored_history(tx);
  if (!history) return history.error();
  const auto stored_at = *history ? std::optional((*history)->written_at) : std::nullopt;
  if (auto written = write_shares(tx, surroundings, latest.key, std::nullopt); !written) {
    return written;
  }
  put_history(tx, ledger::make_historical_secret(latest.key, previous, stored_at, latest.start,
                                                 surroundings.random));
  return {};
}

Result<void> rekey_ledger(kv::Tx& tx, const Surroundings& surroundings, Requests& requests) {
  const auto status = service_status(tx);
  if (!status) return status.error();
  if (*status != ServiceStatus::open || surroundings.stage() != Stage::part_of_network) {
    return Error{"Cannot rekey the ledger while the service is not open"};
  }
  if (requests.new_secret) return write_current_shares(tx, surroundings, requests);
  const auto history = stored_history(tx);
  if (!history) return history.error();
  const auto previous = secret_in_force(*history, surroundings);
  if (!previous) return previous.error();
  crypto::SymmetricKey fresh;
  surroundings.random.fill(fresh.writable());
  if (auto written = write_shares(tx, surroundings, fresh, std::nullopt); !written) return written;
  if (auto sent = broadcast_secrets(tx, {{std::nullopt, fresh}}); !sent) return sent;
  const auto stored_at = *history ? std::optional((*history)->written_at) : std::nullopt;
  put_history(tx, ledger::make_historical_secret(fresh, *previous, stored_at, std::nullopt,
                                                 surroundings.random));
  requests.new_secret = fresh;
  return {};
}

Result<SeqNo> latest_ledger_secret_seqno(kv::ReadOnlyTx& tx, const Surroundings& surroundings,
                                         const Requests& requests) {
  if (requests.new_secret) {
    return Error{
        "A node cannot become trusted after a rekey in the same proposal: put the rekey (or the "
        "removal of a member) last"};
  }
  const auto history = stored_history(tx);
  if (!history) return history.error();
  const auto secret = secret_in_force(*history, surroundings);
  if (!secret) return secret.error();
  return secret->start;
}

Result<void> broadcast_secrets(kv::Tx& tx, const std::vector<BroadcastSecret>& secrets) {
  const auto nodes = receiving_nodes(tx);
  if (!nodes) return nodes.error();
  ledger::SecretBroadcast broadcast;
  for (const auto& [id, key] : *nodes) {
    auto& items = broadcast.nodes[id];
    for (const BroadcastSecret& secret : secrets) {
      auto sealed = ledger::seal_ledger_secret(secret.key, key);
      if (!sealed) return sealed.error().at("encryption_pub_key of node " + id.value);
      items.push_back({secret.start, std::move(*sealed), std::nullopt});
    }
  }
  tx.wo(tables::encrypted_ledger_secrets).put(tables::unit(), as_bytes(broadcast.json()));
  return {};
}

}  // namespace entente::gov
