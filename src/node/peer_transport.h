#pragma once
// The links of the net room as the replica sees them.

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/links.h"
#include "replica/transport.h"

namespace entente::node {

class PeerTransport final : public replica::Transport {
 public:
  explicit PeerTransport(net::Links& links) : links_(links) {}

  // The replica thread.
  void send(std::vector<replica::Letter> letters) override;
  void set_peers(const std::map<NodeId, std::string>& addresses) override;

  /// The link thread: a node that sends to this one says where it can be dialled. It counts until
  /// the configurations here name the node: somebody who lacks entries must be able to answer the
  /// primary that sends them. The longest ago is forgotten when there are too many.
  void introduced(const NodeId& id, const std::string& address);

 private:
  static constexpr size_t max_introduced = 8;
  using Introductions = std::vector<std::pair<NodeId, std::string>>;

  void set_links();  // under mutex_

  net::Links& links_;
  std::mutex mutex_;
  std::map<NodeId, std::string> configured_;  // guarded by mutex_
  Introductions introduced_;  // guarded by mutex_; none of configured_; oldest first
};

}  // namespace entente::node
