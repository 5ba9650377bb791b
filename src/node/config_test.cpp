#include "node/config.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace entente::node {
namespace {

using namespace std::chrono_literals;

constexpr const char* smallest_start = R"({
  "network": {"node_to_node_interface": {"bind_address": "127.0.0.1:0"},
    "rpc_interfaces": {"primary_rpc_interface": {"bind_address": "127.0.0.1:0"}}},
  "command": {"type": "Start", "start": {"constitution_files": ["c.js"],
    "members": [{"certificate_file": "m0.pem", "encryption_public_key_file": "m0_enc.pem"}]}},
  "output_files": {"rpc_addresses_file": "rpc.json", "node_to_node_address_file": "n2n.json"}})";

/// The smallest Start with `value` put at a dotted path; numbers in the path index lists.
json::value with(std::string_view path, json::value value, std::string_view base = smallest_start) {
  json::value document = json::parse(base).value();
  json::value* place = &document;
  std::istringstream parts{std::string(path)};
  for (std::string part; std::getline(parts, part, '.');) {
    if (!part.empty() && part.find_first_not_of("0123456789") == std::string::npos) {
      if (!place->is_array()) place->emplace_array();
      const size_t index = std::stoul(part);
      if (place->get_array().size() <= index) place->get_array().resize(index + 1);
      place = &place->get_array()[index];
    } else {
      if (!place->is_object()) place->emplace_object();
      place = &place->get_object()[part];
    }
  }
  *place = std::move(value);
  return document;
}

Configuration accepted(const json::value& document) {
  auto configuration = parse_configuration(document);
  if (!configuration) {
    ADD_FAILURE() << configuration.error().message;
    return {};
  }
  return *configuration;
}

std::string refused(const json::value& document) {
  auto configuration = parse_configuration(document);
  EXPECT_FALSE(configuration.ok()) << json::dump(document);
  return configuration.ok() ? "" : configuration.error().message;
}

TEST(Configuration, TheBoundOnUncommittedBytes) {
  EXPECT_EQ(accepted(json::parse(smallest_start).value()).consensus.max_uncommitted_bytes,
            64u << 20);
  EXPECT_EQ(
      accepted(with("consensus.max_uncommitted_bytes", "1MB")).consensus.max_uncommitted_bytes,
      1u << 20);
  EXPECT_EQ(accepted(with("consensus.max_uncommitted_bytes", "0")).consensus.max_uncommitted_bytes,
            0u);
  EXPECT_NE(refused(with("consensus.max_uncommitted_bytes", "much")).find("max_uncommitted_bytes"),
            std::string::npos);
}

TEST(Configuration, KeysWithoutEffectAreNamedWhereTheyDiffer) {
  const auto named = [](const json::value& document) { return without_effect(accepted(document)); };
  EXPECT_TRUE(named(json::parse(smallest_start).value()).empty());
  EXPECT_TRUE(named(with("tick_interval", "10ms")).empty()) << "the default, written out";
  EXPECT_TRUE(named(with("worker_threads", 3)).empty());
  EXPECT_TRUE(named(with("consensus.election_timeout", "1s")).empty());
  const std::vector<std::pair<std::string, json::value>> keys{
      {"attestation.snp_security_policy_file", "f"},
      {"attestation.snp_uvm_endorsements_file", "f"},
      {"attestation.snp_endorsements_file", "f"},
      {"attestation.snp_endorsements_servers", json::array{json::object{{"url", "u"}}}},
      {"snapshots.tx_count", 7},
      {"snapshots.read_only_directory", "d"},
      {"logging.host_level", "Debug"},
      {"memory.circuit_size", "1MB"},
      {"memory.max_msg_size", "1MB"},
      {"memory.max_fragment_size", "1MB"},
      {"jwt.key_refresh_interval", "1s"},
      {"output_files.sealed_ledger_secret_location", "d"},
      {"tick_interval", "1ms"}};
  for (const auto& [path, value] : keys) {
    EXPECT_EQ(named(with(path, value)), std::vector<std::string>{path});
  }
}

TEST(Configuration, DefaultsOfTheSmallestStart) {
  const Configuration c = accepted(json::parse(smallest_start).value());
  ASSERT_EQ(c.network.rpc_interfaces.size(), 1u);
  const RpcInterface& rpc = c.network.rpc_interfaces[0];
  EXPECT_EQ(rpc.name, "primary_rpc_interface");
  EXPECT_EQ(rpc.bind_address, (Address{"127.0.0.1", 0}));
  EXPECT_EQ(rpc.published_address, rpc.bind_address);
  EXPECT_EQ(rpc.app_protocol, "HTTP1");
  EXPECT_EQ(rpc.max_open_sessions_soft, 1000u);
  EXPECT_EQ(rpc.max_open_sessions_hard, 1010u);
  EXPECT_EQ(rpc.http.max_body_size, 1048576u);
  EXPECT_EQ(rpc.http.max_header_size, 16384u);
  EXPECT_EQ(rpc.http.max_headers_count, 256u);
  EXPECT_EQ(rpc.authority, Authority::service);
  EXPECT_FALSE(rpc.accepted_endpoints);
  EXPECT_EQ(rpc.forwarding_timeout, 3000ms);
  EXPECT_FALSE(rpc.redirections);
  EXPECT_FALSE(rpc.snapshot_read);
  EXPECT_EQ(c.command.type, Command::Type::start);
  EXPECT_EQ(c.command.service_certificate_file, "service_cert.pem");
  EXPECT_EQ(c.command.start.service_subject_name, "CN=CCF Service");
  EXPECT_EQ(c.command.start.service_configuration.recovery_threshold, 0u);
  EXPECT_EQ(c.node_certificate.subject_name, "CN=CCF Node");
  EXPECT_EQ(c.node_certificate.curve_id, Curve::p256);
  EXPECT_EQ(c.ledger.directory, "ledger");
  EXPECT_EQ(c.ledger.chunk_size, 5u << 20);
  EXPECT_EQ(c.ledger.durability, Durability::none);
  EXPECT_EQ(c.snapshots.tx_count, 10000u);
  EXPECT_EQ(c.consensus.message_timeout, 100ms);
  EXPECT_EQ(c.consensus.election_timeout, 5s);
  EXPECT_EQ(c.ledger_signatures.tx_count, 5000u);
  EXPECT_EQ(c.ledger_signatures.delay, 1s);
  EXPECT_EQ(c.jwt_key_refresh_interval, 30min);
  EXPECT_EQ(c.output_files.pid_file, "node.pid");
  EXPECT_EQ(c.output_files.rpc_addresses_file, "rpc.json");
  EXPECT_FALSE(c.output_files.sealed_ledger_secret_location);
  EXPECT_EQ(c.tick_interval, 10ms);
  EXPECT_EQ(c.idle_connection_timeout, 60s);
  EXPECT_EQ(c.historical_cache_soft_limit, 512ull << 20);
  EXPECT_EQ(c.node_to_node_message_limit, 23726566u);
  EXPECT_FALSE(c.ignore_first_sigterm);
  EXPECT_TRUE(c.notes.empty());
  EXPECT_TRUE(not_offered(c).empty());
}

TEST(Configuration, ReadsJoinAndRecover) {
  const Configuration join = accepted(with("command", json::parse(R"({"type": "Join", "join": {
        "target_rpc_address": "127.0.0.1:8000", "retry_timeout": "20ms", "follow_redirect": false,
        "fetch_snapshot_max_size": "1GB"}})")
                                                          .value()));
  EXPECT_EQ(join.command.type, Command::Type::join);
  EXPECT_EQ(join.command.join.target_rpc_address.text(), "127.0.0.1:8000");
  EXPECT_EQ(join.command.join.retry_timeout, 20ms);
  EXPECT_FALSE(join.command.join.follow_redirect);
  EXPECT_TRUE(join.command.join.fetch_recent_snapshot);
  EXPECT_EQ(join.command.join.fetch_snapshot_max_size, 1u << 30);

  const Configuration recover =
      accepted(with("command", json::parse(R"({"type": "Recover", "recover": {
        "previous_service_identity_file": "old.pem", "self_healing_open": {
          "identity": {"intrinsic_id": "a", "published_address": "h:1"},
          "cluster_identities": [{"intrinsic_id": "b", "published_address": "h:2"}],
          "failover_timeout": "1s"}}})")
                                   .value()));
  EXPECT_EQ(recover.command.recover.previous_service_identity_file, "old.pem");
  ASSERT_TRUE(recover.command.recover.self_healing_open);
  EXPECT_EQ(recover.command.recover.self_healing_open->retry_timeout, 100ms);
  EXPECT_EQ(recover.command.recover.self_healing_open->failover_timeout, 1s);
  EXPECT_EQ(recover.command.recover.self_healing_open->cluster_identities.size(), 1u);
}

TEST(Configuration, OnlyThePartThatTypeNamesIsLookedAt) {
  accepted(with("command.join", "not even an object"));
  accepted(with("command.recover.previous", 1));
  EXPECT_NE(refused(with("command.type", "Join")).find("command.join: this key is required"),
            std::string::npos);
}

TEST(Configuration, NullCountsWhereTheSchemaAllowsIt) {
  for (const char* path :
       {"command.start.members.0.encryption_public_key_file",
        "command.start.members.0.data_json_file", "node_data_json_file", "service_data_json_file",
        "attestation.snp_security_policy_file", "attestation.snp_uvm_endorsements_file",
        "attestation.snp_endorsements_file", "snapshots.read_only_directory",
        "ledger.read_only_directories", "node_client_interface", "idle_connection_timeout"}) {
    accepted(with(path, nullptr));
  }
  EXPECT_FALSE(accepted(with("idle_connection_timeout", nullptr)).idle_connection_timeout);
  for (const char* path : {"ledger.directory", "tick_interval", "worker_threads", "network",
                           "ignore_first_sigterm", "command.start.members"}) {
    EXPECT_NE(refused(with(path, nullptr)).find("null"), std::string::npos) << path;
  }
}

TEST(Configuration, EveryRefusalNamesPathValueAndWhatIsAllowed) {
  struct Case {
    const char* path;
    json::value value;
    std::vector<const char*> in_message;
  };
  const std::string rpc = "network.rpc_interfaces.primary_rpc_interface.";
  const Case cases[] = {
      {"ledgr", 1, {"ledgr: this key is not known", "did you mean \"ledger\"?"}},
      {"ledger.chunksize", "5MB", {"ledger.chunksize:", "did you mean \"chunk_size\"?"}},
      {"ledger.zzzzzzzz",
       1,
       {"ledger.zzzzzzzz:", "known here are \"directory\"", "\"durability\""}},
      {"ledger.chunk_size", 5, {"ledger.chunk_size: 5 is not a text", "\"16KB\""}},
      {"ledger.chunk_size", "5XB", {"ledger.chunk_size: '5XB' is not a size", "kb, mb"}},
      {"ledger.chunk_size", "", {"ledger.chunk_size: '' is not a size"}},
      {"ledger.chunk_size", "5 MB", {"ledger.chunk_size: '5 MB'"}},
      {"ledger.chunk_size", "5MB ", {"ledger.chunk_size: '5MB '"}},
      {"ledger.durability",
       "fsync",
       {"ledger.durability: \"fsync\"", "\"none\" or \"batch_fsync\""}},
      {"tick_interval", "10", {}},
      {"tick_interval", "10days", {"tick_interval: '10days' is not a time", "us, ms, s, min, h"}},
      {"tick_interval", "0s", {"tick_interval: \"0s\" is too short"}},
      {"worker_threads", -1, {"worker_threads: -1 is out of bounds; allowed are 0 to 254"}},
      {"worker_threads", 1.5, {"worker_threads:", "is not a whole number"}},
      {"ignore_first_sigterm", "yes", {"ignore_first_sigterm: \"yes\" is neither true nor false"}},
      {"logging.format",
       "json",
       {"logging.format: \"json\" is not one of", "did you mean \"Json\"?"}},
      {"logging.format", 3, {"logging.format: 3 is not a text", "\"Text\" or \"Json\""}},
      {"snapshots.tx_count", 0, {"snapshots.tx_count: 0 is out of bounds; allowed are 1 to"}},
      {"command.type", "Begin", {"command.type: \"Begin\"", "\"Start\", \"Join\" or \"Recover\""}},
      {"command.start.members.0.recovery_role",
       "Boss",
       {"command.start.members[0].recovery_role: \"Boss\"", "\"Owner\""}},
      {"command.start.members.0.cert",
       "x",
       {"command.start.members[0].cert: this key is not known"}},
      {"command.start.members.1.data_json_file",
       "x",
       {"command.start.members[1].certificate_file: this key is required"}},
      {"command.start.constitution_files.0", 7, {"command.start.constitution_files[0]: 7"}},
      {"network.node_to_node_interface.bind_address",
       "localhost",
       {"network.node_to_node_interface.bind_address: \"localhost\"", "host:port"}},
      {"network.rpc_interfaces", json::object{}, {"network.rpc_interfaces", "at least one"}},
      {"node_certificate.curve_id",
       "P-256",
       {"node_certificate.curve_id: \"P-256\"", "\"Secp384R1\" or \"Secp256R1\""}},
      {"node_certificate.subject_alt_names.0", "example.com", {"\"iPAddress:\" nor \"dNSName:\""}},
  };
  for (const Case& one : cases) {
    if (one.in_message.empty()) {
      accepted(with(one.path, one.value));
      continue;
    }
    const std::string message = refused(with(one.path, one.value));
    for (const char* part : one.in_message) {
      EXPECT_NE(message.find(part), std::string::npos) << one.path << ": " << message;
    }
  }
  const Case interface_cases[] = {
      {"max_open_sessions_hard", 10, {"max_open_sessions_hard: 10 is below", "1000"}},
      {"max_open_sessions_soft",
       "many",
       {"max_open_sessions_soft: \"many\" is not a whole number"}},
      {"http_configuration.max_body", "1MB", {"did you mean \"max_body_size\"?"}},
      {"http_configuration.max_frame_size", "1KB", {"allowed are 16384 to 16777216 bytes"}},
      {"http_configuration.max_concurrent_streams_count", 0, {"allowed are 1 to"}},
      {"endorsement.authority", "service", {"did you mean \"Service\"?"}},
      {"endorsement", json::object{}, {"endorsement.authority: this key is required"}},
      {"accepted_endpoints.0", "(", {"accepted_endpoints: \"(\" is not a regular expression"}},
      {"protocol", "sctp", {"\"tcp\" or \"udp\""}},
      {"enabled_operator_features.0", "Everything", {"\"SnapshotRead\""}},
      {"redirections.to_primary.kind",
       "StaticAddress",
       {"to_primary.target: this key is required"}},
      {"redirections.to_backup", json::object{}, {"to_backup.kind: this key is required"}},
      {"redirections.to_backup.target.role", "leader", {"\"primary\" or \"backup\""}},
      {"published_address", "host:99999", {"\"host:99999\" is not an address"}},
  };
  for (const Case& one : interface_cases) {
    const std::string message = refused(with(rpc + one.path, one.value));
    EXPECT_NE(message.find(rpc), std::string::npos) << message;
    for (const char* part : one.in_message) {
      EXPECT_NE(message.find(part), std::string::npos) << one.path << ": " << message;
    }
  }
}

TEST(Configuration, ReportsEveryProblemOfAFileAtOnce) {
  const std::string message =
      refused(with("ledger.chunk_size", 1, json::dump(with("tick_interval", "never"))));
  EXPECT_NE(message.find("ledger.chunk_size"), std::string::npos);
  EXPECT_NE(message.find("tick_interval"), std::string::npos);
  EXPECT_NE(refused(json::value(3)).find("is not an object"), std::string::npos);
  EXPECT_NE(refused(json::object{}).find("network: this key is required"), std::string::npos);
  EXPECT_NE(parse_configuration_text("{\"network\":").error().message.find("invalid JSON"),
            std::string::npos);
}

TEST(Configuration, UnknownKeysAreNotedInCommandAndInterfaces) {
  const Configuration c =
      accepted(with("network.rpc_interfaces.primary_rpc_interface.max_open_session_soft", 5,
                    json::dump(with("command.service_certificate", "x.pem"))));
  ASSERT_EQ(c.notes.size(), 2u);
  EXPECT_NE(c.notes[0].find("did you mean \"max_open_sessions_soft\"?"), std::string::npos);
  EXPECT_NE(c.notes[1].find("command.service_certificate"), std::string::npos);
}

TEST(Configuration, InterfacesKeepTheirOwnJson) {
  const char* text = R"({"bind_address":"127.0.0.1:0","zeta":[1,{"b":null,"a":2.5}],
    "published_address":"example.com:443","endorsement":{"authority":"Node"},
    "accepted_endpoints":["/node/.*"],"enabled_operator_features":["SnapshotRead"],
    "redirections":{"to_primary":{"kind":"NodeByRole","target":{"role":"primary","interface":"i"}},
      "to_backup":{"kind":"StaticAddress","target":{"address":"lb.example.com"}}}})";
  const json::value raw = json::parse(text).value();
  const Configuration c = accepted(with("network.rpc_interfaces.second", raw));
  ASSERT_EQ(c.network.rpc_interfaces.size(), 2u);
  const RpcInterface& rpc = c.network.rpc_interfaces[1];
  EXPECT_EQ(rpc.raw, raw);
  EXPECT_EQ(rpc.published_address.text(), "example.com:443");
  EXPECT_EQ(rpc.authority, Authority::node);
  EXPECT_TRUE(rpc.snapshot_read);
  EXPECT_EQ(rpc.accepted_endpoints, std::vector<std::string>{"/node/.*"});
  ASSERT_TRUE(rpc.redirections && rpc.redirections->to_primary && rpc.redirections->to_backup);
  EXPECT_EQ(rpc.redirections->to_primary->kind, Redirection::Kind::node_by_role);
  EXPECT_EQ(rpc.redirections->to_primary->interface, "i");
  EXPECT_EQ(rpc.redirections->to_backup->address, "lb.example.com");
  EXPECT_EQ(subject_alt_names(c),
            (std::vector<std::string>{"iPAddress:127.0.0.1", "dNSName:example.com"}));
}

TEST(Configuration, HardCapFollowsARaisedSoftCap) {
  const auto caps = [](const char* key, int value) {
    const Configuration c =
        accepted(with(std::string("network.rpc_interfaces.primary_rpc_interface.") + key, value));
    return std::pair(c.network.rpc_interfaces[0].max_open_sessions_soft,
                     c.network.rpc_interfaces[0].max_open_sessions_hard);
  };
  EXPECT_EQ(caps("max_open_sessions_soft", 5), std::pair(5u, 1010u));
  EXPECT_EQ(caps("max_open_sessions_soft", 20000), std::pair(20000u, 20010u));
  EXPECT_EQ(caps("max_open_sessions_hard", 1000), std::pair(1000u, 1000u));
}

TEST(Configuration, WhatIsNotOfferedIsNotAParseError) {
  const Configuration c =
      accepted(with("network.rpc_interfaces.primary_rpc_interface.app_protocol", "QUIC"));
  ASSERT_EQ(not_offered(c).size(), 1u);
  EXPECT_NE(not_offered(c)[0].find("primary_rpc_interface.app_protocol: \"QUIC\""),
            std::string::npos);
  for (const std::string_view name : offered_app_protocols) {
    const Configuration offered = accepted(
        with("network.rpc_interfaces.primary_rpc_interface.app_protocol", json::value(name)));
    EXPECT_TRUE(not_offered(offered).empty()) << name;
  }
}

TEST(RecoveryThreshold, FollowsTheMembersThatTakePart) {
  const Member none{"c", {}, {}, RecoveryRole::owner};  // a role without a key is ignored
  const Member participant{"c", "k", {}, {}};
  const Member owner{"c", "k", {}, RecoveryRole::owner};
  struct Case {
    std::vector<Member> members;
    uint64_t wanted;
    std::optional<uint64_t> expected;
  };
  const Case cases[] = {{{none}, 0, 0},
                        {{none}, 1, {}},
                        {{participant, participant, none}, 0, 2},
                        {{participant, participant, none}, 2, 2},
                        {{participant, participant, none}, 3, {}},
                        {{owner, owner}, 0, 1},
                        {{owner, owner}, 1, 1},
                        {{owner, owner}, 2, {}},
                        {{owner, participant}, 0, 1},
                        {{owner, participant}, 2, {}}};
  for (const Case& one : cases) {
    Start start;
    start.members = one.members;
    start.service_configuration.recovery_threshold = one.wanted;
    const auto threshold = recovery_threshold(start);
    EXPECT_EQ(threshold.ok(), one.expected.has_value());
    if (threshold.ok() && one.expected) {
      EXPECT_EQ(*threshold, *one.expected);
    }
  }
}

TEST(AddressText, RoundTripsAndRefuses) {
  for (const char* text : {"127.0.0.1:8000", "[::1]:0", "example.com:65535", "invalid:0"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->text(), text);
  }
  for (const char* text :
       {"", ":", ":80", "h", "h:", "h:x", "h:-1", "h:65536", "::1:80", "h:1 ", "a b:1", "[]:1"}) {
    EXPECT_FALSE(Address::parse(text).ok()) << text;
  }
}

TEST(ExpandEnvironment, ReplacesWholeComponentsThatAreSet) {
  setenv("ENTENTE_TEST_FOLDER", "/some/where", 1);
  unsetenv("ENTENTE_TEST_UNSET");
  EXPECT_EQ(expand_environment("$ENTENTE_TEST_FOLDER/policy"), "/some/where/policy");
  EXPECT_EQ(expand_environment("/a/$ENTENTE_TEST_UNSET/b"), "/a/$ENTENTE_TEST_UNSET/b");
  EXPECT_EQ(expand_environment("x$ENTENTE_TEST_FOLDER"), "x$ENTENTE_TEST_FOLDER");
  EXPECT_EQ(expand_environment("$"), "$");
  EXPECT_EQ(expand_environment(""), "");
}

TEST(Configuration, AnyJsonIsAcceptedOrRefusedWithAMessage) {
  const json::value base = json::parse(smallest_start).value();
  EXPECT_TRUE(rc::check([&](const std::vector<std::string>& keys, const std::string& text) {
    std::string path;
    for (const std::string& key : keys) path += (path.empty() ? "" : ".") + key;
    const auto result = parse_configuration(with("network." + path, json::value(text)));
    RC_ASSERT(result.ok() || !result.error().message.empty());
  }));
}

// ---- The published schema: our parser knows every key of it, with its type and its strictness.

std::optional<json::value> published_schema() {
  const char* folder = std::getenv("ENTENTE_SHARED_DATA");
  const std::string data =
      folder != nullptr ? folder : std::string(ENTENTE_SOURCE_DIR) + "/../shared/data";
  std::ifstream file(data + "/config/node-config.schema.json");
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  auto document = json::parse(text.str());
  return document.ok() ? std::optional<json::value>(*document) : std::nullopt;
}

struct SchemaWalk {
  const json::object& root;
  std::function<json::value(const std::string& path, json::value value)> document_with;
  size_t keys = 0;

  static bool allows(const json::object& schema, std::string_view type) {
    const json::value* found = schema.if_contains("type");
    if (found == nullptr) return false;
    if (found->is_string()) return found->get_string() == type;
    for (const json::value& one : found->get_array()) {
      if (one.get_string() == type) return true;
    }
    return false;
  }

  void refuses(const std::string& path, json::value wrong) {
    const auto result = parse_configuration(document_with(path, wrong));
    ASSERT_FALSE(result.ok()) << path << " took " << json::dump(wrong);
    std::string shown;  // lists are written with brackets in messages
    std::istringstream parts(path);
    for (std::string part; std::getline(parts, part, '.');) {
      shown += part == "0" ? "[0]" : (shown.empty() ? "" : ".") + part;
    }
    EXPECT_NE(result.error().message.find(shown), std::string::npos)
        << path << ": " << result.error().message;
    EXPECT_EQ(result.error().message.find("not known"), std::string::npos)
        << result.error().message;
  }

  void key(const std::string& path, const json::object& schema) {
    ++keys;
    if (const json::value* reference = schema.if_contains("$ref")) {
      ASSERT_EQ(reference->get_string(), "#/$defs/RedirectionResolver");
      return object(path, root.at("$defs").at("RedirectionResolver").get_object());
    }
    if (allows(schema, "object")) return object(path, schema);
    if (allows(schema, "array")) {
      refuses(path, 17);
      if (!allows(schema.at("items").get_object(), "object")) refuses(path + ".0", 17);
    } else {
      refuses(path, json::array{});
    }
    if (!allows(schema, "null") && path != "ledger.read_only_directories" &&
        schema.contains("type")) {
      refuses(path, nullptr);
    }
    if (allows(schema, "string") || allows(schema, "boolean")) refuses(path, 17);
    if (allows(schema, "integer")) refuses(path, "17");
    if (schema.contains("enum")) refuses(path, "no such choice");
    if (const json::value* items = schema.if_contains("items");
        items != nullptr && allows(items->get_object(), "object")) {
      object(path + ".0", items->get_object());
    }
  }

  void object(const std::string& path, const json::object& schema) {
    if (const json::value* properties = schema.if_contains("properties")) {
      for (const auto& property : properties->get_object()) {
        if (property.value().get_object().empty()) continue;  // typed in a condition
        key((path.empty() ? "" : path + ".") + std::string(property.key()),
            property.value().get_object());
      }
    }
    const json::value* more = schema.if_contains("additionalProperties");
    if (more != nullptr && more->is_object()) object(path + ".some", more->get_object());
    if (more != nullptr && more->is_bool() && !more->get_bool()) {
      const auto result =
          parse_configuration(document_with((path.empty() ? "" : path + ".") + "no_such_key", 1));
      ASSERT_FALSE(result.ok()) << path;
      EXPECT_NE(result.error().message.find("no_such_key: this key is not known"),
                std::string::npos)
          << result.error().message;
    }
    if (const json::value* conditions = schema.if_contains("allOf")) {
      for (const json::value& condition : conditions->get_array()) {
        object_if(path, condition.get_object());
      }
    }
  }

  void object_if(const std::string& path, const json::object& condition) {
    const auto& property = *condition.at("if").at("properties").get_object().begin();
    SchemaWalk inner{root, nullptr, 0};
    inner.document_with = [&](const std::string& at, json::value value) {
      const json::value chosen =
          document_with(path + "." + std::string(property.key()), property.value().at("const"));
      return with(at, std::move(value), json::dump(chosen));
    };
    inner.object(path, condition.at("then").get_object());
    keys += inner.keys;
  }
};

TEST(PublishedSchema, EveryKeyIsKnownWithItsTypeAndStrictness) {
  const auto schema = published_schema();
  if (!schema) GTEST_SKIP() << "the published schema is not here";
  SchemaWalk walk{
      schema->get_object(),
      [](const std::string& path, json::value value) { return with(path, std::move(value)); }, 0};
  walk.object("", schema->get_object());
  EXPECT_GT(walk.keys, 120u);
}

}  // namespace
}  // namespace entente::node
