// What clients, operators, hosts and the network do to the service, at random.

#include <algorithm>

#include "sim/simulator/simulator.h"

namespace entente::sim {

std::vector<NodeId> Simulator::living() const {
  std::vector<NodeId> out;
  for (const auto& [id, host] : hosts_) {
    if (!host.dead) out.push_back(id);
  }
  return out;
}

Node* Simulator::some_leader() {
  std::vector<Node*> leaders;
  for (const auto& [id, node] : cluster_.nodes()) {
    if (node->leads() && alive(id) && !hosts_.at(id).paused) leaders.push_back(node.get());
  }
  return leaders.empty() ? nullptr : leaders[random_.below(leaders.size())];
}

void Simulator::act() {
  using Deed = void (Simulator::*)();
  using LeaderDeed = void (Simulator::*)(Node&);
  struct Choice {
    uint64_t weight;
    Deed action;
    LeaderDeed at_leader;
  };
  const Choice choices[] = {{plan_.writes, nullptr, &Simulator::write},
                            {plan_.reconfigurations, nullptr, &Simulator::reconfigure},
                            {plan_.resends, nullptr, &Simulator::resend},
                            {plan_.late_writes, nullptr, &Simulator::late_write},
                            {plan_.corners, nullptr, &Simulator::corner},
                            {plan_.exiles, nullptr, &Simulator::exile},
                            {plan_.partitions + plan_.heals, &Simulator::partition, nullptr},
                            {plan_.pauses, &Simulator::pause, nullptr},
                            {plan_.kills, &Simulator::kill, nullptr},
                            {plan_.slow_validation, &Simulator::report_validation, nullptr},
                            {plan_.invalid, &Simulator::damage, nullptr}};
  submit_what_fits();
  uint64_t total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  uint64_t drawn = random_.below(total);
  for (const Choice& choice : choices) {
    if (drawn >= choice.weight) {
      drawn -= choice.weight;
      continue;
    }
    if (choice.action != nullptr) return (this->*choice.action)();
    if (Node* leader = some_leader()) {
      (this->*choice.at_leader)(*leader);
    }
    return;
  }
}

void Simulator::write(Node& leader) {
  const std::string view = std::to_string(leader.core().view().value);
  if (random_.below(plan_.writes + plan_.transfers) < plan_.transfers) {
    record("transfer " + leader.id().value);
    leader.transfer(std::nullopt);
    leader.flush();
    return note("transfer from " + leader.id().value);
  }
  if (random_.below(plan_.writes + plan_.reads) < plan_.reads) {
    const uint64_t read = ++next_read_;
    record("barrier " + leader.id().value + " read" + std::to_string(read));
    leader.barrier(read);
    return leader.flush();
  }
  for (uint64_t i = random_.between(1, 5); i > 0 && leader.leads(); --i) {
    const bool urgent = random_.chance(300);
    const std::string text = std::to_string(++next_write_);
    record("tx " + view + " w" + text + (urgent ? " urgent" : ""));
    leader.write(text, urgent);
    leader.flush();
  }
  if (random_.below(plan_.writes) >= plan_.signatures || !leader.leads()) return;
  record("sign " + view);
  leader.sign();
  leader.flush();
}

// --------------------------------------------------------------------------------------- network

void Simulator::partition() {
  if (now_ < cut_until_) return;
  const auto nodes = living();
  if (random_.below(plan_.partitions + plan_.heals) >= plan_.partitions) {
    cut_.clear();
    return note("heal");
  }
  const auto some = [&] { return nodes[random_.below(nodes.size())]; };
  switch (random_.below(4)) {
    case 0:  // in two
      for (const NodeId& a : nodes) {
        const bool left = random_.chance(500);
        for (const NodeId& b : nodes) {
          if (a != b && left) cut_.insert({a, b}), cut_.insert({b, a});
        }
      }
      break;
    case 1: {  // one alone, perhaps one-way
      const NodeId alone = some();
      const uint64_t ways = random_.between(1, 3);
      for (const NodeId& other : nodes) {
        if ((ways & 1) != 0) cut_.insert({alone, other});
        if ((ways & 2) != 0) cut_.insert({other, alone});
      }
      break;
    }
    case 2:  // the leader alone
      if (Node* leader = some_leader()) {
        for (const NodeId& other : nodes) {
          cut_.insert({leader->id(), other});
          cut_.insert({other, leader->id()});
        }
      }
      break;
    default:  // a single link
      cut_.insert({some(), some()});
  }
  note("partition");
}

// ----------------------------------------------------------------------------------------- hosts

void Simulator::pause() {
  const auto nodes = living();
  Host& host = hosts_.at(nodes[random_.below(nodes.size())]);
  if (random_.below(plan_.pauses + plan_.clock_changes) < plan_.clock_changes) {
    constexpr uint64_t rates[] = {1'000, 3'000, 10'000, 30'000, 100'000};
    host.tick_us = rates[random_.below(std::size(rates))];
    return;
  }
  host.paused = !host.paused;
}

// Every configuration that any node believes in keeps a quorum of living nodes. What a dead node
// proposed may still be under way.
bool Simulator::quorums_survive_without(const NodeId& gone) const {
  for (const auto& [id, node] : cluster_.nodes()) {
    for (const Configuration& one : node->core().configurations().all()) {
      if (!alive(id) && one.seqno.value <= cluster_.checker().committed().size()) continue;
      size_t living_voters = 0;
      for (const auto& [voter, address] : one.voters) {
        living_voters += alive(voter) && voter != gone ? 1 : 0;
      }
      if (living_voters < crash_quorum(one.voters.size())) return false;
    }
  }
  return true;
}

void Simulator::kill() {
  const auto nodes = living();
  const NodeId id = nodes[random_.below(nodes.size())];
  if (!quorums_survive_without(id) || nodes.size() < 2) return;
  hosts_.at(id).dead = true;
  note("kill " + id.value);
  if (random_.chance(700)) {
    // A process that starts again is a new node, perhaps with a snapshot of somebody.
    Snapshot snapshot;
    const auto donors = living();
    const Node& donor = cluster_.at(donors[random_.below(donors.size())]);
    const SeqNo commit = donor.core().log().commit();
    const bool some = random_.chance(500) && commit.value > 0;
    if (some) snapshot = *donor.snapshot_at(commit);
    note("join " + add_joiner(snapshot, some ? donor.id().value : "").value);
  }
}

void Simulator::report_validation() {
  const auto nodes = living();
  const NodeId id = nodes[random_.below(nodes.size())];
  Node& node = cluster_.at(id);
  Host& host = hosts_.at(id);
  if (host.paused) return;
  if (node.habits().stable) {
    record("stable " + id.value + " manual");
    node.set_habits({Habits::Signing::always, true, false});
    host.slow_until = now_ + random_.below(300'000);
    return node.flush();
  }
  const bool newest = random_.chance(300);
  record("stable " + id.value + (newest ? " newest" : " next"));
  node.report_next(newest);
  node.flush();
}

void Simulator::damage() {
  const auto nodes = living();
  const NodeId id = nodes[random_.below(nodes.size())];
  Node& node = cluster_.at(id);
  const Log& log = node.core().log();
  if (hosts_.at(id).paused || node.leads() || node.habits().stable) return;
  // Whatever a node made itself is as it made it, even where its disk is behind.
  SeqNo sound = std::max(log.stable(), log.commit());
  while (sound < log.last() && cluster_.checker().leader_of(log.view_of(sound + 1)) == id) ++sound;
  if (log.last() <= sound) return;
  const SeqNo invalid = sound + random_.between(1, log.last() - sound);
  record("invalid " + id.value + " " + std::to_string(invalid.value));
  node.report_invalid(invalid);
  node.flush();
}

// --------------------------------------------------------------------------------------- leaders

void Simulator::reconfigure(Node& leader) {
  const auto& active = leader.core().configurations().all();
  if (active.empty()) return;
  const auto& removals = leader.core().removals().all();
  std::vector<NodeId> candidates;
  for (const NodeId& id : living()) {
    if (!removals.contains(id)) candidates.push_back(id);
  }
  while (candidates.size() < 3 && next_id_ < 60) candidates.push_back(add_joiner({}));
  if (candidates.empty()) return;
  std::map<NodeId, std::string> voters;
  std::map<NodeId, std::string> learners;
  const uint64_t size = random_.between(1, std::min<uint64_t>(candidates.size(), 5));
  for (uint64_t i = 0; i < size; ++i) {
    const NodeId& id = candidates[random_.below(candidates.size())];
    voters[id] = "host" + id.value;
  }
  if (random_.chance(200)) {
    const NodeId& id = candidates[random_.below(candidates.size())];
    if (!voters.contains(id) && !leader.core().configurations().is_voter(id)) {
      learners[id] = "host" + id.value;
    }
  }
  std::vector<NodeId> voting;
  for (const auto& [id, address] : voters) voting.push_back(id);
  std::string learning;
  for (const auto& [id, address] : learners) learning = " learners=" + braced({id});
  record("config " + std::to_string(leader.core().view().value) + " " + braced(voting) + learning);
  const auto refused = leader.configure(voters, learners);
  leader.flush();
  note("reconfigure at " + leader.id().value + (refused ? ": " + *refused : ""));
}

void Simulator::resend(Node& leader) {
  const Log& log = leader.core().log();
  const auto& peers = leader.core().progress();
  if (log.last().value == 0 || peers.empty()) return;
  auto peer = peers.begin();
  std::advance(peer, static_cast<ptrdiff_t>(random_.below(peers.size())));
  const SeqNo from{random_.below(log.last().value + 1)};
  const SeqNo view_end = log.views().end_of(from + 1, log.last());
  const SeqNo end{random_.between(from.value, std::max(from, view_end).value)};
  message::AppendEntries append{log.id_of(from), end, {}, log.commit(), 0, {}};
  append.entries_view = end == from ? append.prev.view : log.view_of(end);
  for (uint64_t i = from.value; i < end.value; ++i) append.entries.push_back(leader.ledger()[i]);
  record("inject " + leader.id().value + ">" + peer->first.value + " " +
         std::to_string(from.value) + " " + std::to_string(end.value));
  post({leader.id(), peer->first, {leader.core().view(), std::move(append)}});
}

void Simulator::late_write(Node& leader) {
  if (held_.size() < 4) {
    const std::string name = "late" + std::to_string(++next_write_);
    // Of several transactions that run at once, this one is not the next.
    auto held = *leader.prepare(name);
    const uint64_t later = random_.below(4);
    held.entry.id.seqno = held.entry.id.seqno + later;
    record("hold-tx " + std::to_string(leader.core().view().value) + " " + name +
           " later=" + std::to_string(later));
    held_.push_back({leader.id(), std::move(held), name});
    return;
  }
  const HeldWrite oldest = std::move(held_.front());
  held_.pop_front();
  if (!alive(oldest.at)) return;
  record("submit " + oldest.name);
  Node& node = cluster_.at(oldest.at);
  node.submit(oldest.held);
  node.flush();
}

}  // namespace entente::sim
