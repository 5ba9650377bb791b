// Who takes part: peers, nodes that leave, and handing leadership over.

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/raft.h"

namespace entente::consensus {

std::optional<std::string> Raft::refusal(const Configuration& next) const {
  if (role_ != Leadership::leader) return "this node does not lead";
  if (next.voters.empty()) return "a configuration needs a voter";
  if (next.voters.size() + next.learners.size() > message_limit::nodes) {
    return "a configuration names too many nodes";
  }
  const auto& active = log_.configurations().all();
  const auto pending = std::count_if(active.begin(), active.end(),
                                     [&](const auto& one) { return one.seqno > log_.commit(); });
  if (static_cast<size_t>(pending) >= options_.max_pending_configurations) {
    return "too many configurations are pending";
  }
  for (const auto& [node, address] : next.learners) {
    if (next.voters.contains(node)) return node.value + " cannot vote and learn";
    if (log_.removals().all().contains(node)) return node.value + " was removed before";
  }
  for (const auto& [node, address] : next.voters) {
    if (log_.removals().all().contains(node)) return node.value + " was removed before";
    const bool learns = !active.empty() && active.back().learners.contains(node);
    const auto peer = peers_.find(node);
    if (learns && peer != peers_.end() && peer->second.match + options_.learner_lag < log_.last()) {
      return node.value + " has not caught up yet";
    }
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------- peers

void Raft::update_peers(Outputs& out) {
  membership_changed_ = false;
  std::map<NodeId, Peer> peers;
  for (const auto& [node, address] : log_.configurations().nodes()) {
    const bool votes = log_.configurations().is_voter(node);
    peers[node] = {address, votes ? PeerKind::voter : PeerKind::learner};
  }
  // Whoever leaves may be needed until every possible leader knows that it is out.
  for (const auto& [node, removal] : log_.removals().all()) {
    const MembershipPhase at = log_.removals().phase(node, log_.commit());
    if (at == MembershipPhase::retired_committed || peers.contains(node)) continue;
    if (broken(Defect::retires_early) && at >= MembershipPhase::completed) continue;
    const auto known = reported_peers_.find(node);
    peers[node] = {known == reported_peers_.end() ? "" : known->second.address, PeerKind::leaving};
  }
  peers.erase(options_.self);
  if (role_ == Leadership::leader) update_progress(peers, out);
  if (peers == reported_peers_) return;
  reported_peers_ = peers;
  out.peers = std::move(peers);
}

void Raft::update_progress(const std::map<NodeId, Peer>& peers, Outputs& out) {
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    if (peers.contains(peer->first)) {
      ++peer;
      continue;
    }
    // A last word, so that it may learn that it is out.
    peer->second.waiting = false;
    send_append(peer->first, peer->second, out);
    peer = peers_.erase(peer);
  }
  if (!peers.empty() && peers_.empty()) heartbeat_at_ = now_ + options_.heartbeat;
  for (const auto& [node, peer] : peers) {
    const auto [added, fresh] = peers_.try_emplace(node);
    if (!fresh) continue;
    added->second.last_ack = now_;
    added->second.start_probing(std::min(added_at(node), log_.last()));
  }
}

SeqNo Raft::added_at(const NodeId& node) const {
  for (const Configuration& one : log_.configurations().all()) {
    if (!one.voters.contains(node) && !one.learners.contains(node)) continue;
    return one.seqno.value == 0 ? one.seqno : one.seqno - 1;
  }
  return log_.last();
}

// --------------------------------------------------------------------------------------- leaving

void Raft::want_retired(Outputs& out) const {
  if (role_ != Leadership::leader || !opened_) return;
  out.want_retired = log_.removals().to_name(log_.commit());
}

void Raft::retire(Outputs& out) {
  if (role_ == Leadership::none) return;
  if (role_ == Leadership::leader) {
    const auto next = successor();
    for (auto& [id, peer] : peers_) {
      peer.waiting = false;
      send_append(id, peer, out);
    }
    if (next) send(*next, out, message::ProposeVote{});
    leave_role(out);
  }
  role_ = Leadership::none;
  leader_.reset();
  granted_.clear();
}

bool Raft::notify_removed(const NodeId& from, Outputs& out) {
  if (broken(Defect::removed_campaigns)) return false;
  if (log_.removals().phase(from, log_.commit()) != MembershipPhase::retired_committed) {
    return false;
  }
  const SeqNo said = log_.removals().all().at(from).retired;
  send(from, out, message::RemovedNotice{log_.id_of(said), {}});
  return true;
}

void Raft::receive(const NodeId&, View, const message::RemovedNotice&, Outputs&) {
  removed_ = true;  // conclude() retires
}

// ---------------------------------------------------------------------------------- handing over

std::optional<NodeId> Raft::successor() const {
  if (log_.configurations().empty()) return std::nullopt;
  const Configuration& newest = log_.configurations().all().back();
  std::optional<NodeId> best;
  SeqNo furthest;
  for (const auto& [id, peer] : peers_) {
    if (!newest.voters.contains(id)) continue;
    if (best && peer.match <= furthest) continue;
    best = id;
    furthest = peer.match;
  }
  return best;
}

void Raft::on(const input::TransferLeadership& transfer, Outputs& out) {
  if (role_ != Leadership::leader) {
    out.reject = "this node does not lead";
    return;
  }
  const auto target = transfer.target ? transfer.target : successor();
  const bool votes = target && *target != options_.self &&
                     log_.configurations().is_voter(*target) && peers_.contains(*target);
  if (!votes) {
    out.reject = "there is nobody to hand over to";
    return;
  }
  // What is unsigned when the next view opens is lost: sign it first.
  const bool unsigned_tail = policy_.unsigned_entries() > 0;
  transfer_ =
      Transfer{transfer.target, unsigned_tail ? log_.last() + 1 : log_.last_committable().seqno,
               now_ + options_.election_timeout};
  sign_soon_ = unsigned_tail;
  hand_over(out);
}

void Raft::hand_over(Outputs& out) {
  if (!transfer_) return;
  const SeqNo signature = log_.signature_upto(log_.last()).value_or(log_.commit());
  if (signature < transfer_->at_least) return;
  const auto target = transfer_->target ? transfer_->target : successor();
  if (!target) return;
  const auto peer = peers_.find(*target);
  if (peer == peers_.end() || peer->second.match < signature) return;
  send(*target, out, message::ProposeVote{});
  transfer_.reset();
}

}  // namespace entente::consensus
