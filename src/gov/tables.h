#pragma once
// The tables of governance: their names, the C++ types of their JSON values, and how both meet a
// transaction. Scripts write these tables too, so what is stored is read as something from outside:
// a value that does not fit its type is a 500 naming table and key, never an assumption.
// Source: docs/governance.md (tables), docs/ledger-format.md (built-in maps).

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "entente/json_types.h"
#include "entente/kv.h"
#include "rpc/service_tables.h"

namespace entente::gov {

using entente::to_text;  // of bytes and ids, which the overloads below would hide

namespace tables {

// Keys and values are raw text unless said otherwise. JSON: compact text with sorted keys.
using rpc::tables::jwt_keys;       ///< kid → JSON list of keys
using rpc::tables::members_certs;  ///< member id → PEM
using rpc::tables::members_info;   ///< member id → MemberInfo
using rpc::tables::nodes_info;     ///< node id → NodeInfo
using rpc::tables::users_certs;    ///< user id → PEM

inline constexpr std::string_view
    // who
    members_encryption_keys = "public:ccf.gov.members.encryption_public_keys",   // id → RSA PEM
    members_acks = "public:ccf.gov.members.acks",                                // id → MemberAck
    users_info = "public:ccf.gov.users.info",                                    // id → UserInfo
    nodes_endorsed_certificates = "public:ccf.gov.nodes.endorsed_certificates",  // id → PEM
    legacy_history = "public:ccf.gov.history",  // only removed from

    // join policy; values JSON "AllowedToJoin" unless said otherwise
    nodes_code_ids = "public:ccf.gov.nodes.code_ids",
    nodes_virtual_measurements = "public:ccf.gov.nodes.virtual.measurements",
    nodes_virtual_host_data = "public:ccf.gov.nodes.virtual.host_data",  // hex → unit
    nodes_snp_measurements = "public:ccf.gov.nodes.snp.measurements",
    nodes_snp_host_data = "public:ccf.gov.nodes.snp.host_data",  // hex → JSON policy text
    nodes_snp_uvm_endorsements =
        "public:ccf.gov.nodes.snp.uvm_endorsements",                   // did → JSON {feed: {svn}}
    nodes_snp_tcb_versions = "public:ccf.gov.nodes.snp.tcb_versions",  // cpuid hex → JSON

    // service; one value each, under the unit key
    service_info = "public:ccf.gov.service.info",      // ServiceInfo
    service_config = "public:ccf.gov.service.config",  // ServiceConfig
    previous_service_identity = "public:ccf.gov.service.previous_service_identity",  // JSON PEM
    constitution = "public:ccf.gov.constitution",                                    // JSON text
    js_runtime_options = "public:ccf.gov.js_runtime_options",  // JsRuntimeOptions

    // proposals
    proposals = "public:ccf.gov.proposals",            // proposal id → payload bytes
    proposals_info = "public:ccf.gov.proposals_info",  // proposal id → ProposalInfo
    cose_history = "public:ccf.gov.cose_history",      // member id → JSON base64 of the message
    cose_recent_proposals =
        "public:ccf.gov.cose_recent_proposals",  // time:digest → JSON proposal id

    // application
    modules = "public:ccf.gov.modules",  // `/name` → source
    modules_bytecode = "public:ccf.gov.modules_quickjs_bytecode",
    modules_bytecode_version = "public:ccf.gov.modules_quickjs_version",  // unit → text
    interpreter_flush = "public:ccf.gov.interpreter.flush",               // unit → JSON bool
    endpoints = "public:ccf.gov.endpoints",                  // `VERB path` → JSON endpoint
    ca_cert_bundles = "public:ccf.gov.tls.ca_cert_bundles",  // name → JSON PEM
    jwt_issuers = "public:ccf.gov.jwt.issuers",              // issuer → JSON

    // internal; one value each, under the unit key, unless said otherwise
    signatures = "public:ccf.internal.signatures",
    recovery_shares = "public:ccf.internal.recovery_shares",
    historical_encrypted_ledger_secret = "public:ccf.internal.historical_encrypted_ledger_secret",
    encrypted_ledger_secrets = "public:ccf.internal.encrypted_ledger_secrets",
    encrypted_submitted_shares =
        "public:ccf.internal.encrypted_submitted_shares",  // member id → JSON base64
    last_recovery_type = "public:ccf.internal.last_recovery_type",
    previous_service_identity_endorsement =
        "public:ccf.internal.previous_service_identity_endorsement",
    previous_service_last_signed_root = "public:ccf.internal.previous_service_last_signed_root";

/// Key of single-value tables, and the value of set members: 8 zero bytes.
BytesView unit();

}  // namespace tables

// ------------------------------------------------------------------------------------------ values

enum class MemberStatus { accepted, active };
BOOST_DESCRIBE_ENUM(MemberStatus, accepted, active)
std::string_view to_text(MemberStatus status);  ///< `Accepted`, `Active`

enum class RecoveryRole { non_participant, participant, owner };
BOOST_DESCRIBE_ENUM(RecoveryRole, non_participant, participant, owner)
std::string_view to_text(RecoveryRole role);  ///< `NonParticipant`, `Participant`, `Owner`

enum class NodeStatus { pending, trusted, retired };
BOOST_DESCRIBE_ENUM(NodeStatus, pending, trusted, retired)
std::string_view to_text(NodeStatus status);  ///< `Pending`, `Trusted`, `Retired`

enum class ServiceStatus { opening, open, waiting_for_recovery_shares, recovering };
BOOST_DESCRIBE_ENUM(ServiceStatus, opening, open, waiting_for_recovery_shares, recovering)
std::string_view to_text(ServiceStatus status);  ///< `Opening`, `WaitingForRecoveryShares` …

enum class ProposalState { open, accepted, withdrawn, rejected, failed, dropped };
BOOST_DESCRIBE_ENUM(ProposalState, open, accepted, withdrawn, rejected, failed, dropped)
std::string_view to_text(ProposalState state);             ///< `Open`, `Accepted` …
std::string_view to_lower_case_text(ProposalState state);  ///< as messages say it: `open` …

struct MemberInfo {
  MemberStatus status = MemberStatus::accepted;
  std::optional<json::value> member_data;
  std::optional<RecoveryRole> recovery_role;
};
BOOST_DESCRIBE_STRUCT(MemberInfo, (), (status, member_data, recovery_role))

struct MemberAck {
  std::string state_digest;                   ///< hex; empty before the first signature
  std::optional<std::string> cose_sign1_req;  ///< base64 of the acknowledgement as received
};
BOOST_DESCRIBE_STRUCT(MemberAck, (), (state_digest, cose_sign1_req))

struct UserInfo {
  std::optional<json::value> user_data;
};
BOOST_DESCRIBE_STRUCT(UserInfo, (), (user_data))

/// What governance needs of a node's row; put_keeping() leaves all other fields as they are.
struct NodeInfo {
  NodeStatus status = NodeStatus::pending;
  std::optional<uint64_t> ledger_secret_seqno;
  std::optional<std::string> encryption_pub_key;           ///< PEM
  std::optional<std::string> certificate_signing_request;  ///< PEM
  std::optional<std::string> public_key;                   ///< PEM
  std::optional<std::string> code_digest;
  std::optional<json::value> node_data;
  std::optional<json::object> quote_info;
  std::optional<json::object> rpc_interfaces;
  bool retired_committed = false;
  static constexpr std::array optional_fields{std::string_view("retired_committed")};
};
BOOST_DESCRIBE_STRUCT(NodeInfo, (),
                      (status, ledger_secret_seqno, encryption_pub_key, certificate_signing_request,
                       public_key, code_digest, node_data, quote_info, rpc_interfaces,
                       retired_committed))

struct ServiceInfo {
  std::string cert;  ///< PEM
  ServiceStatus status = ServiceStatus::opening;
  std::optional<uint64_t> recovery_count;
  std::optional<json::value> service_data;
  std::optional<TxId> current_service_create_txid;
  std::optional<uint64_t> previous_service_identity_version;
};
BOOST_DESCRIBE_STRUCT(ServiceInfo, (),
                      (cert, status, recovery_count, service_data, current_service_create_txid,
                       previous_service_identity_version))

struct ServiceConfig {
  static constexpr uint64_t default_certificate_days = 365, default_window = 100;
  uint64_t recovery_threshold = 0;
  std::optional<std::string> consensus;
  std::optional<std::string> reconfiguration_type;
  std::optional<uint64_t> maximum_node_certificate_validity_days;
  std::optional<uint64_t> maximum_service_certificate_validity_days;
  std::optional<uint64_t> recent_cose_proposals_window_size;
  static constexpr std::array optional_fields{std::string_view("recovery_threshold")};
};
BOOST_DESCRIBE_STRUCT(ServiceConfig, (),
                      (recovery_threshold, consensus, reconfiguration_type,
                       maximum_node_certificate_validity_days,
                       maximum_service_certificate_validity_days,
                       recent_cose_proposals_window_size))

struct JsRuntimeOptions {
  std::optional<uint64_t> max_heap_bytes, max_stack_bytes, max_execution_time_ms,
      max_cached_interpreters;
  std::optional<bool> log_exception_details, return_exception_details;
};
BOOST_DESCRIBE_STRUCT(JsRuntimeOptions, (),
                      (max_heap_bytes, max_stack_bytes, max_execution_time_ms,
                       max_cached_interpreters, log_exception_details, return_exception_details))

/// Why a script failed, as it is stored and shown.
struct Failure {
  std::string reason;
  std::optional<std::string> trace;
  bool operator==(const Failure&) const = default;
};
BOOST_DESCRIBE_STRUCT(Failure, (), (reason, trace))

struct ProposalInfo {
  std::string proposer_id;
  ProposalState state = ProposalState::open;
  std::map<std::string, std::string> ballots;  ///< member id → source of the ballot
  std::optional<std::map<std::string, bool>> final_votes;
  std::optional<std::map<std::string, Failure>> vote_failures;
  std::optional<Failure> failure;
};
BOOST_DESCRIBE_STRUCT(ProposalInfo, (),
                      (proposer_id, state, ballots, final_votes, vote_failures, failure))

// -------------------------------------------------------------------------- values in transactions

namespace tables {

/// The JSON value of a key; nullopt if absent. Throws RpcException 500 if it is not JSON.
std::optional<json::value> get_json(kv::ReadOnlyTx& tx, std::string_view table, BytesView key);
/// Throws RpcException 500: the value of this key does not fit.
[[noreturn]] void refuse(std::string_view table, BytesView key, std::string_view why);

/// A typed value; nullopt if absent. Throws RpcException 500 if it does not fit.
template <typename T>
std::optional<T> get(kv::ReadOnlyTx& tx, std::string_view table, BytesView key) {
  const auto document = get_json(tx, table, key);
  if (!document) return std::nullopt;
  try {
    return json::to<T>(*document);
  } catch (const JsonException& error) {
    refuse(table, key, error.what());
  }
}
template <typename T>
std::optional<T> get(kv::ReadOnlyTx& tx, std::string_view table, std::string_view key) {
  return get<T>(tx, table, as_bytes(key));
}

void put_json(kv::Tx& tx, std::string_view table, BytesView key, const json::value& value);
template <typename T>
void put(kv::Tx& tx, std::string_view table, BytesView key, const T& value) {
  put_json(tx, table, key, json::from(value));
}
template <typename T>
void put(kv::Tx& tx, std::string_view table, std::string_view key, const T& value) {
  put(tx, table, as_bytes(key), value);
}

/// Names of the members that T describes.
template <typename T>
std::vector<std::string_view> field_names() {
  std::vector<std::string_view> names;
  boost::mp11::mp_for_each<json::detail::Members<T>>(
      [&](auto member) { names.push_back(json::detail::field_name<T>(member.name)); });
  return names;
}
/// Replaces the named fields of the stored object by those of `fresh`; the others stay.
void put_fields(kv::Tx& tx, std::string_view table, BytesView key,
                const std::vector<std::string_view>& names, json::value fresh);
/// The same as put(), but fields that T does not know survive.
template <typename T>
void put_keeping(kv::Tx& tx, std::string_view table, BytesView key, const T& value) {
  put_fields(tx, table, key, field_names<T>(), json::from(value));
}
template <typename T>
void put_keeping(kv::Tx& tx, std::string_view table, std::string_view key, const T& value) {
  put_keeping(tx, table, as_bytes(key), value);
}

}  // namespace tables

/// The root of the latest ledger signature, lower-case hex; nullopt before the first signature.
std::optional<std::string> latest_signed_root(kv::ReadOnlyTx& tx);
/// The configuration, or one with nothing set.
ServiceConfig service_config(kv::ReadOnlyTx& tx);

}  // namespace entente::gov
