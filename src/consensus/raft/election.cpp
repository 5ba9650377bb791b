// Elections: deadlines, pre-votes, votes, and what a winner does first.

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/raft.h"

namespace entente::consensus {
namespace {

// The splitmix64 generator: the same draws on every platform.
uint64_t draw(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

// ---------------------------------------------------------------------------------------- views

void Raft::enter_view(View view) {
  view_ = view;
  voted_for_.reset();
  leader_.reset();
  heard_.reset();
  granted_.clear();
  verified_ = known_commit_ = acknowledged_ = {};
  round_seen_ = 0;
}

void Raft::adopt(View view, Outputs& out) {
  leave_role(out);
  enter_view(view);
  if (role_ != Leadership::none) role_ = Leadership::follower;
  if (broken(Defect::drops_acknowledged)) {
    const SeqNo kept = log_.last_committable().seqno;
    if (kept < log_.last()) truncate(kept, view, out);
  }
}

void Raft::leave_role(Outputs& out) {
  if (role_ != Leadership::leader) return;
  for (const Barrier& barrier : barriers_) out.reads.push_back({barrier.id, false});
  barriers_.clear();
  peers_.clear();
  transfer_.reset();
  policy_.reset();
  round_wanted_ = signing_ = sign_soon_ = opened_ = false;
  if (!out.truncate) next_epoch(log_.last());
}

void Raft::step_down(Outputs& out) {
  leave_role(out);
  role_ = Leadership::follower;
  leader_.reset();
  if (broken(Defect::forgets_vote)) voted_for_.reset();
}

void Raft::reset_deadline() {
  const auto half = options_.election_timeout / 2;
  const uint64_t span = static_cast<uint64_t>((options_.election_timeout - half).count());
  // Above half the timeout, so that a voter which refuses to depose its leader has stopped
  // refusing when its own deadline comes.
  const uint64_t extra = span == 0 ? 0 : 1 + draw(random_) % span;
  deadline_ = now_ + half + MonotonicTime(static_cast<int64_t>(extra));
}

bool Raft::eligible() const {
  const MembershipPhase own = phase();
  if (own == MembershipPhase::retired_committed) return false;
  if (own == MembershipPhase::completed) return !broken(Defect::retires_early);
  const SeqNo upto =
      broken(Defect::removed_campaigns) ? log_.last() : log_.last_committable().seqno;
  return log_.configurations().is_voter(options_.self, upto);
}

// -------------------------------------------------------------------------------------- standing

void Raft::stand(Outputs& out) {
  role_ = Leadership::pre_vote_candidate;
  leader_.reset();
  granted_ = {options_.self};
  reset_deadline();
  const message::RequestPreVote ask{log_.last_committable()};
  for (const auto& [node, address] : log_.configurations().nodes()) {
    if (node != options_.self && log_.configurations().is_voter(node)) send(node, out, ask);
  }
  if (won()) campaign(out);
}

void Raft::campaign(Outputs& out) {
  enter_view({view_.value + 1});
  role_ = Leadership::candidate;
  voted_for_ = options_.self;
  granted_ = {options_.self};
  reset_deadline();
  const message::RequestVote ask{log_.last_committable()};
  for (const auto& [node, address] : log_.configurations().nodes()) {
    if (node != options_.self && log_.configurations().is_voter(node)) send(node, out, ask);
  }
  if (won()) become_leader(out);
}

bool Raft::won() const {
  if (broken(Defect::union_tally)) {
    std::set<NodeId> voters;
    for (const Configuration& one : log_.configurations().all()) {
      for (const auto& [node, address] : one.voters) voters.insert(node);
    }
    size_t count = 0;
    for (const NodeId& node : voters) count += granted_.contains(node) ? 1 : 0;
    return count >= crash_quorum(voters.size());
  }
  // In every active configuration, also those that no signature covers yet.
  return log_.configurations().quorum(SeqNo{UINT64_MAX},
                                      [&](const NodeId& node) { return granted_.contains(node); });
}

void Raft::become_leader(Outputs& out) {
  const SeqNo kept = log_.last_committable().seqno;
  if (kept < log_.last()) {
    truncate(kept, view_, out);
  } else {
    next_epoch(log_.last());
  }
#ifdef ENTENTE_MUTANTS
  if (broken(Defect::forgets_signatures)) log_.forget_committable();
#endif
  role_ = Leadership::leader;
  leader_ = options_.self;
  granted_.clear();
  deadline_.reset();
  opened_ = false;
  round_ = 0;
  policy_.reset();
  policy_.on_commit(log_.committable().size());
  peers_.clear();
  update_peers(out);
  for (auto& [id, peer] : peers_) peer.start_probing(log_.last());
  heartbeat(out);
  signing_ = true;
  out.want_signature = true;
}

// --------------------------------------------------------------------------------------- voting

bool Raft::up_to_date(TxId last_committable) const {
  return last_committable >= log_.last_committable();
}

void Raft::receive(const NodeId& from, View view, const message::RequestPreVote& ask,
                   Outputs& out) {
  const bool lease = hears_leader() && !broken(Defect::removed_campaigns);
  const bool granted =
      view == view_ && role_ != Leadership::leader && !lease && up_to_date(ask.last_committable);
  send(from, out, message::PreVoteResponse{granted});
}

void Raft::receive(const NodeId& from, View view, const message::RequestVote& ask, Outputs& out) {
  const bool free = !voted_for_ || *voted_for_ == from;
  const bool leaderless = !leader_ || *leader_ == from;
  const bool granted = view == view_ && leaderless && free && up_to_date(ask.last_committable);
  if (granted) {
    voted_for_ = from;
    if (eligible()) reset_deadline();
  }
  send(from, out, message::VoteResponse{granted});
}

void Raft::receive(const NodeId& from, View view, const message::PreVoteResponse& vote,
                   Outputs& out) {
  if (role_ != Leadership::pre_vote_candidate || view != view_ || !vote.granted) return;
  granted_.insert(from);
  if (won()) campaign(out);
}

void Raft::receive(const NodeId& from, View view, const message::VoteResponse& vote, Outputs& out) {
  if (role_ != Leadership::candidate || view != view_ || !vote.granted) return;
  granted_.insert(from);
  if (won()) become_leader(out);
}

void Raft::receive(const NodeId& from, View view, const message::ProposeVote&, Outputs& out) {
  if (view != view_ || role_ == Leadership::leader || role_ == Leadership::none) return;
  if (!eligible()) return;
  if (leader_ && *leader_ != from) return;
  campaign(out);
}

}  // namespace entente::consensus
