#include "node/node_row.h"

#include "base/encoding.h"
#include "tee/virtual_platform.h"

namespace entente::node {

json::object node_info_network(const Configuration& configuration,
                               const json::object& rpc_interfaces, const Address& node_to_node) {
  const Address& bind = configuration.network.node_to_node_bind_address;
  json::object info{
      {"node_to_node_interface",
       {{"bind_address", Address{bind.host, bind.port == 0 ? node_to_node.port : bind.port}.text()},
        {"published_address", node_to_node.text()}}},
      {"rpc_interfaces", rpc_interfaces},
      {"nodehost", node_to_node.host},
      {"nodeport", std::to_string(node_to_node.port)}};
  if (rpc_interfaces.empty()) return info;
  const json::Reader first(rpc_interfaces.begin()->value());
  const auto put = [&](std::string_view key, std::string_view host, std::string_view port) {
    const auto member = first.member(key);
    const auto text = member ? member->as_string() : Result<std::string>(member.error());
    const auto address = text ? Address::parse(*text) : Result<Address>(text.error());
    if (!address) return;
    info[host] = address->host;
    info[port] = std::to_string(address->port);
  };
  put("bind_address", "rpchost", "rpcport");
  put("published_address", "pubhost", "pubport");
  return info;
}

json::object NodeRow::to_json() && {
  json::object row = std::move(network);
  row["status"] = trusted ? "Trusted" : "Pending";
  row["public_key"] = std::move(public_key);
  row["encryption_pub_key"] = std::move(encryption_key);
  row["certificate_signing_request"] = request.pem();
  row["quote_info"] = evidence.to_json();
  const auto claims = tee::virtual_platform::read_evidence(evidence);
  if (claims) row["code_digest"] = to_hex(claims->measurement);
  if (node_data && !node_data->is_null()) row["node_data"] = std::move(*node_data);
  if (ledger_secret) row["ledger_secret_seqno"] = ledger_secret->value;
  if (learning) row["learning"] = true;
  return row;
}

}  // namespace entente::node
