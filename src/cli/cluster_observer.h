#pragma once
// Asks every node of a service how it is. Keeps connections between rounds. Blocks; the nodes are
// asked at the same time, one thread each while a round runs. Not thread-safe.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/cluster_view.h"
#include "cli/service_client.h"

namespace entente::cli {

class ClusterObserver {
 public:
  /// `entries`: host:port of nodes, any of which may list the others. A node that is silent for
  /// `timeout_seconds` counts as one that does not answer.
  ClusterObserver(TlsContext context, std::vector<std::string> entries, int timeout_seconds);

  /// One round. `problem` of the answer is set if no node lists the others.
  ClusterView look();

 private:
  struct Listing;

  /// To lists; or to one node alone, because two may be listed under one address.
  ServiceClient& client(const std::string& address, const std::string& node = "");
  Result<Listing> list(const std::string& address);
  Result<Listing> list_anywhere();
  void remember(const std::vector<NodeView>& nodes);

  TlsContext context_;
  int timeout_seconds_;
  const std::vector<std::string> named_;
  std::vector<std::string> entries_;  ///< who answered last time comes first
  std::map<std::pair<std::string, std::string>, std::unique_ptr<ServiceClient>> clients_;
};

/// Fills in what /node/state, /node/consensus and /node/commit of a node say.
Result<void> read_node(NodeView& node, const Document& state, const Document& consensus,
                       const Document& commit);

}  // namespace entente::cli
