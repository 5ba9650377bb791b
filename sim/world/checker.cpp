#include "sim/world/checker.h"

#include <algorithm>

namespace entente::sim {
namespace {

std::string text(SeqNo seqno) {
  return std::to_string(seqno.value);
}
std::string text(View view) {
  return std::to_string(view.value);
}

bool standing(Leadership role) {
  return role == Leadership::candidate || role == Leadership::leader;
}

}  // namespace

Checker::Checker(const Nodes& nodes) : nodes_(&nodes) {
  for (const char* name :
       {"elections won", "elections won while a configuration is pending",
        "leader outside the newest configuration", "two leaders in different views",
        "unsigned tail dropped on election", "validation pending at an election",
        "several configurations pending", "conflicts", "conflicts that drop stable entries",
        "commits under joint configurations", "leaders deposed", "refusals of an older view",
        "pre-votes refused because a leader is heard", "notices of removal"}) {
    probes_[name] = 0;
  }
}

void Checker::fail(const std::string& id, const Node& node, const std::string& what) {
  if (!violation_) violation_ = id + " at node " + node.id().value + ": " + what;
}

void Checker::joined(const Node& node) {
  Before& before = before_[node.id()];
  const Log& log = node.core().log();
  before.last = log.last();
  before.stable = log.stable();
  before.commit = log.commit();
  before.view = node.core().view();
  before.role = node.core().role();
  before.configurations = log.configurations().all().size();
  if (node.ledger().size() != log.commit().value) fail("I-21", node, "ledger and core differ");
  for (const EntryMeta& entry : node.ledger()) remember(entry, before);
  if (log.commit().value > committed_.size() ||
      (log.commit().value != 0 &&
       committed_[log.commit().value - 1].id != log.id_of(log.commit()))) {
    return fail("I-1", node, "begins with what nobody committed");
  }
  for (size_t i = 0; i < log.commit().value; ++i) {
    if (log.id_of({i + 1}) != committed_[i].id) {
      return fail("I-21", node, "places " + committed_[i].id.text() + " in another view");
    }
  }
}

void Checker::after_step(const Node& node, const Event& event) {
  if (std::holds_alternative<input::Join>(*event.input)) return joined(node);
  Before& before = before_[node.id()];
  const Raft& core = node.core();
  const Log& log = core.log();

  if (core.view() < before.view) fail("A-2", node, "its view goes back");
  if (log.commit() < before.commit) fail("A-2", node, "its commit point goes back");
  check_truncation(node, event, before);
  check_log(node, event, before);
  if (log.commit() != before.commit) {
    check_refinement(node, before);
    check_commit(node, before);
    check_quorum_log(node);
  }
  check_leader(node, before);
  check_matches(node, before);
  check_hears_quorum(node, event, before);
  check_role(node, before);
  check_pending(node);
  check_membership(node, event, before);
  for (const auto& send : event.outputs->sends) check_sent(node, send);
  check_reads(node, event);
  count_probes(node, event, before);

  before.role = core.role();
  before.view = core.view();
  before.last = log.last();
  before.stable = log.stable();
  before.commit = log.commit();
}

// ------------------------------------------------------------------------------------------ log

void Checker::check_truncation(const Node& node, const Event& event, Before& before) {
  if (!event.outputs->truncate) return;
  const SeqNo to = event.outputs->truncate->last;
  if (to < before.commit) fail("A-1", node, "drops committed entries");
  const bool leads_now = node.leads() && before.role != Leadership::leader;
  if (before.role == Leadership::leader && node.leads()) {
    fail("A-4", node, "a leader drops entries of its own log");
  }
  // What was held is held no more: perhaps too few are left that hold what somebody committed.
  for (const auto& [id, other] : *nodes_) {
    if (other->core().log().commit() > to) check_quorum_log(*other);
  }
  if (leads_now) return;
  if (std::holds_alternative<input::ValidationFailed>(*event.input)) return;
  const bool conflict =
      event.outputs->append && event.outputs->append->entries.front().id.seqno == to + 1;
  if (!conflict) fail("A-4", node, "drops entries without a conflict");
  if (++before.conflicts[node.core().view()] > 1) {
    fail("A-4", node, "drops entries twice in view " + text(node.core().view()));
  }
}

// Every id has one entry and one predecessor, so equal ids at one place mean equal logs up to it.
bool Checker::extends(const Node& node, const EntryMeta& entry, TxId previous, bool proposed) {
  const auto [known, fresh] = known_.try_emplace(entry.id, Known{previous, entry});
  if (proposed && !fresh) {
    fail("G1", node, "proposes a second entry " + entry.id.text());
    return false;
  }
  if (!proposed && fresh) {
    fail("I-5", node, "holds " + entry.id.text() + ", which nobody proposed");
    return false;
  }
  if (known->second.previous != previous || known->second.entry.leaf != entry.leaf) {
    fail("I-5", node,
         "another " + entry.id.text() + " exists, after " + known->second.previous.text() +
             " and not " + previous.text());
    return false;
  }
  return true;
}

void Checker::remember(const EntryMeta& entry, Before& before) {
  if (entry.kind == EntryKind::signature) before.signatures.push_back(entry.id.seqno);
  if (entry.kind == EntryKind::configuration) {
    before.configuration_entries.push_back(entry.id.seqno);
  }
}

void Checker::check_log(const Node& node, const Event& event, Before& before) {
  const Log& log = node.core().log();
  const auto* propose = std::get_if<input::Propose>(event.input);
  const bool proposed = propose != nullptr && !event.outputs->reject;
  const SeqNo from =
      event.outputs->truncate ? std::min(before.last, event.outputs->truncate->last) : before.last;
  while (!before.signatures.empty() && before.signatures.back() > from) {
    before.signatures.pop_back();
  }
  auto& entries = before.configuration_entries;
  while (!entries.empty() && entries.back() > from) entries.pop_back();
  for (SeqNo seqno = from + 1; seqno <= log.last(); ++seqno) {
    const EntryMeta& entry = node.ledger().at(seqno.value - 1);
    const TxId previous = log.id_of(seqno - 1);
    if (entry.id != log.id_of(seqno)) fail("I-21", node, "ledger and core differ");
    if (!extends(node, entry, previous, proposed)) return;
    remember(entry, before);
    views_with_entries_.insert(entry.id.view);
    const bool signature_before =
        seqno.value == 1 || node.ledger()[seqno.value - 2].kind == EntryKind::signature;
    if (entry.id.view < previous.view || (entry.id.view > previous.view && !signature_before)) {
      fail("I-10", node, entry.id.text() + " follows " + previous.text());
    }
    const auto leader = leaders_.find(entry.id.view);
    if (proposed && (leader == leaders_.end() || leader->second != node.id())) {
      fail("I-4", node, "proposes in a view that it does not lead");
    }
    if (proposed && entry.id.view != previous.view && previous.seqno.value != 0 &&
        entry.kind != EntryKind::signature) {
      fail("I-10", node, "opens view " + text(entry.id.view) + " without a signature");
    }
    if (entry.kind == EntryKind::retired && proposed) {
      for (const NodeId& named : *entry.retired) {
        const auto removal = log.removals().all().find(named);
        if (removal == log.removals().all().end() || removal->second.signed_off.value == 0 ||
            removal->second.signed_off > log.commit()) {
          fail("I-15", node, "names " + named.value + ", whose removal is not committed");
        }
      }
    }
  }
  if (log.id_of(log.last()).view > node.core().view()) {
    fail("I-10", node, "holds an entry of a later view than its own");
  }
  check_commit_points(node, event, before);
}

void Checker::check_commit_points(const Node& node, const Event& event, Before& before) {
  const Log& log = node.core().log();
  auto& expected = before.signatures;
  while (!expected.empty() && expected.front() <= log.commit()) expected.pop_front();
  const auto& held = log.committable();
  if (held.size() < expected.size()) return fail("I-13", node, "forgot a signature");
  if (held.size() > expected.size()) return fail("I-13", node, "invented a signature");
  if (held.empty()) return;
  const bool rewritten = event.outputs->truncate || node.core().role() != before.role;
  if (held.front() != expected.front() || held.back() != expected.back() ||
      (rewritten && held != expected)) {
    fail("I-13", node, "takes something else for a signature");
  }
}

// --------------------------------------------------------------------------------------- commit

void Checker::check_commit(const Node& node, const Before& before) {
  const Log& log = node.core().log();
  const SeqNo commit = log.commit();
  // A leader outside of the newest configuration is not needed for its quorum.
  if (commit > log.stable() && !node.leads() && node.core().phase() == MembershipPhase::active) {
    fail("I-8", node, "commits what is not stable");
  }
  for (SeqNo seqno = before.commit + 1; seqno <= commit; ++seqno) {
    const EntryMeta& entry = node.ledger()[seqno.value - 1];
    if (seqno.value <= committed_.size()) {
      if (committed_[seqno.value - 1].id != entry.id) {
        fail("I-1", node,
             "commits " + entry.id.text() + " where " + committed_[seqno.value - 1].id.text() +
                 " is committed");
        return;
      }
    } else {
      committed_.push_back(entry);
    }
  }
  if (node.ledger()[commit.value - 1].kind != EntryKind::signature) {
    fail("I-8", node, "commit point " + text(commit) + " is no signature");
  }
  if (!node.leads()) return;
  if (log.view_of(commit) != node.core().view()) {
    fail("A-8", node,
         "commits " + log.id_of(commit).text() + " in view " + text(node.core().view()));
  }
  check_held_by_quorum(node, commit);
  // Whoever leads a later view must hold it already.
  for (const auto& [id, other] : *nodes_) {
    if (!other->leads() || other->core().view() < log.view_of(commit)) continue;
    if (other->core().log().id_of(commit) != log.id_of(commit)) {
      fail("I-7", *other,
           "leads view " + text(other->core().view()) + " without " + log.id_of(commit).text());
    }
  }
}

void Checker::check_held_by_quorum(const Node& node, SeqNo upto) {
  const Configuration* newest = nullptr;
  for (const Configuration& one : node.core().configurations().all()) {
    if (one.seqno <= upto) newest = &one;
  }
  if (newest == nullptr) return;
  const TxId id = node.core().log().id_of(upto);
  size_t holders = 0;
  for (const auto& [voter, address] : newest->voters) {
    const auto other = nodes_->find(voter);
    if (other == nodes_->end()) continue;
    const Log& log = other->second->core().log();
    holders += log.stable() >= upto && log.id_of(upto) == id ? 1 : 0;
  }
  if (holders < crash_quorum(newest->voters.size())) {
    fail("I-14", node, id.text() + " is committed with " + std::to_string(holders) + " holders");
  }
}

// ------------------------------------------------------------------------------------ leadership

void Checker::check_leader(const Node& node, const Before& before) {
  const Raft& core = node.core();
  if (!node.leads()) return;
  if (core.view() < first_view) fail("I-17", node, "leads before the first view");
  const auto [leader, fresh] = leaders_.try_emplace(core.view(), node.id());
  if (leader->second != node.id()) {
    fail("I-2", node,
         "leads view " + text(core.view()) + ", which " + leader->second.value + " led");
  }
  if (!fresh || before.role == Leadership::leader) return;
  if (views_with_entries_.contains(core.view())) {
    fail("I-3", node, "wins view " + text(core.view()) + ", which has entries");
  }
  // Everything committed in views up to its own.
  size_t upto = committed_.size();
  while (upto > 0 && committed_[upto - 1].id.view > core.view()) --upto;
  if (upto > 0 && core.log().id_of({upto}) != committed_[upto - 1].id) {
    fail("I-7", node,
         "wins view " + text(core.view()) + " without " + committed_[upto - 1].id.text());
  }
}

void Checker::check_matches(const Node& node, Before& before) {
  const Raft& core = node.core();
  if (!node.leads()) {
    before.matches.clear();
    return;
  }
  const bool same_reign = before.role == Leadership::leader && before.view == core.view();
  if (!same_reign) before.matches.clear();
  // A learner that was dropped and comes back is a new peer.
  std::erase_if(before.matches,
                [&](const auto& one) { return !core.progress().contains(one.first); });
  for (const auto& [id, progress] : core.progress()) {
    if (!(progress.match <= progress.sent && progress.sent <= core.log().last())) {
      fail("I-18", node,
           "match " + text(progress.match) + ", sent " + text(progress.sent) + " of " + id.value);
    }
    SeqNo& known = before.matches[id];
    if (known == progress.match) continue;
    if (progress.match < known) fail("A-3", node, "match of " + id.value + " goes back");
    known = progress.match;
    const auto other = nodes_->find(id);
    if (other == nodes_->end() || other->second->core().view() != core.view()) continue;
    const Log& log = other->second->core().log();
    if (log.stable() < known || log.id_of(known) != core.log().id_of(known)) {
      fail("I-18", node, id.value + " does not hold " + text(known));
    }
  }
}

// Whoever hears too few for an election timeout leads no longer, when its clock next moves.
void Checker::check_hears_quorum(const Node& node, const Event& event, Before& before) {
  const Raft& core = node.core();
  if (!node.leads() || before.role != Leadership::leader) before.heard.clear();
  if (!node.leads()) return;
  const auto& peers = core.progress();
  std::erase_if(before.heard, [&](const auto& one) { return !peers.contains(one.first); });
  for (const auto& [peer, progress] : peers) before.heard.try_emplace(peer, node.now());
  if (const auto* received = std::get_if<input::Recv>(event.input)) {
    const bool answers = std::holds_alternative<message::AppendResponse>(received->message.body) &&
                         received->message.view == core.view() && peers.contains(received->from);
    if (answers) before.heard[received->from] = node.now();
  }
  if (!std::holds_alternative<input::Tick>(*event.input)) return;
  const bool enough = core.configurations().quorum(SeqNo{UINT64_MAX}, [&](const NodeId& voter) {
    if (voter == node.id()) return true;
    const auto heard = before.heard.find(voter);
    return heard != before.heard.end() &&
           node.now() - heard->second < core.options().election_timeout;
  });
  if (!enough) fail("L-1", node, "goes on leading although it hears too few");
}

void Checker::check_role(const Node& node, const Before& before) {
  const Leadership from = before.role;
  const Leadership to = node.core().role();
  const MembershipPhase phase = node.core().phase();
  if (phase == MembershipPhase::retired_committed && to != Leadership::none) {
    fail("I-12", node, "takes part although it is out");
  }
  if (from == to) return;
  // A voter of a configuration that it could sign away, or one that has left and still helps.
  const bool may_stand =
      phase == MembershipPhase::completed ||
      node.core().configurations().is_voter(node.id(), node.core().log().last_committable().seqno);
  const bool stands = to == Leadership::pre_vote_candidate || standing(to);
  if (stands && (from == Leadership::follower || from == Leadership::none) && !may_stand) {
    fail("I-12", node, "stands for election and may not");
  }
  const bool stopped = to == Leadership::none && phase != MembershipPhase::retired_committed;
  // From leader only down; a candidacy begins at a follower or an earlier one.
  const bool odd =
      (from == Leadership::leader && to != Leadership::follower && to != Leadership::none) ||
      (from == Leadership::none && standing(to) && before.last.value != 0);
  if (stopped || odd) {
    fail("A-5", node, "from " + std::string(to_text(from)) + " to " + std::string(to_text(to)));
  }
}

// ------------------------------------------------------------------------------------ membership

void Checker::check_membership(const Node& node, const Event& event, Before& before) {
  const Raft& core = node.core();
  const Log& log = core.log();
  const MembershipPhase phase = core.phase();
  if (before.phase == MembershipPhase::retired_committed && phase != before.phase) {
    fail("A-6", node, "comes back after it was out");
  }
  if (before.phase == MembershipPhase::completed && phase < before.phase) {
    fail("A-6", node, "its completed removal is undone");
  }
  before.phase = phase;
  const bool changed = event.outputs->truncate || event.outputs->commit || event.outputs->peers ||
                       log.configurations().all().size() != before.configurations;
  before.configurations = log.configurations().all().size();
  if (!changed) return;

  // From the ledger alone: the last committed configuration and every later one.
  std::vector<SeqNo> expected;
  const auto& entries = before.configuration_entries;
  for (auto seqno = entries.rbegin(); seqno != entries.rend(); ++seqno) {
    expected.push_back(*seqno);
    if (*seqno <= log.commit()) break;
  }
  std::vector<SeqNo> held;
  for (const Configuration& one : log.configurations().all()) held.push_back(one.seqno);
  std::reverse(held.begin(), held.end());
  const bool bootstrap = !held.empty() && held.back().value == 0;
  if (bootstrap) held.pop_back();
  if (held != expected) fail("I-11", node, "its configurations are not those of its log");
  for (const auto& [removed, removal] : log.removals().all()) {
    if (log.removals().phase(removed, log.commit()) < MembershipPhase::completed) continue;
    if (log.configurations().is_voter(removed)) {
      fail("I-16", node, removed.value + " votes although its removal is committed");
    }
  }
}

// ---------------------------------------------------------------------------------------- outputs

void Checker::check_sent(const Node& node, const Outputs::Send& send) {
  const Raft& core = node.core();
  if (send.message.view > core.view()) fail("I-9", node, "speaks for a later view");
  const auto vote = [&](const NodeId& candidate) {
    const auto [given, fresh] = votes_.try_emplace({send.message.view, node.id()}, candidate);
    if (given->second != candidate) {
      fail("I-19", node, "votes twice in view " + text(send.message.view));
    }
  };
  if (const auto* answer = std::get_if<message::VoteResponse>(&send.message.body)) {
    if (answer->granted) vote(send.to);
  }
  if (std::holds_alternative<message::RequestVote>(send.message.body)) vote(node.id());
  const auto* ack = std::get_if<message::AppendResponse>(&send.message.body);
  if (ack == nullptr || ack->refusal != message::AppendRefusal::none) return;
  if (ack->match > core.log().stable()) fail("I-20", node, "acknowledges what is not stable");
  const auto leader = leaders_.find(send.message.view);
  if (leader == leaders_.end()) return fail("I-20", node, "acknowledges to nobody");
  const auto other = nodes_->find(leader->second);
  if (other == nodes_->end() || other->second->core().view() != send.message.view) return;
  if (other->second->core().log().id_of(ack->match) != core.log().id_of(ack->match)) {
    fail("I-20", node, "acknowledges " + text(ack->match) + ", which differs from the leader's");
  }
}

void Checker::check_reads(const Node& node, const Event& event) {
  if (const auto* barrier = std::get_if<input::ReadBarrier>(event.input)) {
    barriers_[{node.id(), barrier->id}] = committed_.size();
  }
  for (const auto& read : event.outputs->reads) {
    if (!read.ready) continue;
    const size_t upto = barriers_[{node.id(), read.id}];
    if (upto > 0 && node.core().log().id_of({upto}) != committed_[upto - 1].id) {
      fail("G7", node, "a barrier read misses " + committed_[upto - 1].id.text());
    }
  }
}

// ----------------------------------------------------------------------------------------- probes

void Checker::count_probes(const Node& node, const Event& event, const Before& before) {
  const Raft& core = node.core();
  const auto& configurations = core.configurations().all();
  const auto pending =
      std::count_if(configurations.begin(), configurations.end(),
                    [&](const Configuration& one) { return one.seqno > core.log().commit(); });
  const bool won = node.leads() && before.role != Leadership::leader;
  if (won) {
    probe("elections won");
    if (pending > 0) probe("elections won while a configuration is pending");
    if (!configurations.empty() && !configurations.back().voters.contains(node.id())) {
      probe("leader outside the newest configuration");
    }
    for (const auto& [id, other] : *nodes_) {
      if (id != node.id() && other->leads()) probe("two leaders in different views");
    }
    if (event.outputs->truncate) probe("unsigned tail dropped on election");
    if (!node.waiting().empty()) probe("validation pending at an election");
  }
  if (node.leads() && pending > 1) probe("several configurations pending");
  if (event.outputs->truncate && !won) {
    probe("conflicts");
    const SeqNo to = event.outputs->truncate->last;
    if (before.stable > to) probe("conflicts that drop stable entries");
  }
  if (event.outputs->commit && configurations.size() > 1 && node.leads()) {
    probe("commits under joint configurations");
  }
  if (before.role == Leadership::leader && !node.leads()) probe("leaders deposed");
  const auto* received = std::get_if<input::Recv>(event.input);
  if (received == nullptr) return;
  const auto* answer = std::get_if<message::AppendResponse>(&received->message.body);
  if (answer != nullptr && answer->refusal != message::AppendRefusal::none &&
      received->message.view < core.view()) {
    probe("refusals of an older view");
  }
  if (std::holds_alternative<message::RequestPreVote>(received->message.body) &&
      core.hears_leader()) {
    probe("pre-votes refused because a leader is heard");
  }
  if (std::holds_alternative<message::RemovedNotice>(received->message.body)) {
    probe("notices of removal");
  }
}

}  // namespace entente::sim
