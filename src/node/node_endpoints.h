#pragma once
// The /node endpoints: state, identity and evidence of this node, the network as its tables say.
// Source: docs/http-api.md (/node endpoints).

#include <atomic>
#include <functional>
#include <string>

#include "entente/endpoint.h"
#include "entente/node_context.h"
#include "net/interface.h"
#include "node/api_types.h"
#include "node/identity.h"

namespace entente::node {

/// What the endpoints read of the running node. Filled before requests arrive; const afterwards,
/// except for the atomics.
struct NodeFacts {
  NodeId id;
  std::string self_signed_certificate;  ///< PEM
  tee::Evidence evidence;
  SeqNo startup_seqno;
  json::object rpc_interfaces;  ///< as published
  json::value node_data;
  std::atomic<api::NodeStartupState> state{api::NodeStartupState::Uninitialized};
  std::atomic<bool> stop_notice{false};
  std::function<net::ServerMetrics()> sessions;
  std::function<api::NodeToNodeMetrics()> node_to_node;
  std::function<bool()> app_open;
  std::function<bool()> gov_open;
  std::function<json::value()> index_strategies;
};

/// `facts` and `node` must outlive the registry.
void install_node_endpoints(EndpointRegistry& registry, const NodeFacts& facts,
                            const NodeContext& node, const replica::Status& status);

/// For `GET /node/version` and `--version`.
std::string version();

}  // namespace entente::node
