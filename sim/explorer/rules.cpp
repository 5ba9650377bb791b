#include "sim/explorer/rules.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::sim {

Profile profile_of(const Raft& core, const std::vector<NodeId>& names) {
  const Log& log = core.log();
  ENTENTE_ASSERT(log.last().value <= Profile::longest_log && names.size() <= Profile::most_nodes);
  Profile out;
  const auto small = [](auto typed) { return static_cast<uint8_t>(typed.value); };
  for (SeqNo at{1}; at <= log.last(); ++at) out.views[at.value] = small(log.view_of(at));
  out.last = small(log.last());
  out.stable = small(log.stable());
  out.commit = small(log.commit());
  out.view = small(core.view());
  out.leads = core.role() == Leadership::leader;
  out.stands = core.role() == Leadership::candidate;
  const Configuration* committed = nullptr;
  for (const Configuration& one : log.configurations().all()) {
    if (one.seqno <= log.commit()) committed = &one;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    if (committed != nullptr && committed->voters.contains(names[i])) {
      out.voters = static_cast<uint8_t>(out.voters | 1u << i);
    }
    const auto peer = core.progress().find(names[i]);
    if (out.leads && peer != core.progress().end()) out.matches[i] = small(peer->second.match);
  }
  return out;
}

// ------------------------------------------------------------------------------------- one node

namespace {

std::optional<std::string> broken_log(const Raft& core) {
  const Log& log = core.log();
  std::vector<SeqNo> signatures;
  std::vector<SeqNo> configurations;
  for (SeqNo at = log.base() + 1; at <= log.last(); ++at) {
    const EntryMeta& entry = log.at(at);
    if (entry.kind == EntryKind::configuration) {
      if (at <= log.commit()) configurations.clear();
      configurations.push_back(at);
    }
    if (entry.kind == EntryKind::signature && at > log.commit()) signatures.push_back(at);
    const View before = log.view_of(at - 1);
    if (before.value == 0 || before == entry.id.view) continue;
    const bool opens = log.at(at - 1).kind == EntryKind::signature;
    if (before > entry.id.view || !opens) return "I-10: " + entry.id.text() + " is out of place";
  }
  if (log.view_of(log.last()) > core.view()) return "I-10: an entry of a view to come";
  const auto& committable = log.committable();
  if (!std::equal(signatures.begin(), signatures.end(), committable.begin(), committable.end())) {
    return "I-13: the commit points are not the signatures of the log";
  }
  if (log.commit() > log.base() && log.at(log.commit()).kind != EntryKind::signature) {
    return "I-8: the commit point is no signature";
  }
  std::vector<SeqNo> held;
  for (const Configuration& one : log.configurations().all()) {
    if (one.seqno.value != 0) held.push_back(one.seqno);
  }
  if (held != configurations) return "I-11: the configurations are not those of the log";
  for (const auto& [node, removal] : log.removals().all()) {
    const bool done = log.removals().phase(node, log.commit()) >= MembershipPhase::completed;
    if (done && log.configurations().is_voter(node)) return "I-16: " + node.value + " still votes";
  }
  return std::nullopt;
}

std::optional<std::string> broken_truncation(const Raft& before, const Raft& after,
                                             const Input& input, const Outputs& outputs) {
  if (!outputs.truncate) return std::nullopt;
  const SeqNo to = outputs.truncate->last;
  const bool led = before.role() == Leadership::leader;
  const bool leads = after.role() == Leadership::leader;
  if (leads && !led) {
    if (to != before.log().last_committable().seqno) return "A-4: a winner drops too much";
    return std::nullopt;
  }
  if (leads) return "A-4: a leader drops entries of its own log";
  if (std::holds_alternative<input::ValidationFailed>(input)) return std::nullopt;
  const bool conflict = outputs.append && outputs.append->entries.front().id.seqno == to + 1 &&
                        outputs.append->entries.front().id != before.log().id_of(to + 1);
  if (!conflict) return "A-4: entries are dropped without a conflict";
  return std::nullopt;
}

std::optional<std::string> broken_role(const Raft& before, const Raft& after) {
  const Leadership from = before.role();
  const Leadership to = after.role();
  const bool out = after.phase() == MembershipPhase::retired_committed;
  if (to == Leadership::leader && after.view() < first_view) return "I-17: nobody may lead yet";
  if (out && to != Leadership::none) return "I-12: a node that is out takes part";
  if (before.phase() == MembershipPhase::retired_committed && !out) return "A-6: it comes back";
  if (before.phase() == MembershipPhase::completed && after.phase() < before.phase()) {
    return "A-6: a completed removal is undone";
  }
  if (from == to) return std::nullopt;
  const bool may_stand =
      after.phase() == MembershipPhase::completed ||
      after.configurations().is_voter(after.id(), after.log().last_committable().seqno);
  if (from == Leadership::follower && to != Leadership::none && !may_stand) {
    return "I-12: it stands for election and may not";
  }
  const bool stopped = to == Leadership::none && !out;
  const bool rose = from == Leadership::leader && to != Leadership::follower && !out;
  if (stopped || rose) return "A-5: no such change of roles";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> broken_by_step(const Raft& before, const Raft& after, const Input& input,
                                          const Outputs& outputs) {
  const SeqNo commit = before.log().commit();
  if (after.view() < before.view()) return "A-2: the view goes back";
  if (after.log().commit() < commit) return "A-2: the commit point goes back";
  if (after.log().id_of(commit) != before.log().id_of(commit)) return "A-1: committed entries go";
  if (auto why = broken_truncation(before, after, input, outputs)) return why;
  if (auto why = broken_role(before, after)) return why;
  if (auto why = broken_log(after)) return why;
  const bool leads = after.role() == Leadership::leader;
  if (leads && outputs.commit && after.log().view_of(*outputs.commit) != after.view()) {
    return "A-8: a leader commits by an entry of an earlier view";
  }
  const bool same_view = before.view() == after.view();
  if (same_view && before.role() == Leadership::leader && leads) {
    for (const auto& [id, peer] : after.progress()) {
      const auto known = before.progress().find(id);
      if (known != before.progress().end() && peer.match < known->second.match) {
        return "A-3: what a leader knows of a peer shrinks";
      }
    }
  }
  if (same_view && before.voted_for() && after.voted_for() &&
      before.voted_for() != after.voted_for()) {
    return "I-19: a second vote in one view";
  }
  for (const auto& send : outputs.sends) {
    if (send.message.view > after.view()) return "I-9: it speaks for a later view";
    const auto* answer = std::get_if<message::AppendResponse>(&send.message.body);
    if (answer != nullptr && answer->match > after.log().stable()) {
      return "I-20: it acknowledges what is not stable";
    }
  }
  if (const auto* propose = std::get_if<input::Propose>(&input); propose && !outputs.reject) {
    for (const EntryMeta& entry : propose->entries) {
      if (!entry.retired) continue;
      for (const NodeId& node : *entry.retired) {
        const auto phase = after.log().removals().phase(node, after.log().commit());
        if (phase < MembershipPhase::completed) return "I-15: its removal is not committed";
      }
    }
  }
  return std::nullopt;
}

// --------------------------------------------------------------------------------- between nodes

namespace {

std::optional<std::string> broken_between(const Profile& a, const Profile& b, size_t place_of_b) {
  const uint8_t both = std::min(a.commit, b.commit);
  if (a.views[both] != b.views[both]) return "I-1: committed prefixes differ";
  bool equal = true;
  for (size_t at = 1; at <= std::min(a.last, b.last); ++at) {
    const bool same = a.views[at] == b.views[at];
    if (same && !equal) return "I-5: equal ids after different ones";
    equal = equal && same;
  }
  if (a.leads && b.leads && a.view == b.view) return "I-2: two leaders in one view";
  if (!a.leads) return std::nullopt;
  if (b.commit != 0 && b.views[b.commit] <= a.view && a.views[b.commit] != b.views[b.commit]) {
    return "I-7: a leader lacks a committed entry";
  }
  for (size_t at = b.last; at > 0 && b.views[at] >= a.view; --at) {
    if (b.views[at] == a.view && a.views[at] != a.view) {
      return "I-4: a leader lacks an entry of its own view";
    }
  }
  if (a.view == b.view) {
    const uint8_t match = a.matches[place_of_b];
    if (b.stable < match || a.views[match] != b.views[match]) {
      return "I-18: a peer does not hold what the leader thinks";
    }
  }
  return std::nullopt;
}

// Holds for whoever has committed, since nobody drops committed entries.
bool held_by_quorum(std::span<const Profile* const> nodes, const Profile& committer) {
  if (committer.voters == 0) return true;
  size_t voters = 0;
  size_t holders = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if ((committer.voters >> i & 1) == 0) continue;
    ++voters;
    const Profile& node = *nodes[i];
    const uint8_t at = committer.commit;
    holders += node.stable >= at && node.views[at] == committer.views[at] ? 1 : 0;
  }
  return holders >= crash_quorum(voters);
}

}  // namespace

std::optional<std::string> broken_between(std::span<const Profile* const> nodes, size_t changed) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!held_by_quorum(nodes, *nodes[i])) return "I-14: a commit point without a quorum";
    if (i == changed) continue;
    if (auto why = broken_between(*nodes[changed], *nodes[i], i)) return why;
    if (auto why = broken_between(*nodes[i], *nodes[changed], changed)) return why;
  }
  return std::nullopt;
}

bool acknowledges_falsely(const Profile& leader, const Profile& sender, uint8_t view,
                          uint8_t match) {
  return leader.leads && leader.view == view && leader.views[match] != sender.views[match];
}

}  // namespace entente::sim
