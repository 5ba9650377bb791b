#include "node/genesis.h"

#include "base/encoding.h"
#include "node/node_row.h"
#include "tee/virtual_platform.h"

namespace entente::node {
namespace {

const Bytes unit(8, 0);

std::string governance(std::string_view name) {
  return "public:ccf.gov." + std::string(name);
}

void put(Tables& tables, const std::string& map, BytesView key, std::string_view value) {
  tables[map][to_bytes(key)] = to_bytes(value);
}
void put_json(Tables& tables, const std::string& map, BytesView key, const json::value& value) {
  put(tables, map, key, json::dump(value));
}

Result<std::string> read_text(Disk& disk, const std::string& path) {
  auto content = read_file(disk, path, 16u << 20);
  if (!content) return content.error();
  return to_text(*content);
}

Result<json::value> read_json(Disk& disk, const std::string& path) {
  const auto text = read_text(disk, path);
  if (!text) return text.error();
  auto document = json::parse(*text);
  if (!document) return document.error().at(path);
  return document;
}

Result<crypto::Certificate> read_certificate(Disk& disk, const std::string& path) {
  const auto text = read_text(disk, path);
  if (!text) return text.error();
  auto certificate = crypto::Certificate::from_pem(*text);
  if (!certificate) return certificate.error().at(path);
  return certificate;
}

/// One member as the configuration names it, its files read.
struct LoadedMember {
  crypto::Certificate certificate;
  std::optional<std::string> encryption_key;  // PEM
  std::optional<json::value> data;
  std::optional<RecoveryRole> configured_role;
  RecoveryRole role;
};

Result<LoadedMember> load_member(const Member& member, Disk& disk) {
  auto certificate = read_certificate(disk, member.certificate_file);
  if (!certificate) return certificate.error();
  LoadedMember loaded{
      std::move(*certificate), {}, {}, member.recovery_role, effective_role(member)};
  if (member.encryption_public_key_file) {
    const auto pem = read_text(disk, *member.encryption_public_key_file);
    if (!pem) return pem.error();
    const auto key = crypto::RsaPublicKey::from_pem(*pem);
    if (!key) return key.error().at(*member.encryption_public_key_file);
    loaded.encryption_key = key->pem();
  }
  if (member.data_json_file) {
    auto data = read_json(disk, *member.data_json_file);
    if (!data) return data.error();
    loaded.data = std::move(*data);
  }
  return loaded;
}

Result<std::vector<LoadedMember>> load_members(const Start& start, Disk& disk) {
  std::vector<LoadedMember> members;
  for (const Member& member : start.members) {
    auto loaded = load_member(member, disk);
    if (!loaded) return loaded.error().at("command.start.members");
    members.push_back(std::move(*loaded));
  }
  return members;
}

json::object member_info(const LoadedMember& member, std::string_view status) {
  json::object info{{"status", status}};
  if (member.data && !member.data->is_null()) info["member_data"] = *member.data;
  if (member.encryption_key && member.configured_role) {
    info["recovery_role"] = to_text(*member.configured_role);
  }
  return info;
}

void write_member(Tables& tables, const LoadedMember& member) {
  const auto id = as_bytes(member.certificate.id());
  put(tables, governance("members.certs"), id, member.certificate.pem());
  put_json(tables, governance("members.acks"), id, json::object{{"state_digest", ""}});
  put_json(tables, governance("members.info"), id, member_info(member, "Accepted"));
  if (member.encryption_key) {
    put(tables, governance("members.encryption_public_keys"), id, *member.encryption_key);
  }
}

Result<std::string> read_constitution(const Start& start, Disk& disk) {
  std::string script;
  for (const std::string& path : start.constitution_files) {
    const auto part = read_text(disk, path);
    if (!part) return part.error().at("command.start.constitution_files");
    if (!script.empty()) script += '\n';
    script += *part;
  }
  return script;
}

Result<void> write_service(Tables& tables, const GenesisInput& input, Disk& disk) {
  const Start& start = input.configuration.command.start;
  json::object info{{"cert", input.service.certificate.pem()},
                    {"status", "Opening"},
                    {"current_service_create_txid", TxId{first_view, {1}}.text()},
                    {"recovery_count", 0}};
  if (input.configuration.service_data_json_file) {
    auto data = read_json(disk, *input.configuration.service_data_json_file);
    if (!data) return data.error().at("service_data_json_file");
    if (!data->is_null()) info["service_data"] = std::move(*data);
  }
  put_json(tables, governance("service.info"), unit, info);

  const auto threshold = recovery_threshold(start);
  if (!threshold) return threshold.error();
  const ServiceConfiguration& service = start.service_configuration;
  json::object config{
      {"recovery_threshold", *threshold},
      {"maximum_node_certificate_validity_days", service.maximum_node_certificate_validity_days},
      {"maximum_service_certificate_validity_days",
       service.maximum_service_certificate_validity_days}};
  // Optional fields equal to their default are left out.
  if (service.recent_cose_proposals_window_size != 100) {
    config["recent_cose_proposals_window_size"] = service.recent_cose_proposals_window_size;
  }
  put_json(tables, governance("service.config"), unit, config);
  return {};
}

Result<json::object> node_row(const GenesisInput& input, Disk& disk) {
  std::optional<json::value> node_data;
  if (input.configuration.node_data_json_file) {
    auto data = read_json(disk, *input.configuration.node_data_json_file);
    if (!data) return data.error().at("node_data_json_file");
    node_data = std::move(*data);
  }
  return NodeRow{
      node_info_network(input.configuration, input.rpc_interfaces, input.node_to_node_address),
      true,
      input.node.key.public_key().pem(),
      input.node.encryption_key.public_key().pem(),
      input.node.request,
      input.node.evidence,
      std::move(node_data),
      std::nullopt}
      .to_json();
}

}  // namespace

Result<Genesis> make_genesis(const GenesisInput& input, Disk& disk) {
  Genesis genesis;
  Tables& tables = genesis.tables;
  const Start& start = input.configuration.command.start;
  const auto members = load_members(start, disk);
  if (!members) return members.error();
  for (const LoadedMember& member : *members) write_member(tables, member);
  auto constitution = read_constitution(start, disk);
  if (!constitution) return constitution.error();
  genesis.constitution = std::move(*constitution);
  put_json(tables, governance("constitution"), unit, json::value(genesis.constitution));
  if (auto written = write_service(tables, input, disk); !written) return written.error();

  const auto row = node_row(input, disk);
  if (!row) return row.error();
  const auto id = as_bytes(input.node.id.value);
  put_json(tables, governance("nodes.info"), id, *row);
  put(tables, governance("nodes.endorsed_certificates"), id, input.endorsed_certificate.pem());
  put(tables, governance("nodes.virtual.host_data"), as_bytes(input.node.host_data.hex()),
      as_text(unit));
  put_json(tables, governance("nodes.virtual.measurements"),
           as_bytes(tee::virtual_platform::measurement), json::value("AllowedToJoin"));
  return genesis;
}

}  // namespace entente::node
