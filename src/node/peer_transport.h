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
    links_.set_peers(addresses);
  }

 private:
  net::Links& links_;
};

}  // namespace entente::node
