// Situations that chance seldom makes, and in which earlier designs of such protocols failed.

#include <algorithm>

#include "sim/simulator/simulator.h"

namespace entente::sim {

// They hear each other, and nobody else, for so many election timeouts.
void Simulator::cut_off(const std::set<NodeId>& some, uint64_t timeouts) {
  cut_.clear();
  for (const NodeId& inside : some) {
    for (const NodeId& outside : living()) {
      if (some.contains(outside)) continue;
      cut_.insert({inside, outside});
      cut_.insert({outside, inside});
    }
  }
  cut_until_ = now_ + timeouts * static_cast<uint64_t>(plan_.core.election_timeout.count());
}

// A new configuration reaches only those whom it adds: together with its leader they are most of
// all nodes, and without a quorum of the old ones, who elect somebody else.
void Simulator::corner(Node& leader) {
  constexpr uint64_t most_nodes = 40;
  const auto& active = leader.core().configurations().all();
  if (now_ < cut_until_ || active.size() != 1 || !leader.core().opened()) return;
  const auto& old = active.back().voters;
  if (old.size() < 3 || !old.contains(leader.id())) return;
  std::set<NodeId> corner{leader.id()};
  std::map<NodeId, std::string> voters;
  for (const NodeId& id : living()) {
    const bool new_one = !old.contains(id) && !leader.core().removals().all().contains(id);
    if (new_one && !cluster_.at(id).leads()) voters[id] = "host" + id.value;
  }
  while (voters.size() + 1 < old.size() && next_id_ < most_nodes) {
    const NodeId id = add_joiner({});
    voters[id] = "host" + id.value;
  }
  if (voters.size() + 1 < old.size()) return;
  for (const auto& [id, address] : voters) corner.insert(id);
  if (random_.chance(500)) voters[leader.id()] = "host" + leader.id().value;
  cut_off(corner, 3);
  std::vector<NodeId> voting;
  for (const auto& [id, address] : voters) voting.push_back(id);
  const std::string view = std::to_string(leader.core().view().value);
  record("config " + view + " " + braced(voting));
  const bool refused = leader.configure(voters).has_value();
  leader.flush();
  if (refused || !leader.leads()) return;
  record("sign " + view);
  leader.sign();
  leader.flush();
  note("corner " + leader.id().value);
}

// The others elect more than once while it goes on signing what nobody hears.
void Simulator::exile(Node& leader) {
  if (now_ < cut_until_) return;
  cut_off({leader.id()}, random_.between(2, 4));
  note("exile " + leader.id().value);
}

// A transaction that got its id under an earlier leadership comes just when its place is free.
void Simulator::submit_what_fits() {
  for (auto one = held_.begin(); one != held_.end(); ++one) {
    if (!alive(one->at)) continue;
    Node& node = cluster_.at(one->at);
    if (!node.leads() || one->held.epoch == node.core().epoch()) continue;
    if (one->held.entry.id.seqno != node.core().log().last() + 1) continue;
    const HeldWrite fitting = std::move(*one);
    held_.erase(one);
    record("submit " + fitting.name);
    node.submit(fitting.held);
    return node.flush();
  }
}

// The driver sends fewer entries than the core asked for.
void Simulator::shorten(Sent& sent) {
  auto* append = std::get_if<message::AppendEntries>(&sent.packet.message.body);
  if (append == nullptr || append->entries.empty()) return;
  sent.first = random_.below(append->entries.size());
  keep_first(*append, *sent.first);
}

}  // namespace entente::sim
