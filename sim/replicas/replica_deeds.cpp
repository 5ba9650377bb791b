// What hosts, networks and operators do to the service, at random.

#include <algorithm>

#include "sim/replicas/replica_world.h"

namespace entente::sim {
namespace {
constexpr size_t most_nodes = 12;
constexpr size_t most_voters = 7;
}  // namespace

ReplicaNode& ReplicaWorld::some_node() {
  std::vector<ReplicaNode*> living;
  for (const auto& node : nodes_) {
    if (!node->dead) living.push_back(node.get());
  }
  return *living[random_.below(living.size())];
}

ReplicaNode* ReplicaWorld::leader() {
  ReplicaNode* found = nullptr;
  for (const auto& node : nodes_) {
    if (node->dead || node->paused || !node->leads()) continue;
    if (found == nullptr || found->replica->view() < node->replica->view()) found = node.get();
  }
  return found;
}

void ReplicaWorld::act() {
  using Deed = void (ReplicaWorld::*)();
  struct Choice {
    uint64_t weight;
    Deed deed;
  };
  const Choice choices[] = {{plan_.partitions + plan_.heals, &ReplicaWorld::partition},
                            {plan_.flapping, &ReplicaWorld::flap},
                            {plan_.pauses, &ReplicaWorld::pause},
                            {plan_.slowness, &ReplicaWorld::slow},
                            {plan_.kills, &ReplicaWorld::kill},
                            {plan_.joins, &ReplicaWorld::join},
                            {plan_.retirements, &ReplicaWorld::retire},
                            {plan_.transfers, &ReplicaWorld::transfer},
                            {plan_.clock_changes, &ReplicaWorld::change_clock},
                            {plan_.slow_disks, &ReplicaWorld::slow_disk},
                            {plan_.failing_disks, &ReplicaWorld::fail_disk},
                            {plan_.full_disks, &ReplicaWorld::fill_disk},
                            {plan_.rot, &ReplicaWorld::rot}};
  settle_membership();
  uint64_t total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  uint64_t drawn = random_.below(total);
  for (const Choice& choice : choices) {
    if (drawn < choice.weight) return (this->*choice.deed)();
    drawn -= choice.weight;
  }
}

// ---------------------------------------------------------------------------------------- network

void ReplicaWorld::partition() {
  if (random_.below(plan_.partitions + plan_.heals) >= plan_.partitions) {
    cut_.clear();
    return note("heal");
  }
  if (random_.chance(600)) cut_.clear();
  const auto count = static_cast<uint32_t>(nodes_.size());
  const auto cut_both = [&](uint32_t a, uint32_t b) {
    cut_.insert({a, b});
    cut_.insert({b, a});
  };
  const auto alone = [&](uint32_t one, uint64_t ways) {
    for (uint32_t other = 0; other < count; ++other) {
      if (other == one) continue;
      if ((ways & 1) != 0) cut_.insert({one, other});
      if ((ways & 2) != 0) cut_.insert({other, one});
    }
  };
  switch (random_.below(5)) {
    case 0: {  // in two
      std::vector<bool> left(count);
      for (uint32_t i = 0; i < count; ++i) left[i] = random_.chance(500);
      for (uint32_t a = 0; a < count; ++a) {
        for (uint32_t b = 0; b < a; ++b) {
          if (left[a] != left[b]) cut_both(a, b);
        }
      }
      return note("split");
    }
    case 1: {  // in two, with one node that reaches both
      const auto bridge = static_cast<uint32_t>(random_.below(count));
      for (uint32_t a = 0; a < count; ++a) {
        for (uint32_t b = 0; b < a; ++b) {
          if (a != bridge && b != bridge && a % 2 != b % 2) cut_both(a, b);
        }
      }
      return note("bridge");
    }
    case 2:
      alone(static_cast<uint32_t>(random_.below(count)), random_.between(1, 3));
      return note("one node alone");
    case 3:
      if (const ReplicaNode* leads = leader()) {
        alone(static_cast<uint32_t>(leads->index), random_.between(1, 3));
      }
      return note("the leader alone");
    default:
      cut_.insert({static_cast<uint32_t>(random_.below(count)),
                   static_cast<uint32_t>(random_.below(count))});
      return note("a link");
  }
}

// Links come and go one by one.
void ReplicaWorld::flap() {
  const auto count = static_cast<uint32_t>(nodes_.size());
  for (uint32_t a = 0; a < count; ++a) {
    for (uint32_t b = 0; b < count; ++b) {
      if (!random_.chance(300)) continue;
      if (!cut_.erase({a, b})) cut_.insert({a, b});
    }
  }
}

// ------------------------------------------------------------------------------------------ hosts

void ReplicaWorld::pause() {
  ReplicaNode& node = some_node();
  node.paused = !node.paused;
  note((node.paused ? "pause " : "resume ") + std::to_string(node.index));
}

void ReplicaWorld::slow() {
  ReplicaNode& node = some_node();
  node.step_delay = random_.chance(500) ? 20 : random_.between(1'000, 100'000);
}

void ReplicaWorld::change_clock() {
  constexpr uint64_t rates[] = {100, 500, 1'000, 2'000, 10'000};
  some_node().clock.set_rate(rates[random_.below(std::size(rates))]);
}

void ReplicaWorld::slow_disk() {
  some_node().disk_delay = random_.chance(400) ? 50 : random_.between(1'000, 500'000);
}

void ReplicaWorld::fail_disk() {
  MemoryDisk& disk = some_node().disk;
  if (random_.chance(500)) return disk.disarm();
  disk.fail_after(random_.below(20), random_.chance(500), random_.next());
}

void ReplicaWorld::fill_disk() {
  MemoryDisk& disk = some_node().disk;
  uint64_t size = UINT64_MAX;
  if (random_.chance(500)) {
    size = random_.below(2'000);
    for (const auto& [path, content] : disk.files()) size += content.size();
  }
  disk.set_capacity(size);
}

// A bit of a complete file changes, until the end of the first phase.
void ReplicaWorld::rot() {
  ReplicaNode& node = some_node();
  const auto names = node.disk.list("ledger");
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (!name.ends_with(".committed") || !random_.chance(300)) continue;
    const std::string path = "ledger/" + name;
    const auto content = node.disk.content(path);
    if (!content.ok() || content->empty()) continue;
    const Rot rot{static_cast<uint32_t>(node.index), path, random_.below(content->size()),
                  static_cast<unsigned>(random_.below(8))};
    if (node.disk.flip_bit(rot.path, rot.offset, rot.bit).ok()) rotten_.push_back(rot);
    return probe("rotten files");
  }
}

// ------------------------------------------------------------------------------------- membership

bool ReplicaWorld::quorum_without(const std::set<uint32_t>& voters,
                                  std::optional<uint32_t> gone) const {
  const auto lives = [&](uint32_t voter) { return voter != gone && !nodes_[voter]->dead; };
  const auto living = std::count_if(voters.begin(), voters.end(), lives);
  return static_cast<size_t>(living) >= consensus::crash_quorum(voters.size());
}

// One change at a time: what became of the last one? As long as a living voter does not know that
// it is committed, that one may need a quorum of the configuration before.
void ReplicaWorld::settle_membership() {
  if (!pending_) return;
  bool known_everywhere = joiner_votes();
  const TxId decisive = pending_->votes_by.value_or(pending_->id);
  for (const auto& node : nodes_) {
    if (node->dead) continue;
    const TxStatus status = node->replica->status(decisive);
    checker_.told(*node, decisive, status);
    if (status == TxStatus::invalid) {
      // The joiner is still there if only the entry that let it vote was rolled back.
      if (!pending_->votes_by) return pending_.reset();
      return pending_->votes_by.reset();
    }
    const bool votes = pending_->voters.contains(static_cast<uint32_t>(node->index));
    if (votes && status != TxStatus::committed) known_everywhere = false;
  }
  if (pending_->joiner && !pending_->votes_by) return give_up_dead_joiner();
  if (!known_everywhere) return;
  voters_ = pending_->voters;
  pending_.reset();
}

/// It will not catch up any more: it leaves without ever having voted, or hardly.
void ReplicaWorld::give_up_dead_joiner() {
  const ReplicaNode& joiner = *nodes_[indexes_.at(*pending_->joiner)];
  ReplicaNode* leads = leader();
  if (!joiner.dead || leads == nullptr) return;
  const auto id = leads->set_status({&joiner}, "Retired", true);
  step_soon(*leads, 1);
  if (!id) return;
  // Until this is known everywhere, its vote may have been counted on.
  pending_ = Pending{*id, voters_, {}, {}};
  probe("learners retired");
}

/// Whoever joins learns first; when it votes is up to the leader. True if nobody joins.
bool ReplicaWorld::joiner_votes() {
  if (!pending_->joiner || pending_->votes_by) return true;
  const ReplicaNode* leads = leader();
  if (leads == nullptr) return false;
  for (const consensus::Configuration& one : leads->replica->details().configurations) {
    if (!one.voters.contains(*pending_->joiner)) continue;
    pending_->votes_by = TxId{leads->store.view_of(one.seqno), one.seqno};
    probe("learners promoted");
    return true;
  }
  return false;
}

bool ReplicaWorld::propose(std::set<uint32_t> voters, const ReplicaNode& node,
                           std::string_view status, bool joins) {
  ReplicaNode* leads = leader();
  if (leads == nullptr) return false;
  const auto id = leads->set_status({&node}, status, joins);
  step_soon(*leads, 1);
  if (!id) return false;
  pending_ = Pending{*id, std::move(voters), {}, {}};
  if (joins) pending_->joiner = node.id;
  note(std::string(status) + " " + std::to_string(node.index) + " as " + id->text());
  probe("membership changes");
  return true;
}

void ReplicaWorld::kill() {
  ReplicaNode& node = some_node();
  const auto gone = static_cast<uint32_t>(node.index);
  if (!quorum_without(voters_, gone)) return;
  if (pending_ && !quorum_without(pending_->voters, gone)) return;
  node.dead = true;
  node.lane->hand_over();
  note("kill " + std::to_string(node.index));
  probe("kills");
  join();
}

void ReplicaWorld::join() {
  if (pending_ || nodes_.size() >= most_nodes || voters_.size() >= most_voters) return;
  if (leader() == nullptr) return;
  ReplicaNode& node = add_node();
  node.join(service_);
  step_soon(node, 1);
  std::set<uint32_t> voters = voters_;
  voters.insert(static_cast<uint32_t>(node.index));
  propose(std::move(voters), node, "Trusted", true);
}

void ReplicaWorld::retire() {
  if (pending_ || voters_.size() < 2) return;
  auto leaving = voters_.begin();
  std::advance(leaving, static_cast<ptrdiff_t>(random_.below(voters_.size())));
  std::set<uint32_t> voters = voters_;
  voters.erase(*leaving);
  if (quorum_without(voters, std::nullopt))
    propose(std::move(voters), *nodes_[*leaving], "Retired");
}

void ReplicaWorld::transfer() {
  ReplicaNode* leads = leader();
  if (leads == nullptr) return;
  leads->replica->hand_over_leadership();
  step_soon(*leads, 1);
  probe("transfers");
}

}  // namespace entente::sim
