#pragma once
// The row of a node in the table of nodes, and what of it the node says about itself.
// Source: docs/ledger-format.md (nodes.info), docs/node-operation.md (join).

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "crypto/x509.h"
#include "node/config.h"
#include "tee/evidence.h"

namespace entente::node {

/// Where the node can be reached: the members that a join request calls `node_info_network`.
/// `rpc_interfaces` are the configured ones with bound ports and published addresses filled in.
json::object node_info_network(const Configuration& configuration,
                               const json::object& rpc_interfaces, const Address& node_to_node);

struct NodeRow {
  json::object network;  ///< as of node_info_network()
  bool trusted = false;  ///< otherwise pending
  std::string public_key;
  std::string encryption_key;  ///< both PEM
  const crypto::CertificateRequest& request;
  const tee::Evidence& evidence;
  std::optional<json::value> node_data;
  std::optional<SeqNo> ledger_secret;  ///< start of the newest secret that it was given
  bool learning = false;               ///< see replica/node_table.h

  json::object to_json() &&;
};

}  // namespace entente::node
