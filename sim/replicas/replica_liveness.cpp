// The second phase: no more faults, except that the dead stay dead. The service must elect, commit
// what is new, and every living voter must hold it; then everything is compared.

#include <algorithm>
#include <cstring>

#include "sim/replicas/replica_world.h"

namespace entente::sim {

bool ReplicaWorld::converged() {
  settle_membership();
  ReplicaNode* leads = leader();
  if (leads == nullptr || pending_) return false;
  if (new_write_) {
    const TxStatus status = leads->replica->status(*new_write_);
    if (status == TxStatus::invalid || status == TxStatus::unknown) new_write_.reset();
  }
  if (!new_write_) {
    auto tx = leads->store.begin();
    tx.rw("new").put(as_bytes("k"), as_bytes("v"));
    const auto result = leads->lane->commit(tx, {.urgent = true});
    leads->lane->hand_over();
    step_soon(*leads, 1);
    if (result.status == kv::CommitStatus::committed) new_write_ = result.id;
    return false;
  }
  return std::all_of(voters_.begin(), voters_.end(), [&](uint32_t voter) {
    const ReplicaNode& node = *nodes_[voter];
    return node.dead ||
           (node.replica->status(*new_write_) == TxStatus::committed && node.ledger->idle() &&
            node.writer->last() >= node.replica->committed().seqno);
  });
}

std::optional<std::string> ReplicaWorld::recover() {
  constexpr uint64_t timeouts = 60;
  faults_ = false;
  cut_.clear();
  note("faults stop");
  for (const Rot& rot : rotten_) {
    (void)nodes_[rot.node]->disk.flip_bit(rot.path, rot.offset, rot.bit);
  }
  for (const auto& node : nodes_) {
    node->paused = false;
    node->step_delay = 20;
    node->disk_delay = 50;
    node->clock.set_rate(1000);
    node->disk.disarm();
    node->disk.set_capacity(UINT64_MAX);
    if (!node->dead) step_soon(*node, 1);
  }
  const uint64_t until = now_ + timeouts * static_cast<uint64_t>(plan_.election_timeout.count());
  while (now_ < until) {
    advance();
    if (checker_.violation()) return checker_.violation();
    if (events_ % 16 == 0 && converged()) return conclude();
  }
  return "liveness: after " + std::to_string(timeouts) +
         " election timeouts without faults the service does not work";
}

// Nothing that was answered and committed is lost, nothing that is invalid is there.
void ReplicaWorld::check_contents(const ReplicaNode& node) {
  std::set<uint64_t> held;
  auto tx = const_cast<kv::Store&>(node.store).begin_read_only();
  for (uint64_t key = 0; key < plan_.keys; ++key) {
    const auto value = tx.ro("lists").get(as_bytes("k" + std::to_string(key)));
    for (size_t at = 0; value && at < value->size(); at += sizeof(uint64_t)) {
      uint64_t number = 0;
      std::memcpy(&number, value->data() + at, sizeof number);
      held.insert(number);
    }
  }
  for (const auto& [number, request] : requests_) {
    if (!request.write || request.outcome != Request::Outcome::done) continue;
    const TxStatus status = node.replica->status(request.id);
    checker_.told(node, request.id, status);
    history_.push_back({ClientEvent::Kind::status, 0, 0, {}, {}, request.id, status});
    const bool final = status == TxStatus::committed || status == TxStatus::invalid;
    if (!final && request.id.seqno <= node.replica->committed().seqno) {
      checker_.fail("status of " + request.id.text() + " is not final at the end");
    }
    if (status == TxStatus::committed && !held.contains(number)) {
      checker_.fail("lost: the committed " + request.id.text());
    }
    if (status == TxStatus::invalid && held.contains(number)) {
      checker_.fail("the invalid " + request.id.text() + " is there");
    }
  }
}

std::optional<std::string> ReplicaWorld::conclude() {
  std::vector<const ReplicaNode*> living;
  for (const uint32_t voter : voters_) {
    if (!nodes_[voter]->dead) living.push_back(nodes_[voter].get());
  }
  checker_.compare(living);
  for (const ReplicaNode* node : living) check_contents(*node);
  if (checker_.violation()) return checker_.violation();
  const auto broken = broken_rules(history_);
  if (!broken.empty()) return "history: " + broken.front();
  return std::nullopt;
}

}  // namespace entente::sim
