// Rules about what is committed, beyond the commit points themselves.

#include <algorithm>

#include "sim/world/checker.h"

namespace entente::sim {

// the committed logs of all nodes are one abstract log that each node copies, and that only a
// leader makes longer. That equal ids have equal predecessors is I-5, so the ends are enough.
void Checker::check_refinement(const Node& node, const Before& before) {
  const auto& ledger = node.ledger();
  const size_t upto = node.core().log().commit().value;
  const auto same = [&](size_t seqno) {
    return seqno == 0 || (ledger[seqno - 1].id == committed_[seqno - 1].id &&
                          ledger[seqno - 1].leaf == committed_[seqno - 1].leaf);
  };
  if (upto > ledger.size()) return fail("A-9", node, "commits what its ledger does not hold");
  if (!same(before.commit.value)) return fail("A-9", node, "what it had committed has changed");
  if (!same(std::min(upto, committed_.size()))) {
    return fail("A-9", node, "copies something else than what is committed");
  }
  const bool led = node.leads() || before.role == Leadership::leader;
  if (upto > committed_.size() && !led) {
    fail("A-9", node, "makes the committed log longer without leading");
  }
}

// I-6: whichever quorum of its configuration remains, somebody in it holds what the node has
// committed. The dead count: whether enough of them live is not a question of safety.
void Checker::check_quorum_log(const Node& node) {
  const Log& log = node.core().log();
  const Configuration* current = nullptr;
  for (const Configuration& one : log.configurations().all()) {
    if (one.seqno <= log.commit()) current = &one;
  }
  if (current == nullptr || log.commit().value == 0) return;
  const TxId id = log.id_of(log.commit());
  size_t without = 0;
  for (const auto& [voter, address] : current->voters) {
    const auto other = nodes_->find(voter);
    const bool holds = other != nodes_->end() && other->second->core().log().last() >= id.seqno &&
                       other->second->core().log().id_of(id.seqno) == id;
    without += holds ? 0 : 1;
  }
  if (without >= crash_quorum(current->voters.size())) {
    fail("I-6", node, "a quorum could be made of nodes without " + id.text());
  }
}

// who learns that it is a voter takes part at once.
void Checker::check_pending(const Node& node) {
  const Raft& core = node.core();
  if (core.role() != Leadership::none || core.phase() == MembershipPhase::retired_committed) return;
  if (core.configurations().is_voter(node.id())) fail("A-7", node, "is a voter and does nothing");
}

}  // namespace entente::sim
