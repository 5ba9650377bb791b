#include "node/peer_transport.h"

namespace entente::node {

void PeerTransport::send(std::vector<replica::Letter> letters) {
  std::vector<net::LinkMessage> messages;
  messages.reserve(letters.size());
  for (replica::Letter& letter : letters) {
    messages.push_back({&letter.to, net::MessageKind::consensus, std::move(letter.bytes)});
  }
  links_.send(messages);
}

void PeerTransport::set_peers(const std::map<NodeId, std::string>& addresses) {
  const std::lock_guard lock(mutex_);
  configured_ = addresses;
  std::erase_if(introduced_, [&](const auto& one) { return configured_.contains(one.first); });
  set_links();
}

void PeerTransport::introduced(const NodeId& id, const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (configured_.contains(id)) return;
  std::erase_if(introduced_, [&](const auto& one) { return one.first == id; });
  if (introduced_.size() == max_introduced) introduced_.erase(introduced_.begin());
  introduced_.emplace_back(id, address);
  set_links();
}

void PeerTransport::set_links() {
  auto all = configured_;
  all.insert(introduced_.begin(), introduced_.end());
  links_.set_peers(std::move(all));
}

}  // namespace entente::node
