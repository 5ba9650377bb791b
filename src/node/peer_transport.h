#pragma once
// The links of the net room as the replica sees them.

#include <functional>
#include <memory>

#include "net/links.h"
#include "replica/inbox.h"
#include "replica/transport.h"

namespace entente::node {

class PeerTransport final : public replica::Transport {
 public:
  explicit PeerTransport(net::Links& links) : links_(links) {}

  void send(std::vector<replica::Letter> letters) override {
    std::vector<net::LinkMessage> messages;
    messages.reserve(letters.size());
    for (replica::Letter& letter : letters) {
      messages.push_back({&letter.to, net::MessageKind::consensus, std::move(letter.bytes)});
    }
    links_.send(messages);
  }
  void set_peers(const std::map<NodeId, std::string>& addresses) override {
    auto all = addresses;
    // A node that catches up sees old configurations first, and must answer the present primary.
    for (const auto& [id, address] : reach_through_) all.emplace(id, address);
    if (all.size() == addresses.size()) reach_through_.clear();
    links_.set_peers(std::move(all));
  }

  /// The nodes of the service that a new node joins, until its own configuration names them all.
  /// Before the replica thread starts.
  void reach_through(std::map<NodeId, std::string> addresses) {
    reach_through_ = std::move(addresses);
    links_.set_peers(reach_through_);
  }

 private:
  net::Links& links_;
  std::map<NodeId, std::string> reach_through_;
};

}  // namespace entente::node
