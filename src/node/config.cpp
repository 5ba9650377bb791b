#include "node/config.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <regex>

#include "base/environment.h"
#include "node/config_fields.h"

namespace entente::node {
namespace {

using std::chrono::microseconds;

constexpr Choice<Authority> authorities[] = {{"Node", Authority::node},
                                             {"Service", Authority::service},
                                             {"ACME", Authority::acme},
                                             {"Unsecured", Authority::unsecured}};
constexpr Choice<RecoveryRole> recovery_roles[] = {
    {"NonParticipant", RecoveryRole::non_participant},
    {"Participant", RecoveryRole::participant},
    {"Owner", RecoveryRole::owner}};
constexpr Choice<Curve> curves[] = {{"Secp384R1", Curve::p384}, {"Secp256R1", Curve::p256}};
constexpr Choice<Command::Type> command_types[] = {{"Start", Command::Type::start},
                                                   {"Join", Command::Type::join},
                                                   {"Recover", Command::Type::recover}};
constexpr Choice<Durability> durabilities[] = {{"none", Durability::none},
                                               {"batch_fsync", Durability::batch_fsync}};
constexpr Choice<LogFormat> log_formats[] = {{"Text", LogFormat::text}, {"Json", LogFormat::json}};
constexpr Choice<log::Level> log_levels[] = {{"Trace", log::Level::trace},
                                             {"Debug", log::Level::debug},
                                             {"Info", log::Level::info},
                                             {"Fail", log::Level::fail},
                                             {"Fatal", log::Level::fatal}};
constexpr Choice<EndorsementsServer::Type> server_types[] = {
    {"Azure", EndorsementsServer::Type::azure},
    {"AMD", EndorsementsServer::Type::amd},
    {"THIM", EndorsementsServer::Type::thim}};
constexpr Choice<Redirection::Kind> redirection_kinds[] = {
    {"NodeByRole", Redirection::Kind::node_by_role},
    {"StaticAddress", Redirection::Kind::static_address}};
constexpr Choice<Redirection::Role> redirection_roles[] = {{"primary", Redirection::Role::primary},
                                                           {"backup", Redirection::Role::backup}};

template <typename T, size_t n>
std::span<const Choice<T>> all(const Choice<T> (&choices)[n]) {
  return {choices, n};
}

template <typename T, size_t n>
std::string_view name_of(T value, const Choice<T> (&choices)[n]) {
  for (const Choice<T>& known : choices) {
    if (known.value == value) return known.name;
  }
  return "";
}

void read_http(Fields& fields, HttpLimits& http) {
  fields.size("max_body_size", http.max_body_size);
  fields.size("max_header_size", http.max_header_size);
  fields.integer("max_headers_count", http.max_headers_count);
  fields.integer("max_concurrent_streams_count", http.max_concurrent_streams_count, 1);
  fields.size("initial_window_size", http.initial_window_size, 0, (1u << 31) - 1);  // RFC 9113
  fields.size("max_frame_size", http.max_frame_size, 16 << 10, 16 << 20);
  http.max_frame_size = std::min<uint32_t>(http.max_frame_size, (16 << 20) - 1);  // RFC 9113
}

void read_redirection(Fields& fields, std::optional<Redirection>& out) {
  Redirection redirection;
  fields.require({"kind"});
  fields.choice("kind", redirection.kind, all(redirection_kinds));
  if (redirection.kind == Redirection::Kind::static_address) {
    fields.require({"target"});
    fields.section("target", [&](Fields& target) {
      target.require({"address"});
      target.text("address", redirection.address);
    });
  } else {
    fields.section("target", [&](Fields& target) {
      target.choice("role", redirection.role, all(redirection_roles));
      target.text("interface", redirection.interface);
    });
  }
  out = std::move(redirection);
}

void read_accepted_endpoints(Fields& fields, RpcInterface& interface) {
  if (!fields.has("accepted_endpoints")) return (void)fields.take("accepted_endpoints");
  std::vector<std::string> expressions;
  fields.texts("accepted_endpoints", expressions);
  constexpr size_t longest_expression = 1024;
  for (const std::string& expression : expressions) {
    try {
      if (expression.size() > longest_expression) throw std::regex_error({});
      const std::regex compiled(expression);
    } catch (const std::regex_error&) {
      fields.refuse("accepted_endpoints", json::value(expression),
                    "is not a regular expression (ECMAScript) of at most 1024 letters");
    }
  }
  interface.accepted_endpoints = std::move(expressions);
}

void read_session_caps(Fields& fields, RpcInterface& interface) {
  fields.integer("max_open_sessions_soft", interface.max_open_sessions_soft);
  const bool hard_given = fields.has("max_open_sessions_hard");
  // The default keeps its distance of 10 above a soft cap that was raised.
  interface.max_open_sessions_hard = static_cast<uint32_t>(
      std::clamp<uint64_t>(uint64_t{interface.max_open_sessions_soft} + 10, 1010, UINT32_MAX));
  fields.integer("max_open_sessions_hard", interface.max_open_sessions_hard);
  if (hard_given && interface.max_open_sessions_hard < interface.max_open_sessions_soft) {
    fields.refuse("max_open_sessions_hard", json::value(interface.max_open_sessions_hard),
                  "is below max_open_sessions_soft (" +
                      std::to_string(interface.max_open_sessions_soft) + "); at least that much");
  }
}

void read_interface(Fields& fields, RpcInterface& interface) {
  fields.require({"bind_address"});
  fields.address("bind_address", interface.bind_address);
  if (!fields.address("published_address", interface.published_address, true)) {
    interface.published_address = interface.bind_address;
  }
  constexpr Choice<std::string_view> protocols[] = {{"tcp", "tcp"}, {"udp", "udp"}};
  std::string_view protocol = interface.protocol;
  fields.choice("protocol", protocol, all(protocols));
  interface.protocol = protocol;
  fields.text("app_protocol", interface.app_protocol);
  read_session_caps(fields, interface);
  fields.section("http_configuration", [&](Fields& http) { read_http(http, interface.http); });
  fields.section("endorsement", [&](Fields& endorsement) {
    endorsement.require({"authority"});
    endorsement.choice("authority", interface.authority, all(authorities));
  });
  read_accepted_endpoints(fields, interface);
  uint32_t timeout = static_cast<uint32_t>(interface.forwarding_timeout.count());
  fields.integer("forwarding_timeout_ms", timeout);
  interface.forwarding_timeout = std::chrono::milliseconds(timeout);
  fields.section("redirections", [&](Fields& redirections) {
    Redirections& out = interface.redirections.emplace();
    redirections.section("to_primary", [&](Fields& to) { read_redirection(to, out.to_primary); });
    redirections.section("to_backup", [&](Fields& to) { read_redirection(to, out.to_backup); });
  });
  std::vector<std::string> features;
  fields.texts("enabled_operator_features", features);
  for (const std::string& feature : features) {
    if (feature == "SnapshotRead") {
      interface.snapshot_read = true;
    } else {
      fields.refuse("enabled_operator_features", json::value(feature),
                    "is not one of \"SnapshotRead\"");
    }
  }
}

void read_network(Fields& fields, Network& network) {
  fields.require({"node_to_node_interface", "rpc_interfaces"});
  fields.section("node_to_node_interface", [&](Fields& interface) {
    interface.require({"bind_address"});
    interface.address("bind_address", network.node_to_node_bind_address);
    if (!interface.address("published_address", network.node_to_node_published_address, true)) {
      network.node_to_node_published_address = network.node_to_node_bind_address;
    }
  });
  fields.section("rpc_interfaces", [&](Fields& interfaces) {
    if (interfaces.object()->empty()) {
      fields.refuse("rpc_interfaces", *fields.object()->if_contains("rpc_interfaces"),
                    "names no interface; at least one is needed");
    }
    for (const auto& member : *interfaces.object()) {
      RpcInterface interface;
      interface.name = std::string(member.key());
      interface.raw = member.value();
      interfaces.section(
          member.key(), [&](Fields& inner) { read_interface(inner, interface); }, Unknown::note);
      network.rpc_interfaces.push_back(std::move(interface));
    }
  });
}

void read_member(Fields& fields, Member& member) {
  fields.require({"certificate_file"});
  fields.text("certificate_file", member.certificate_file);
  fields.nullable_text("encryption_public_key_file", member.encryption_public_key_file);
  fields.nullable_text("data_json_file", member.data_json_file);
  RecoveryRole role = RecoveryRole::non_participant;
  const bool given = fields.has("recovery_role");
  fields.choice("recovery_role", role, all(recovery_roles));
  if (given) member.recovery_role = role;
}

void read_start(Fields& fields, Start& start) {
  fields.require({"constitution_files", "members"});
  fields.texts("constitution_files", start.constitution_files);
  fields.each("members",
              [&](Fields& member) { read_member(member, start.members.emplace_back()); });
  fields.section("service_configuration", [&](Fields& service) {
    ServiceConfiguration& out = start.service_configuration;
    service.require({"recovery_threshold"});
    service.integer("recovery_threshold", out.recovery_threshold);
    service.integer("maximum_node_certificate_validity_days",
                    out.maximum_node_certificate_validity_days, 1);
    service.integer("maximum_service_certificate_validity_days",
                    out.maximum_service_certificate_validity_days, 1);
    service.integer("recent_cose_proposals_window_size", out.recent_cose_proposals_window_size, 1);
  });
  fields.integer("initial_service_certificate_validity_days",
                 start.initial_service_certificate_validity_days, 1);
  fields.text("service_subject_name", start.service_subject_name);
  fields.section(
      "cose_signatures",
      [&](Fields& cose) {
        cose.text("issuer", start.cose_issuer);
        cose.text("subject", start.cose_subject);
      },
      Unknown::note);
}

void read_join(Fields& fields, Join& join) {
  fields.require({"target_rpc_address"});
  fields.address("target_rpc_address", join.target_rpc_address);
  fields.duration("retry_timeout", join.retry_timeout);
  fields.boolean("follow_redirect", join.follow_redirect);
  fields.boolean("fetch_recent_snapshot", join.fetch_recent_snapshot);
  fields.integer("fetch_snapshot_max_attempts", join.fetch_snapshot_max_attempts, 1);
  fields.duration("fetch_snapshot_retry_interval", join.fetch_snapshot_retry_interval);
  fields.size("fetch_snapshot_max_size", join.fetch_snapshot_max_size);
}

void read_self_healing_identity(Fields& fields, SelfHealingIdentity& identity) {
  fields.text("intrinsic_id", identity.intrinsic_id);
  fields.text("published_address", identity.published_address);
}

void read_self_healing(Fields& fields, SelfHealingOpen& open) {
  fields.section(
      "identity", [&](Fields& inner) { read_self_healing_identity(inner, open.identity); },
      Unknown::note);
  fields.each(
      "cluster_identities",
      [&](Fields& inner) {
        read_self_healing_identity(inner, open.cluster_identities.emplace_back());
      },
      Unknown::note);
  fields.duration("retry_timeout", open.retry_timeout);
  fields.duration("failover_timeout", open.failover_timeout);
}

void read_recover(Fields& fields, Recover& recover) {
  fields.require({"previous_service_identity_file"});
  fields.text("previous_service_identity_file", recover.previous_service_identity_file);
  fields.integer("initial_service_certificate_validity_days",
                 recover.initial_service_certificate_validity_days, 1);
  if (fields.has("previous_sealed_ledger_secret_location")) {
    recover.previous_sealed_ledger_secret_location.emplace();
    fields.text("previous_sealed_ledger_secret_location",
                *recover.previous_sealed_ledger_secret_location);
  } else {
    fields.take("previous_sealed_ledger_secret_location");
  }
  fields.section(
      "self_healing_open",
      [&](Fields& open) { read_self_healing(open, recover.self_healing_open.emplace()); },
      Unknown::note);
}

/// Only the part that `type` names is looked at: one file may hold all three.
void read_command(Fields& fields, Command& command) {
  fields.require({"type"});
  fields.choice("type", command.type, all(command_types));
  fields.text("service_certificate_file", command.service_certificate_file);
  fields.choice("service_curve_id", command.service_curve_id, all(curves));
  struct Part {
    Command::Type type;
    std::string_view key;
    std::function<void(Fields&)> read;
  };
  const Part parts[] = {
      {Command::Type::start, "start", [&](Fields& f) { read_start(f, command.start); }},
      {Command::Type::join, "join", [&](Fields& f) { read_join(f, command.join); }},
      {Command::Type::recover, "recover", [&](Fields& f) { read_recover(f, command.recover); }}};
  for (const Part& part : parts) {
    if (part.type != command.type) {
      fields.take(part.key);
      continue;
    }
    if (fields.has("type")) fields.require({part.key});
    fields.section(part.key, part.read);
  }
}

void read_attestation(Fields& fields, Attestation& attestation) {
  fields.nullable_text("snp_security_policy_file", attestation.snp_security_policy_file);
  fields.nullable_text("snp_uvm_endorsements_file", attestation.snp_uvm_endorsements_file);
  fields.nullable_text("snp_endorsements_file", attestation.snp_endorsements_file);
  fields.each("snp_endorsements_servers", [&](Fields& server) {
    EndorsementsServer& out = attestation.snp_endorsements_servers.emplace_back();
    server.require({"url"});
    server.choice("type", out.type, all(server_types));
    server.text("url", out.url);
    server.integer("max_retries_count", out.max_retries_count);
  });
}

void read_optional_text(Fields& fields, std::string_view key, std::optional<std::string>& out) {
  if (fields.has(key)) {
    fields.text(key, out.emplace());
  } else {
    fields.take(key);
  }
}

void read_storage(Fields& fields, Configuration& out) {
  fields.section("ledger", [&](Fields& ledger) {
    ledger.text("directory", out.ledger.directory);
    // Null is written by deployment templates for "none".
    const json::value* read_only = ledger.take("read_only_directories");
    if (read_only != nullptr && !read_only->is_null()) {
      ledger.texts("read_only_directories", out.ledger.read_only_directories);
    }
    ledger.size("chunk_size", out.ledger.chunk_size);
    ledger.choice("durability", out.ledger.durability, all(durabilities));
  });
  fields.section("snapshots", [&](Fields& snapshots) {
    snapshots.text("directory", out.snapshots.directory);
    snapshots.integer("tx_count", out.snapshots.tx_count, 1);
    snapshots.nullable_text("read_only_directory", out.snapshots.read_only_directory);
  });
  fields.section("output_files", [&](Fields& files) {
    files.text("node_certificate_file", out.output_files.node_certificate_file);
    files.text("pid_file", out.output_files.pid_file);
    read_optional_text(files, "node_to_node_address_file",
                       out.output_files.node_to_node_address_file);
    read_optional_text(files, "rpc_addresses_file", out.output_files.rpc_addresses_file);
    read_optional_text(files, "sealed_ledger_secret_location",
                       out.output_files.sealed_ledger_secret_location);
  });
}

void read_protocol(Fields& fields, Configuration& out) {
  fields.section("consensus", [&](Fields& consensus) {
    consensus.duration("message_timeout", out.consensus.message_timeout, microseconds(1));
    consensus.duration("election_timeout", out.consensus.election_timeout, microseconds(1));
    consensus.integer("max_uncommitted_tx_count", out.consensus.max_uncommitted_tx_count);
    consensus.size("max_uncommitted_bytes", out.consensus.max_uncommitted_bytes);
  });
  fields.section("ledger_signatures", [&](Fields& signatures) {
    signatures.integer("tx_count", out.ledger_signatures.tx_count, 1);
    signatures.duration("delay", out.ledger_signatures.delay);
  });
  fields.section("jwt", [&](Fields& jwt) {
    jwt.duration("key_refresh_interval", out.jwt_key_refresh_interval);
  });
  fields.section("memory", [&](Fields& memory) {
    memory.size("circuit_size", out.memory.circuit_size);
    memory.size("max_msg_size", out.memory.max_msg_size);
    memory.size("max_fragment_size", out.memory.max_fragment_size);
  });
}

void read_node(Fields& fields, Configuration& out) {
  fields.section("node_certificate", [&](Fields& certificate) {
    NodeCertificate& node = out.node_certificate;
    certificate.text("subject_name", node.subject_name);
    certificate.texts("subject_alt_names", node.subject_alt_names);
    certificate.choice("curve_id", node.curve_id, all(curves));
    certificate.integer("initial_validity_days", node.initial_validity_days, 1);
    for (const std::string& name : node.subject_alt_names) {
      if (!name.starts_with("iPAddress:") && !name.starts_with("dNSName:")) {
        certificate.refuse("subject_alt_names", json::value(name),
                           "starts with neither \"iPAddress:\" nor \"dNSName:\"");
      }
    }
  });
  fields.section("attestation", [&](Fields& inner) { read_attestation(inner, out.attestation); });
  fields.section("logging", [&](Fields& logging) {
    logging.choice("host_level", out.host_level, all(log_levels));
    logging.choice("format", out.log_format, all(log_formats));
  });
  fields.nullable_text("node_data_json_file", out.node_data_json_file);
  fields.nullable_text("service_data_json_file", out.service_data_json_file);
  fields.duration("tick_interval", out.tick_interval, microseconds(1));
  fields.duration("slow_io_logging_threshold", out.slow_io_logging_threshold);
  fields.nullable_text("node_client_interface", out.node_client_interface);
  fields.duration("client_connection_timeout", out.client_connection_timeout);
  fields.nullable_duration("idle_connection_timeout", out.idle_connection_timeout);
  constexpr uint32_t most_worker_threads = 254;
  fields.integer("worker_threads", out.worker_threads, 0, most_worker_threads);
  fields.boolean("ignore_first_sigterm", out.ignore_first_sigterm);
  fields.integer("node_to_node_message_limit", out.node_to_node_message_limit);
  fields.size("historical_cache_soft_limit", out.historical_cache_soft_limit);
}

std::string joined(const std::vector<std::string>& lines) {
  constexpr size_t most_shown = 50;
  std::string out;
  for (size_t i = 0; i < std::min(lines.size(), most_shown); ++i) {
    if (i != 0) out += '\n';
    out += lines[i];
  }
  if (lines.size() > most_shown) {
    out += "\nand " + std::to_string(lines.size() - most_shown) + " more";
  }
  return out;
}

bool is_ip_address(const std::string& host) {
  if (host.find(':') != std::string::npos) return true;
  const size_t dot = host.rfind('.');
  const std::string last = dot == std::string::npos ? host : host.substr(dot + 1);
  return !last.empty() && last.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

std::string_view to_text(Authority authority) {
  return name_of(authority, authorities);
}
std::string_view to_text(RecoveryRole role) {
  return name_of(role, recovery_roles);
}
std::string_view to_text(Curve curve) {
  return name_of(curve, curves);
}
std::string_view to_text(Command::Type type) {
  return name_of(type, command_types);
}
std::string_view to_text(Durability durability) {
  return name_of(durability, durabilities);
}

std::string Address::text() const {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<Address> Address::parse(std::string_view text) {
  const auto refuse = [&](const char* why) {
    return Error{"\"" + std::string(text.substr(0, 100)) + "\" is not an address: " + why +
                 "; expected host:port, such as \"127.0.0.1:8000\""};
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse("the port is missing");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse("an IPv6 host stands in brackets");
  }
  if (host.empty()) return refuse("the host is missing");
  if (host.find_first_of(" \t\r\n/") != std::string_view::npos) {
    return refuse("the host has a character that no host name has");
  }
  Address address{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size()) {
    return refuse("the port is not a number from 0 to 65535");
  }
  return address;
}

RecoveryRole effective_role(const Member& member) {
  if (!member.encryption_public_key_file) return RecoveryRole::non_participant;
  return member.recovery_role.value_or(RecoveryRole::participant);
}

Result<Configuration> parse_configuration(const json::value& document) {
  Problems problems;
  Configuration out;
  out.raw = document;
  Fields fields(document, "", problems);
  fields.require({"network", "command"});
  fields.section("network", [&](Fields& network) { read_network(network, out.network); });
  fields.section(
      "command", [&](Fields& command) { read_command(command, out.command); }, Unknown::note);
  read_node(fields, out);
  read_storage(fields, out);
  read_protocol(fields, out);
  fields.finish(Unknown::refuse);
  if (!problems.errors.empty()) return Error{joined(problems.errors)};
  out.notes = std::move(problems.notes);
  return out;
}

Result<Configuration> parse_configuration_text(std::string_view text) {
  auto document = json::parse(text);
  if (!document) return document.error();
  return parse_configuration(*document);
}

Result<Configuration> read_configuration(const std::string& path) {
  constexpr uint64_t longest_file = 16 << 20;
  auto content = read_file(system_disk(), path, longest_file);
  if (!content) return content.error();
  auto configuration = parse_configuration_text(as_text(*content));
  if (!configuration) return Error{path + ":\n" + configuration.error().message};
  return configuration;
}

std::vector<std::string> not_offered(const Configuration& configuration) {
  std::vector<std::string> out;
  for (const RpcInterface& interface : configuration.network.rpc_interfaces) {
    const std::string path = "network.rpc_interfaces." + interface.name;
    if (interface.protocol != "tcp") {
      out.push_back(path + ".protocol: \"" + interface.protocol +
                    "\" is not offered, only \"tcp\"");
    }
    const auto& offered = offered_app_protocols;
    if (std::find(std::begin(offered), std::end(offered), interface.app_protocol) ==
        std::end(offered)) {
      out.push_back(path + ".app_protocol: \"" + interface.app_protocol +
                    "\" is not offered, only \"HTTP1\", \"HTTP2\" and \"HTTP1+HTTP2\"");
    }
    if (interface.authority == Authority::acme) {
      out.push_back(path + ".endorsement.authority: \"ACME\" is not offered, only \"Node\", " +
                    "\"Service\" and \"Unsecured\"");
    }
  }
  return out;
}

std::vector<std::string> without_effect(const Configuration& configuration) {
  struct Key {
    std::string_view path;
    bool (*differs)(const Configuration& now, const Configuration& otherwise);
  };
#define ENTENTE_KEY(path, member)                                                             \
  Key {                                                                                       \
    path, [](const Configuration& a, const Configuration& b) { return a.member != b.member; } \
  }
  constexpr Key keys[] = {
      ENTENTE_KEY("attestation.snp_security_policy_file", attestation.snp_security_policy_file),
      ENTENTE_KEY("attestation.snp_uvm_endorsements_file", attestation.snp_uvm_endorsements_file),
      ENTENTE_KEY("attestation.snp_endorsements_file", attestation.snp_endorsements_file),
      ENTENTE_KEY("attestation.snp_endorsements_servers",
                  attestation.snp_endorsements_servers.size()),
      ENTENTE_KEY("snapshots.tx_count", snapshots.tx_count),
      ENTENTE_KEY("snapshots.read_only_directory", snapshots.read_only_directory),
      ENTENTE_KEY("logging.host_level", host_level),
      ENTENTE_KEY("memory.circuit_size", memory.circuit_size),
      ENTENTE_KEY("memory.max_msg_size", memory.max_msg_size),
      ENTENTE_KEY("memory.max_fragment_size", memory.max_fragment_size),
      ENTENTE_KEY("jwt.key_refresh_interval", jwt_key_refresh_interval),
      ENTENTE_KEY("output_files.sealed_ledger_secret_location",
                  output_files.sealed_ledger_secret_location),
      ENTENTE_KEY("tick_interval", tick_interval),
  };
#undef ENTENTE_KEY
  const Configuration defaults;
  std::vector<std::string> out;
  for (const Key& key : keys) {
    if (key.differs(configuration, defaults)) out.emplace_back(key.path);
  }
  return out;
}

Result<uint64_t> recovery_threshold(const Start& start) {
  const auto count = [&](RecoveryRole role) {
    return static_cast<uint64_t>(
        std::count_if(start.members.begin(), start.members.end(),
                      [&](const Member& member) { return effective_role(member) == role; }));
  };
  const uint64_t participants = count(RecoveryRole::participant);
  const uint64_t owners = count(RecoveryRole::owner);
  const uint64_t wanted = start.service_configuration.recovery_threshold;
  if (wanted == 0) return participants == 0 && owners > 0 ? 1 : participants;
  const std::string place =
      "command.start.service_configuration.recovery_threshold: " + std::to_string(wanted) +
      " cannot be met: ";
  if (participants == 0 && owners > 0) {
    if (wanted == 1) return wanted;
    return Error{place + "with owners and no participants among the members it is 0 or 1"};
  }
  if (wanted > participants) {
    return Error{place + "the number of members with an encryption key that take part is " +
                 std::to_string(participants)};
  }
  return wanted;
}

std::vector<std::string> subject_alt_names(const Configuration& configuration) {
  if (!configuration.node_certificate.subject_alt_names.empty()) {
    return configuration.node_certificate.subject_alt_names;
  }
  std::vector<std::string> out;
  for (const RpcInterface& interface : configuration.network.rpc_interfaces) {
    const std::string& host = interface.published_address.host;
    out.push_back((is_ip_address(host) ? "iPAddress:" : "dNSName:") + host);
  }
  return out;
}

std::string expand_environment(std::string_view path) {
  std::string out;
  size_t begin = 0;
  while (true) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string component(path.substr(begin, end - begin));
    const char* value =
        component.size() > 1 && component[0] == '$' ? std::getenv(component.c_str() + 1) : nullptr;
    out += value != nullptr ? std::string(value) : component;
    if (end == path.size()) return out;
    out += '/';
    begin = end + 1;
  }
}

}  // namespace entente::node
