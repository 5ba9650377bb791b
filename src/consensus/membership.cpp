#include "consensus/membership.h"

#include <algorithm>

namespace entente::consensus {

std::string_view to_text(MembershipPhase phase) {
  constexpr std::string_view names[] = {"Active", "Ordered", "Signed", "Completed",
                                        "RetiredCommitted"};
  return names[static_cast<size_t>(phase)];
}

void Removals::on_configuration(const Configuration& previous, const Configuration& next) {
  for (const auto& [node, address] : previous.voters) {
    if (!next.voters.contains(node)) removals_.try_emplace(node, Removal{next.seqno, {}, {}});
  }
}

void Removals::on_signature(SeqNo seqno) {
  for (auto& [node, removal] : removals_) {
    if (removal.signed_off.value == 0) removal.signed_off = seqno;
  }
}

void Removals::on_retired(const std::set<NodeId>& nodes, SeqNo seqno) {
  for (const NodeId& node : nodes) {
    const auto found = removals_.find(node);
    if (found != removals_.end() && found->second.retired.value == 0) found->second.retired = seqno;
  }
}

void Removals::truncate(SeqNo last) {
  std::erase_if(removals_, [&](const auto& one) { return one.second.ordered > last; });
  for (auto& [node, removal] : removals_) {
    if (removal.signed_off > last) removal.signed_off = {};
    if (removal.retired > last) removal.retired = {};
  }
}

MembershipPhase Removals::phase(const NodeId& node, SeqNo commit) const {
  const auto found = removals_.find(node);
  if (found == removals_.end()) return MembershipPhase::active;
  const Removal& removal = found->second;
  const auto reached = [&](SeqNo seqno) { return seqno.value != 0 && seqno <= commit; };
  if (reached(removal.retired)) return MembershipPhase::retired_committed;
  if (reached(removal.signed_off)) return MembershipPhase::completed;
  return removal.signed_off.value != 0 ? MembershipPhase::signed_off : MembershipPhase::ordered;
}

bool Removals::move(SeqNo before, SeqNo after) const {
  const auto passed = [&](SeqNo seqno) { return before < seqno && seqno <= after; };
  return std::any_of(removals_.begin(), removals_.end(), [&](const auto& one) {
    return passed(one.second.signed_off) || passed(one.second.retired);
  });
}

std::set<NodeId> Removals::to_name(SeqNo commit) const {
  std::set<NodeId> nodes;
  for (const auto& [node, removal] : removals_) {
    if (removal.retired.value == 0 && phase(node, commit) == MembershipPhase::completed) {
      nodes.insert(node);
    }
  }
  return nodes;
}

Removals Removals::from(std::map<NodeId, Removal> removals) {
  Removals out;
  out.removals_ = std::move(removals);
  return out;
}

}  // namespace entente::consensus
