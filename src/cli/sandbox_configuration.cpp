#include "cli/sandbox_configuration.h"

namespace entente::cli {
namespace {

json::array texts(const std::vector<std::string>& list) {
  json::array out;
  for (const std::string& one : list) out.push_back(json::value(one));
  return out;
}

json::object configuration(const SandboxNodeSettings& settings, json::object command) {
  const json::object interface {
    {"bind_address", "127.0.0.1:" + std::to_string(settings.port)}, {
      "app_protocol", "HTTP1+HTTP2"
    }
  };
  command["service_certificate_file"] = sandbox_service_certificate;
  json::object out{
      {"network",
       json::object{{"node_to_node_interface", json::object{{"bind_address", "127.0.0.1:0"}}},
                    {"rpc_interfaces", json::object{{"main", interface}}}}},
      {"command", std::move(command)},
      {"node_certificate", json::object{{"initial_validity_days", sandbox_validity_days}}},
      {"output_files", json::object{{"rpc_addresses_file", "rpc_addresses.json"},
                                    {"node_certificate_file", "node_cert.pem"},
                                    {"pid_file", "node.pid"}}}};
  if (settings.one_of_several) {
    // Messages take microseconds here; what takes long is a machine with more nodes than cores.
    out["consensus"] = json::object{{"message_timeout", "50ms"}, {"election_timeout", "1500ms"}};
  }
  return out;
}

}  // namespace

json::object starting_configuration(const SandboxNodeSettings& settings,
                                    const SandboxGenesis& genesis) {
  json::array members;
  for (const SandboxGenesis::Member& one : genesis.members) {
    members.push_back(json::object{{"certificate_file", one.certificate},
                                   {"encryption_public_key_file", one.encryption_key}});
  }
  const size_t majority = members.size() / 2 + 1;
  const json::object start{
      {"constitution_files", texts(genesis.constitution_files)},
      {"members", std::move(members)},
      {"service_configuration", json::object{{"recovery_threshold", majority}}},
      {"initial_service_certificate_validity_days", sandbox_validity_days}};
  return configuration(settings, json::object{{"type", "Start"}, {"start", start}});
}

json::object joining_configuration(const SandboxNodeSettings& settings, const std::string& target) {
  const json::object join{{"target_rpc_address", target}, {"retry_timeout", "50ms"}};
  return configuration(settings, json::object{{"type", "Join"}, {"join", join}});
}

}  // namespace entente::cli
