#pragma once
// The configuration of one node, as an operator writes it in one JSON file. A superset of the
// published schema; every key, default and addition of ours is listed in docs/configuration.md.
// Plain values: nothing here opens a file except read_configuration, which reads the one named.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::node {

using entente::to_text;  // beside the overloads below

/// `host:port`. An IPv6 host is written in brackets and kept without them.
struct Address {
  std::string host;
  uint16_t port = 0;  ///< 0: any free port, chosen when binding

  std::string text() const;
  static Result<Address> parse(std::string_view text);
  bool operator==(const Address&) const = default;
};

/// Limits of what one client may send on an interface. Sizes in bytes.
struct HttpLimits {
  uint64_t max_body_size = 1 << 20;
  uint64_t max_header_size = 16 << 10;  ///< of one header name or value
  uint32_t max_headers_count = 256;
  uint32_t max_concurrent_streams_count = 100;  ///< HTTP/2
  uint32_t initial_window_size = 64 << 10;      ///< HTTP/2
  uint32_t max_frame_size = 16 << 10;           ///< HTTP/2
};

/// Whose certificate an interface shows.
enum class Authority { node, service, acme, unsecured };
std::string_view to_text(Authority authority);  ///< `Node`, `Service`, `ACME`, `Unsecured`

/// Where a request is sent that this node cannot answer in its role.
struct Redirection {
  enum class Kind { node_by_role, static_address };
  enum class Role { primary, backup };
  Kind kind = Kind::node_by_role;
  Role role = Role::primary;  ///< of Kind::node_by_role
  std::string interface;      ///< of Kind::node_by_role; empty: of the same name
  std::string address;        ///< of Kind::static_address, as configured
};
struct Redirections {
  std::optional<Redirection> to_primary;
  std::optional<Redirection> to_backup;
};

struct RpcInterface {
  std::string name;
  Address bind_address;
  Address published_address;  ///< the bind address where none is given; port 0: the bound one
  std::string protocol = "tcp";
  std::string app_protocol = "HTTP1";
  uint32_t max_open_sessions_soft = 1000;
  uint32_t max_open_sessions_hard = 1010;
  HttpLimits http;
  Authority authority = Authority::service;
  /// Regular expressions (ECMAScript) over whole path templates; absent: all paths are served.
  std::optional<std::vector<std::string>> accepted_endpoints;
  std::chrono::milliseconds forwarding_timeout{3000};
  std::optional<Redirections> redirections;  ///< absent: forward instead
  bool snapshot_read = false;                ///< operator feature `SnapshotRead`
  /// The object exactly as configured: it is published to clients and other nodes unchanged.
  json::value raw;
};

struct Network {
  Address node_to_node_bind_address;
  Address node_to_node_published_address;    ///< the bind address where none is given
  std::vector<RpcInterface> rpc_interfaces;  ///< in the order of the file; at least one
};

enum class RecoveryRole { non_participant, participant, owner };
std::string_view to_text(RecoveryRole role);  ///< `NonParticipant`, `Participant`, `Owner`

struct Member {
  std::string certificate_file;
  std::optional<std::string> encryption_public_key_file;
  std::optional<std::string> data_json_file;
  std::optional<RecoveryRole> recovery_role;  ///< as configured; see effective_role
};
/// Participant where an encryption key is given and no role; without a key, no part in recovery.
RecoveryRole effective_role(const Member& member);

struct ServiceConfiguration {
  uint64_t recovery_threshold = 0;  ///< 0: derived, see recovery_threshold()
  uint32_t maximum_node_certificate_validity_days = 365;
  uint32_t maximum_service_certificate_validity_days = 365;
  uint32_t recent_cose_proposals_window_size = 100;
};

struct Start {
  std::vector<std::string> constitution_files;
  std::vector<Member> members;
  ServiceConfiguration service_configuration;
  uint32_t initial_service_certificate_validity_days = 1;
  std::string service_subject_name = "CN=CCF Service";
  std::string cose_issuer;
  std::string cose_subject;
};

struct Join {
  Address target_rpc_address;
  std::chrono::microseconds retry_timeout = std::chrono::seconds(1);
  bool follow_redirect = true;
  bool fetch_recent_snapshot = true;
  uint32_t fetch_snapshot_max_attempts = 3;
  std::chrono::microseconds fetch_snapshot_retry_interval = std::chrono::seconds(1);
  uint64_t fetch_snapshot_max_size = 10ull << 30;
};

struct SelfHealingIdentity {
  std::string intrinsic_id;
  std::string published_address;
};
struct SelfHealingOpen {
  SelfHealingIdentity identity;
  std::vector<SelfHealingIdentity> cluster_identities;
  std::chrono::microseconds retry_timeout = std::chrono::milliseconds(100);
  std::chrono::microseconds failover_timeout = std::chrono::seconds(2);
};

struct Recover {
  std::string previous_service_identity_file;
  uint32_t initial_service_certificate_validity_days = 1;
  std::optional<std::string> previous_sealed_ledger_secret_location;
  std::optional<SelfHealingOpen> self_healing_open;
};

enum class Curve { p256, p384 };
std::string_view to_text(Curve curve);  ///< `Secp256R1`, `Secp384R1`

struct Command {
  enum class Type { start, join, recover };
  Type type = Type::start;
  std::string service_certificate_file = "service_cert.pem";
  Curve service_curve_id = Curve::p256;  ///< ours: key of a new service identity
  Start start;                           ///< filled for Type::start only
  Join join;                             ///< filled for Type::join only
  Recover recover;                       ///< filled for Type::recover only
};
std::string_view to_text(Command::Type type);  ///< `Start`, `Join`, `Recover`

struct NodeCertificate {
  std::string subject_name = "CN=CCF Node";
  std::vector<std::string> subject_alt_names;  ///< empty: derived, see subject_alt_names()
  Curve curve_id = Curve::p256;
  uint32_t initial_validity_days = 1;
};

struct EndorsementsServer {
  enum class Type { azure, amd, thim };
  Type type = Type::azure;
  std::string url;
  uint32_t max_retries_count = 3;
};
struct Attestation {
  std::optional<std::string> snp_security_policy_file;
  std::optional<std::string> snp_uvm_endorsements_file;
  std::optional<std::string> snp_endorsements_file;
  std::vector<EndorsementsServer> snp_endorsements_servers;
};

/// When ledger bytes are forced to the disk. Ours.
enum class Durability {
  none,        ///< left to the operating system: survives a crash of the node, not a power cut
  batch_fsync  ///< synced once a batch, before the batch counts as committed by this node
};
std::string_view to_text(Durability durability);  ///< `none`, `batch_fsync`

struct Ledger {
  std::string directory = "ledger";
  std::vector<std::string> read_only_directories;
  uint64_t chunk_size = 5 << 20;
  Durability durability = Durability::none;
};

struct Snapshots {
  std::string directory = "snapshots";
  uint64_t tx_count = 10000;
  std::optional<std::string> read_only_directory;
};

enum class LogFormat { text, json };

struct Consensus {
  std::chrono::microseconds message_timeout = std::chrono::milliseconds(100);
  std::chrono::microseconds election_timeout = std::chrono::seconds(5);
  uint64_t max_uncommitted_tx_count = 10000;     ///< 0: unlimited
  uint64_t max_uncommitted_bytes = 64ull << 20;  ///< ours; 0: unlimited
};

/// Queues between host and enclave of the reference: checked, without effect.
struct Memory {
  uint64_t circuit_size = 16 << 20;
  uint64_t max_msg_size = 64 << 20;
  uint64_t max_fragment_size = 256 << 10;
};

struct LedgerSignatures {
  uint64_t tx_count = 5000;
  std::chrono::microseconds delay = std::chrono::seconds(1);
};

struct OutputFiles {
  std::string node_certificate_file = "nodecert.pem";
  std::string pid_file = "node.pid";
  std::optional<std::string> node_to_node_address_file;
  std::optional<std::string> rpc_addresses_file;
  std::optional<std::string> sealed_ledger_secret_location;
};

struct Configuration {
  Network network;
  Command command;
  NodeCertificate node_certificate;
  std::optional<std::string> node_data_json_file;
  std::optional<std::string> service_data_json_file;
  Attestation attestation;
  Ledger ledger;
  Snapshots snapshots;
  LogFormat log_format = LogFormat::text;
  log::Level host_level = log::Level::info;  ///< `--log-level` decides
  Consensus consensus;
  Memory memory;
  LedgerSignatures ledger_signatures;
  std::chrono::microseconds jwt_key_refresh_interval = std::chrono::minutes(30);
  OutputFiles output_files;
  std::chrono::microseconds tick_interval = std::chrono::milliseconds(10);
  std::chrono::microseconds slow_io_logging_threshold = std::chrono::milliseconds(10);
  std::optional<std::string> node_client_interface;
  std::chrono::microseconds client_connection_timeout = std::chrono::seconds(2);
  std::optional<std::chrono::microseconds> idle_connection_timeout = std::chrono::seconds(60);
  uint32_t worker_threads = 0;  ///< besides the first one
  bool ignore_first_sigterm = false;
  uint64_t node_to_node_message_limit = 23726566;
  uint64_t historical_cache_soft_limit = 512ull << 20;

  /// Keys that are not known but allowed where they stand, each with a hint: worth a log line.
  std::vector<std::string> notes;
  /// The whole document as configured.
  json::value raw;
};

/// The error lists every problem, one a line, each with the JSON path, the value and what is
/// allowed. Deterministic; reads no file.
Result<Configuration> parse_configuration(const json::value& document);
Result<Configuration> parse_configuration_text(std::string_view text);
/// At most 16 MiB. The error names the file.
Result<Configuration> read_configuration(const std::string& path);

/// What `app_protocol` may be at a start; with the last one ALPN chooses, connection by connection.
inline constexpr std::string_view offered_app_protocols[] = {"HTTP1", "HTTP2", "HTTP1+HTTP2"};

/// What is configured correctly but this build does not offer (QUIC, for example), one a line.
/// A node refuses to start on a non-empty answer; a check of the file does not.
std::vector<std::string> not_offered(const Configuration& configuration);

/// Keys that differ from their default and change nothing in this build.
std::vector<std::string> without_effect(const Configuration& configuration);

/// The threshold that holds at genesis, or why the members cannot meet the configured one.
Result<uint64_t> recovery_threshold(const Start& start);

/// `iPAddress:…` and `dNSName:…` of the node's certificate: as configured, else one for the
/// published host of every interface, in order, duplicates kept.
std::vector<std::string> subject_alt_names(const Configuration& configuration);

/// `path` with every component `$NAME` replaced by that environment variable where it is set.
std::string expand_environment(std::string_view path);

}  // namespace entente::node
