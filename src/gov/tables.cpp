#include "gov/tables.h"

#include <algorithm>
#include <utility>

#include "entente/http.h"
#include "ledger/entry.h"

namespace entente::gov {
namespace {

template <typename E, size_t n>
std::string_view text_of(E value, const std::array<std::string_view, n>& texts) {
  return texts[static_cast<size_t>(value)];
}

constexpr std::array<std::string_view, 2> member_status{"Accepted", "Active"};
constexpr std::array<std::string_view, 3> recovery_role{"NonParticipant", "Participant", "Owner"};
constexpr std::array<std::string_view, 3> node_status{"Pending", "Trusted", "Retired"};
constexpr std::array<std::string_view, 4> service_status{"Opening", "Open",
                                                         "WaitingForRecoveryShares", "Recovering"};
constexpr std::array<std::string_view, 6> proposal_state{"Open",     "Accepted", "Withdrawn",
                                                         "Rejected", "Failed",   "Dropped"};
constexpr std::array<std::string_view, 6> lower_case_state{"open",     "accepted", "withdrawn",
                                                           "rejected", "failed",   "dropped"};

}  // namespace

std::string_view to_text(MemberStatus status) {
  return text_of(status, member_status);
}
std::string_view to_text(RecoveryRole role) {
  return text_of(role, recovery_role);
}
std::string_view to_text(NodeStatus status) {
  return text_of(status, node_status);
}
std::string_view to_text(ServiceStatus status) {
  return text_of(status, service_status);
}
std::string_view to_text(ProposalState state) {
  return text_of(state, proposal_state);
}
std::string_view to_lower_case_text(ProposalState state) {
  return text_of(state, lower_case_state);
}

namespace tables {

BytesView unit() {
  return ledger::unit_key();
}

void refuse(std::string_view table, BytesView key, std::string_view why) {
  std::string message = "Table " + std::string(table);
  if (!equal(key, unit()))
    message += ", key " + to_text(key.first(std::min<size_t>(key.size(), 80)));
  throw RpcException(http::status::internal_server_error, errors::internal_error,
                     message + ": " + std::string(why));
}

std::optional<json::value> get_json(kv::ReadOnlyTx& tx, std::string_view table, BytesView key) {
  const auto bytes = tx.ro(table).get(key);
  if (!bytes) return std::nullopt;
  auto document = json::parse(as_text(*bytes));
  if (!document) refuse(table, key, document.error().message);
  return std::move(*document);
}

void put_json(kv::Tx& tx, std::string_view table, BytesView key, const json::value& value) {
  tx.wo(table).put(key, as_bytes(json::dump(value)));
}

void put_fields(kv::Tx& tx, std::string_view table, BytesView key,
                const std::vector<std::string_view>& names, json::value fresh) {
  auto stored = get_json(tx, table, key);
  json::object document;
  if (stored && stored->is_object()) document = std::move(stored->get_object());
  for (const std::string_view name : names) document.erase(name);
  for (auto& member : fresh.as_object()) {
    document.insert_or_assign(member.key(), std::move(member.value()));
  }
  put_json(tx, table, key, json::value(std::move(document)));
}

}  // namespace tables

std::optional<std::string> latest_signed_root(kv::ReadOnlyTx& tx) {
  const auto document = tables::get_json(tx, tables::signatures, tables::unit());
  if (!document) return std::nullopt;
  const json::object* members = document->if_object();
  const json::value* root = members == nullptr ? nullptr : members->if_contains("root");
  if (root == nullptr || !root->is_string()) {
    tables::refuse(tables::signatures, tables::unit(), "no text 'root'");
  }
  return std::string(root->get_string());
}

ServiceConfig service_config(kv::ReadOnlyTx& tx) {
  return tables::get<ServiceConfig>(tx, tables::service_config, tables::unit())
      .value_or(ServiceConfig{});
}

}  // namespace entente::gov
