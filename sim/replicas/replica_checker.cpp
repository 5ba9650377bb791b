#include "sim/replicas/replica_checker.h"

#include <algorithm>

namespace entente::sim {
namespace {

// Digests of whole stores cost: about one commit point in so many. The same ones on every node.
constexpr uint64_t digest_every = 8;

std::string at(const ReplicaNode& node) {
  return " at node " + std::to_string(node.index) + ": ";
}

}  // namespace

void ReplicaChecker::after_step(const ReplicaNode& node) {
  const auto tip = node.replica->tip();
  check_tip(node, tip);
  SeqNo& before = commits_[node.index];
  if (tip.committed.seqno < before) fail("A-2" + at(node) + "its commit point goes back");
  if (tip.committed.seqno != before) check_commit(node, tip);
  before = tip.committed.seqno;
}

// I-22: what has passed the queues is everywhere.
void ReplicaChecker::check_tip(const ReplicaNode& node, const replica::Replica::Tip& tip) {
  if (tip.tree != tip.log.seqno) {
    fail("I-22" + at(node) + "tree " + std::to_string(tip.tree.value) + ", log " + tip.log.text());
  }
  // What replication itself writes in a step is taken by the next one.
  TxId& before = lasts_[node.index];
  if (tip.settled && node.store.last() != tip.log && node.store.last() == before) {
    fail("I-22" + at(node) + "store " + node.store.last().text() + ", log " + tip.log.text());
  }
  before = node.store.last();
  if (node.store.committed() != tip.committed.seqno || node.replica->committed() != tip.committed) {
    fail("I-22" + at(node) + "store committed " + std::to_string(node.store.committed().value) +
         ", log " + tip.committed.text());
  }
}

// I-1 and I-21.
void ReplicaChecker::check_commit(const ReplicaNode& node, const replica::Replica::Tip& tip) {
  const SeqNo commit = tip.committed.seqno;
  while (views_.size() < commit.value) {
    const SeqNo next{views_.size() + 1};
    views_.push_back(node.store.view_of(next));
    if (invalid_.contains({views_.back(), next})) {
      fail("G3" + at(node) + TxId{views_.back(), next}.text() + " is committed and was invalid");
    }
  }
  if (views_[commit.value - 1] != node.store.view_of(commit)) {
    fail("I-1" + at(node) + "commits " + tip.committed.text() + ", others view " +
         std::to_string(views_[commit.value - 1].value));
  }
  const auto [root, fresh] = roots_.try_emplace(commit, tip.root);
  if (root->second != tip.root) {
    fail("I-21" + at(node) + "another root at " + tip.committed.text());
  }
  ++compared_;
  if (tip.root.bytes[0] % digest_every != 0) return;
  const Digest digest = kv::state_digest(node.store.committed_snapshot());
  const auto [state, first] = states_.try_emplace(commit, digest);
  if (state->second != digest) {
    fail("I-21" + at(node) + "another store at " + tip.committed.text());
  }
}

void ReplicaChecker::told(const ReplicaNode& node, TxId id, TxStatus status) {
  const bool known = id.seqno.value != 0 && id.seqno.value <= views_.size();
  const bool stands = known && views_[id.seqno.value - 1] == id.view;
  if (status == TxStatus::committed && !stands) {
    fail("G3" + at(node) + "says that " + id.text() + " is committed, which it is not");
  }
  if (status != TxStatus::invalid) return;
  if (stands) fail("G3" + at(node) + "says that the committed " + id.text() + " is invalid");
  invalid_.insert(id);
}

void ReplicaChecker::compare(const std::vector<const ReplicaNode*>& nodes) {
  if (nodes.empty()) return;
  SeqNo least{UINT64_MAX};
  for (const ReplicaNode* node : nodes) {
    least = std::min(least, node->replica->committed().seqno);
  }
  for (SeqNo seqno{1}; seqno <= least; ++seqno) {
    const auto first = nodes[0]->writer->read(seqno);
    if (!first.ok()) return fail("ledger" + at(*nodes[0]) + first.error().message);
    for (const ReplicaNode* node : nodes) {
      const auto other = node->writer->read(seqno);
      if (!other.ok() || *other != *first) {
        return fail("ledger" + at(*node) + "differs at " + std::to_string(seqno.value));
      }
    }
  }
  std::map<SeqNo, Digest> states;
  for (const ReplicaNode* node : nodes) {
    const Digest digest = kv::state_digest(node->store.committed_snapshot());
    const auto [state, fresh] = states.try_emplace(node->store.committed(), digest);
    if (state->second != digest) fail("I-21" + at(*node) + "its store differs");
  }
}

}  // namespace entente::sim
