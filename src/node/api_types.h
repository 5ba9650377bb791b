#pragma once
// The documents of the /node endpoints as types: what the OpenAPI description says of them.
// Source: docs/http-api.md (/node endpoints, shared JSON objects).

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "entente/json_types.h"

namespace entente::node::api {

/// Text with a schema name of its own.
struct Pem {
  static constexpr std::string_view schema_name = "Pem";
  std::string text;
  operator std::string_view() const { return text; }
};

enum class NodeStartupState {
  Uninitialized,
  Initialized,
  Pending,
  PartOfPublicNetwork,
  PartOfNetwork,
  ReadingPublicLedger,
  ReadingPrivateLedger
};
BOOST_DESCRIBE_ENUM(NodeStartupState, Uninitialized, Initialized, Pending, PartOfPublicNetwork,
                    PartOfNetwork, ReadingPublicLedger, ReadingPrivateLedger)
enum class NodeStatus { Pending, Trusted, Retired };
BOOST_DESCRIBE_ENUM(NodeStatus, Pending, Trusted, Retired)
enum class ServiceStatus { Opening, Open, WaitingForRecoveryShares, Recovering };
BOOST_DESCRIBE_ENUM(ServiceStatus, Opening, Open, WaitingForRecoveryShares, Recovering)
enum class QuoteFormat { OE_SGX_v1, Insecure_Virtual, AMD_SEV_SNP_v1 };
BOOST_DESCRIBE_ENUM(QuoteFormat, OE_SGX_v1, Insecure_Virtual, AMD_SEV_SNP_v1)
enum class Authority { Node, Service, ACME, Unsecured };
BOOST_DESCRIBE_ENUM(Authority, Node, Service, ACME, Unsecured)
enum class OperatorFeature { SnapshotRead };
BOOST_DESCRIBE_ENUM(OperatorFeature, SnapshotRead)
enum class RedirectionResolutionKind { NodeByRole, StaticAddress };
BOOST_DESCRIBE_ENUM(RedirectionResolutionKind, NodeByRole, StaticAddress)
enum class ConsensusType { CFT, BFT };
BOOST_DESCRIBE_ENUM(ConsensusType, CFT, BFT)
enum class ReconfigurationType { OneTransaction, TwoTransaction };
BOOST_DESCRIBE_ENUM(ReconfigurationType, OneTransaction, TwoTransaction)
enum class LeadershipState { None, Leader, Follower, PreVoteCandidate, Candidate };
BOOST_DESCRIBE_ENUM(LeadershipState, None, Leader, Follower, PreVoteCandidate, Candidate)
enum class MembershipState { Active, Retired };
BOOST_DESCRIBE_ENUM(MembershipState, Active, Retired)
enum class RetirementPhase { Ordered, Signed, Completed, RetiredCommitted };
BOOST_DESCRIBE_ENUM(RetirementPhase, Ordered, Signed, Completed, RetiredCommitted)

struct GetState {
  static constexpr std::string_view schema_name = "GetState__Out";
  NodeId node_id;
  NodeStartupState state{};
  uint64_t last_signed_seqno = 0;
  uint64_t startup_seqno = 0;
  bool stop_notice = false;
  std::optional<uint64_t> recovery_target_seqno;
  std::optional<uint64_t> last_recovered_seqno;
};
BOOST_DESCRIBE_STRUCT(GetState, (),
                      (node_id, state, last_signed_seqno, startup_seqno, stop_notice,
                       recovery_target_seqno, last_recovered_seqno))

struct GetVersion {
  static constexpr std::string_view schema_name = "GetVersion__Out";
  std::string ccf_version;
  std::string quickjs_version;
  bool unsafe_build = false;
  static constexpr std::string_view json_name(std::string_view member) {
    return member == "unsafe_build" ? "unsafe" : member;
  }
};
BOOST_DESCRIBE_STRUCT(GetVersion, (), (ccf_version, quickjs_version, unsafe_build))

/// The same document under two names: /node/quotes and, newer, /node/attestations.
struct Quote {
  NodeId node_id;
  Bytes raw;
  Bytes endorsements;
  QuoteFormat format{};
  std::optional<std::string> measurement;
  std::optional<Bytes> uvm_endorsements;
};
BOOST_DESCRIBE_STRUCT(Quote, (),
                      (node_id, raw, endorsements, format, measurement, uvm_endorsements))
struct Attestation : Quote {};
BOOST_DESCRIBE_STRUCT(Attestation, (Quote), ())
struct GetQuotes {
  static constexpr std::string_view schema_name = "GetQuotes__Out";
  std::vector<Quote> quotes;
};
BOOST_DESCRIBE_STRUCT(GetQuotes, (), (quotes))
struct GetAttestations {
  static constexpr std::string_view schema_name = "GetAttestations__Out";
  std::vector<Attestation> attestations;
};
BOOST_DESCRIBE_STRUCT(GetAttestations, (), (attestations))

struct SelfSignedCertificate {
  static constexpr std::string_view schema_name = "SelfSignedNodeCertificateInfo";
  Pem self_signed_certificate;
};
BOOST_DESCRIBE_STRUCT(SelfSignedCertificate, (), (self_signed_certificate))

struct ConsensusNodeConfig {
  std::string address;
};
BOOST_DESCRIBE_STRUCT(ConsensusNodeConfig, (), (address))

struct ConfigurationNode {
  static constexpr std::string_view schema_name = "Configuration__NodeInfo";
  std::string address;
  bool operator==(const ConfigurationNode&) const = default;
};
BOOST_DESCRIBE_STRUCT(ConfigurationNode, (), (address))
struct ConsensusConfiguration {
  static constexpr std::string_view schema_name = "Configuration";
  uint64_t idx = 0;
  std::map<NodeId, ConfigurationNode> nodes;
  uint64_t rid = 0;
  bool operator==(const ConsensusConfiguration&) const = default;
};
BOOST_DESCRIBE_STRUCT(ConsensusConfiguration, (), (idx, nodes, rid))
struct Ack {
  static constexpr std::string_view schema_name = "ConsensusDetails__Ack";
  uint64_t seqno = 0;
  uint64_t last_received_ms = 0;
  bool operator==(const Ack&) const = default;
};
BOOST_DESCRIBE_STRUCT(Ack, (), (seqno, last_received_ms))
struct ConsensusDetails {
  std::vector<ConsensusConfiguration> configs;
  std::map<NodeId, Ack> acks;
  MembershipState membership_state{};
  std::optional<LeadershipState> leadership_state;
  std::optional<RetirementPhase> retirement_phase;
  std::optional<std::map<NodeId, uint64_t>> learners;
  std::optional<ReconfigurationType> reconfiguration_type;
  Nullable<NodeId> primary_id;
  uint64_t current_view = 0;
  bool ticking = false;
};
BOOST_DESCRIBE_STRUCT(ConsensusDetails, (),
                      (configs, acks, membership_state, leadership_state, retirement_phase,
                       learners, reconfiguration_type, primary_id, current_view, ticking))
struct ConsensusConfigDetails {
  ConsensusDetails details;
};
BOOST_DESCRIBE_STRUCT(ConsensusConfigDetails, (), (details))

struct MemoryUsage {
  static constexpr std::string_view schema_name = "MemoryUsage__Out";
  uint64_t max_total_heap_size = 0;
  uint64_t current_allocated_heap_size = 0;
  uint64_t peak_allocated_heap_size = 0;
};
BOOST_DESCRIBE_STRUCT(MemoryUsage, (),
                      (max_total_heap_size, current_allocated_heap_size, peak_allocated_heap_size))

struct SessionErrors {
  static constexpr std::string_view schema_name = "SessionMetrics__Errors";
  uint64_t parsing = 0;
  uint64_t request_payload_too_large = 0;
  uint64_t request_header_too_large = 0;
  bool operator==(const SessionErrors&) const = default;
};
BOOST_DESCRIBE_STRUCT(SessionErrors, (),
                      (parsing, request_payload_too_large, request_header_too_large))
struct InterfaceSessions {
  static constexpr std::string_view schema_name = "SessionMetrics__PerInterface";
  uint64_t active = 0;
  uint64_t peak = 0;
  uint64_t soft_cap = 0;
  uint64_t hard_cap = 0;
  SessionErrors errors;
  bool operator==(const InterfaceSessions&) const = default;
};
BOOST_DESCRIBE_STRUCT(InterfaceSessions, (), (active, peak, soft_cap, hard_cap, errors))
struct SessionMetrics {
  uint64_t active = 0;
  uint64_t peak = 0;
  std::map<std::string, InterfaceSessions> interfaces;
};
BOOST_DESCRIBE_STRUCT(SessionMetrics, (), (active, peak, interfaces))
struct ForwardingMetrics {
  uint64_t forwarded = 0;
  uint64_t answered = 0;
  uint64_t timed_out = 0;
  uint64_t cut_off = 0;
  uint64_t late = 0;
  uint64_t open = 0;
  uint64_t executed = 0;
  uint64_t refused = 0;
  uint64_t malformed = 0;
  uint64_t unsent = 0;
};
BOOST_DESCRIBE_STRUCT(ForwardingMetrics, (),
                      (forwarded, answered, timed_out, cut_off, late, open, executed, refused,
                       malformed, unsent))
struct LinkMetrics {
  std::string address;
  bool connected = false;
  bool receiving = false;
  uint64_t sent_messages = 0;
  uint64_t sent_bytes = 0;
  uint64_t received_messages = 0;
  uint64_t received_bytes = 0;
  uint64_t dropped_messages = 0;
  uint64_t queued_bytes = 0;
  uint64_t failures = 0;
  std::string last_error;
};
BOOST_DESCRIBE_STRUCT(LinkMetrics, (),
                      (address, connected, receiving, sent_messages, sent_bytes, received_messages,
                       received_bytes, dropped_messages, queued_bytes, failures, last_error))
/// Ours: what goes on between this node and the others.
struct NodeToNodeMetrics {
  uint64_t refused_messages = 0;
  uint64_t dropped_messages = 0;
  std::map<std::string, uint64_t> refused_connections;
  std::map<NodeId, LinkMetrics> links;
  ForwardingMetrics forwarding;
};
BOOST_DESCRIBE_STRUCT(NodeToNodeMetrics, (),
                      (refused_messages, dropped_messages, refused_connections, links, forwarding))
struct NodeMetrics {
  SessionMetrics sessions;
};
BOOST_DESCRIBE_STRUCT(NodeMetrics, (), (sessions))

struct JavaScriptMetrics {
  uint64_t bytecode_size = 0;
  bool bytecode_used = false;
  uint64_t max_heap_size = 0;
  uint64_t max_stack_size = 0;
  uint64_t max_execution_time = 0;
  uint64_t max_cached_interpreters = 0;
};
BOOST_DESCRIBE_STRUCT(JavaScriptMetrics, (),
                      (bytecode_size, bytecode_used, max_heap_size, max_stack_size,
                       max_execution_time, max_cached_interpreters))
struct JWTRefreshMetrics {
  uint64_t attempts = 0;
  uint64_t successes = 0;
  uint64_t failures = 0;
};
BOOST_DESCRIBE_STRUCT(JWTRefreshMetrics, (), (attempts, successes, failures))

struct ServiceConfigurationDocument {
  static constexpr std::string_view schema_name = "ServiceConfiguration";
  uint64_t recovery_threshold = 0;
  std::optional<ConsensusType> consensus;
  std::optional<uint64_t> maximum_node_certificate_validity_days;
  std::optional<uint64_t> maximum_service_certificate_validity_days;
  std::optional<uint64_t> recent_cose_proposals_window_size;
  std::optional<ReconfigurationType> reconfiguration_type;
};
BOOST_DESCRIBE_STRUCT(ServiceConfigurationDocument, (),
                      (recovery_threshold, consensus, maximum_node_certificate_validity_days,
                       maximum_service_certificate_validity_days, recent_cose_proposals_window_size,
                       reconfiguration_type))
struct PreviousIdentity {
  static constexpr std::string_view schema_name = "GetServicePreviousIdentity__Out";
  Pem previous_service_identity;
};
BOOST_DESCRIBE_STRUCT(PreviousIdentity, (), (previous_service_identity))

struct GetNetworkInfo {
  static constexpr std::string_view schema_name = "GetNetworkInfo__Out";
  ServiceStatus service_status{};
  Pem service_certificate;
  Nullable<uint64_t> current_view;
  Nullable<NodeId> primary_id;
  uint64_t recovery_count = 0;
  json::value service_data;
  Nullable<TxId> current_service_create_txid;
};
BOOST_DESCRIBE_STRUCT(GetNetworkInfo, (),
                      (service_status, service_certificate, current_view, primary_id,
                       recovery_count, service_data, current_service_create_txid))

struct SizeText {
  static constexpr std::string_view schema_name = "TimeString";
  std::string text;
  operator std::string_view() const { return text; }
};
struct Endorsement {
  Authority authority{};
};
BOOST_DESCRIBE_STRUCT(Endorsement, (), (authority))
struct ParserConfiguration {
  std::optional<SizeText> max_body_size;
  std::optional<SizeText> max_header_size;
  std::optional<uint32_t> max_headers_count;
  std::optional<uint64_t> max_concurrent_streams_count;
  std::optional<SizeText> initial_window_size;
  std::optional<SizeText> max_frame_size;
};
BOOST_DESCRIBE_STRUCT(ParserConfiguration, (),
                      (max_body_size, max_header_size, max_headers_count,
                       max_concurrent_streams_count, initial_window_size, max_frame_size))
struct RedirectionResolverConfig {
  RedirectionResolutionKind kind{};
  std::optional<json::value> target;
};
BOOST_DESCRIBE_STRUCT(RedirectionResolverConfig, (), (kind, target))
struct InterfaceRedirections {
  static constexpr std::string_view schema_name = "NodeInfoNetwork_v2__NetInterface__Redirections";
  std::optional<RedirectionResolverConfig> to_primary;
  std::optional<RedirectionResolverConfig> to_backup;
};
BOOST_DESCRIBE_STRUCT(InterfaceRedirections, (), (to_primary, to_backup))
struct NetInterface {
  static constexpr std::string_view schema_name = "NodeInfoNetwork_v2__NetInterface";
  std::string bind_address;
  std::optional<std::string> published_address;
  std::optional<std::string> protocol;
  std::optional<std::string> app_protocol;
  std::optional<uint64_t> max_open_sessions_soft;
  std::optional<uint64_t> max_open_sessions_hard;
  std::optional<ParserConfiguration> http_configuration;
  std::optional<Endorsement> endorsement;
  std::optional<std::vector<std::string>> accepted_endpoints;
  std::optional<uint64_t> forwarding_timeout_ms;
  std::optional<std::set<OperatorFeature>> enabled_operator_features;
  std::optional<InterfaceRedirections> redirections;
};
BOOST_DESCRIBE_STRUCT(NetInterface, (),
                      (bind_address, published_address, protocol, app_protocol,
                       max_open_sessions_soft, max_open_sessions_hard, http_configuration,
                       endorsement, accepted_endpoints, forwarding_timeout_ms,
                       enabled_operator_features, redirections))
struct NodeInfo {
  static constexpr std::string_view schema_name = "GetNode__NodeInfo";
  NodeId node_id;
  NodeStatus status{};
  bool primary = false;
  std::map<std::string, NetInterface> rpc_interfaces;
  json::value node_data;
  uint64_t last_written = 0;
};
BOOST_DESCRIBE_STRUCT(NodeInfo, (),
                      (node_id, status, primary, rpc_interfaces, node_data, last_written))
struct GetNodes {
  static constexpr std::string_view schema_name = "GetNodes__Out";
  std::vector<NodeInfo> nodes;
};
BOOST_DESCRIBE_STRUCT(GetNodes, (), (nodes))

}  // namespace entente::node::api

namespace entente {
template <>
inline json::value json::schema_body<node::api::Pem>(SchemaSet&) {
  return json::object{{"type", "string"}};
}
template <>
inline json::value json::schema_body<node::api::SizeText>(SchemaSet&) {
  return json::object{{"pattern", "^[0-9]+(B|KB|MB|GB|TB|PB)?$"}, {"type", "string"}};
}
template <>
inline constexpr std::string_view schema_name_of<node::api::NodeStartupState> =
    "ccf__NodeStartupState";
template <>
inline constexpr std::string_view schema_name_of<node::api::NodeStatus> = "NodeStatus";
template <>
inline constexpr std::string_view schema_name_of<node::api::ServiceStatus> = "ServiceStatus";
}  // namespace entente
