#include "consensus/raft/raft.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::consensus {

Raft::Raft(RaftOptions options)
    : options_(std::move(options)),
      random_(options_.seed),
      log_(options_.retained_entries),
      policy_(options_.signatures) {
  // Nodes with one seed must not draw the same deadlines.
  for (const char c : options_.self.value) random_ = random_ * 1099511628211u + uint8_t(c);
}

Outputs Raft::step(const Input& input) {
  Outputs out;
  std::visit([&](const auto& one) { on(one, out); }, input);
  conclude(out);
  schedule(out);
  check_invariants();
  return out;
}

// ----------------------------------------------------------------------------------- bootstrap

void Raft::lead_alone(View view) {
  started_ = true;
  view_ = view;
  role_ = Leadership::leader;
  leader_ = voted_for_ = options_.self;
  epoch_ = Epoch{1};
  opened_ = true;  // by the transactions that create or recover the service
  membership_changed_ = true;
}

void Raft::on(const input::Start& start, Outputs& out) {
  if (started_) {
    out.reject = "the core was started before";
    return;
  }
  log_.begin({}, {}, {{SeqNo{0}, {{options_.self, start.address}}}}, {});
  lead_alone(first_view);
}

void Raft::on(const input::Recover& recover, Outputs& out) {
  if (started_) {
    out.reject = "the core was started before";
    return;
  }
  log_.begin(recover.last, recover.views,
             {{recover.last.seqno, {{options_.self, recover.address}}}},
             Removals::from(recover.removals));
  lead_alone({recover.last.view.value + 2});
}

void Raft::on(const input::Join& join, Outputs& out) {
  if (started_) {
    out.reject = "the core was started before";
    return;
  }
  started_ = true;
  ViewHistory views = join.views;
  if (broken(Defect::last_view_only) && join.last.seqno.value != 0) {
    views = {};
    views.append(join.last.view, SeqNo{1});
  }
  log_.begin(join.last, std::move(views), join.configurations, Removals::from(join.removals));
  view_ = join.last.view;
  epoch_ = Epoch{1};
  membership_changed_ = true;
}

// -------------------------------------------------------------------------------- time and mail

void Raft::on(const input::Tick& tick, Outputs& out) {
  now_ = std::max(now_, tick.now);
  run_timers(out);
  consider_signing(out);
}

void Raft::on(const input::Flush& flush, Outputs& out) {
  now_ = std::max(now_, flush.now);
  run_timers(out);
  send_due(out);
  consider_signing(out);
}

void Raft::run_timers(Outputs& out) {
  if (role_ == Leadership::leader) {
    if (!hears_quorum()) return step_down(out);
    if (transfer_ && transfer_->until <= now_) transfer_.reset();
    if (heartbeat_at_ <= now_) heartbeat(out);
    return;
  }
  if (deadline_ && *deadline_ <= now_) stand(out);
}

// After every input, and only once its consequences stand: a deadline that was armed and that no
// output names may never be looked at.
void Raft::schedule(Outputs& out) const {
  const auto at = [&](MonotonicTime when) {
    out.wake_at = out.wake_at ? std::min(*out.wake_at, when) : when;
  };
  if (role_ == Leadership::leader && !peers_.empty()) at(heartbeat_at_);
  if (role_ != Leadership::leader && deadline_) at(*deadline_);
}

void Raft::on(const input::Measured& measured, Outputs&) {
  policy_.tune(measured.round_trip, measured.signing);
}

void Raft::on(const input::FirstStored& stored, Outputs&) {
  first_stored_ = std::max(first_stored_, stored.first);
}

void Raft::on(const input::Recv& received, Outputs& out) {
  now_ = std::max(now_, received.now);
  if (!started_ || received.from == options_.self) {
    out.reject = "nobody expects a message";
    return;
  }
  const Message& message = received.message;
  const bool asks_for_votes = std::holds_alternative<message::RequestPreVote>(message.body) ||
                              std::holds_alternative<message::RequestVote>(message.body);
  // Before the view is looked at: a node that is out must not depose anybody by a higher view.
  if (asks_for_votes && notify_removed(received.from, out)) return;
  if (message.view > view_) adopt(message.view, out);
  std::visit([&](const auto& body) { receive(received.from, message.view, body, out); },
             message.body);
}

void Raft::send(const NodeId& to, Outputs& out, decltype(Message::body) body) {
  out.sends.push_back({to, {view_, std::move(body)}});
}

// --------------------------------------------------------------------------------------- epochs

Epoch Raft::next_epoch(SeqNo floor) {
  constexpr size_t remembered = 16;
  for (auto& [epoch, reached] : floors_) reached = std::min(reached, floor);
  floors_[epoch_] = floor;
  // What an older tail can still say is known already.
  std::erase_if(floors_, [&](const auto& one) { return one.second <= log_.stable(); });
  while (floors_.size() > remembered) floors_.erase(floors_.begin());
  return epoch_ = Epoch{epoch_.value + 1};
}

void Raft::truncate(SeqNo last, View next_view, Outputs& out) {
  log_.truncate(last);
  verified_ = std::min(verified_, last);
  out.truncate = {last, next_epoch(last), next_view};
  membership_changed_ = true;
}

std::optional<SeqNo> Raft::surviving(Epoch epoch, SeqNo upto) const {
  if (epoch == epoch_) return upto;
  const auto floor = floors_.find(epoch);
  if (floor == floors_.end()) return std::nullopt;
  return std::min(upto, floor->second);
}

// ------------------------------------------------------------------------------ after each step

void Raft::conclude(Outputs& out) {
  if (!started_) return;
  if (phase() == MembershipPhase::retired_committed) retire(out);
  if (membership_changed_) update_peers(out);
  if (role_ == Leadership::leader || role_ == Leadership::none || !eligible()) {
    deadline_.reset();
    const bool standing = role_ == Leadership::pre_vote_candidate || role_ == Leadership::candidate;
    if (standing) role_ = Leadership::follower;
  } else if (!deadline_) {
    reset_deadline();
  }
  const Outputs::Role role{role_, view_, epoch_, leader_, phase()};
  if (role != reported_role_) {
    reported_role_ = role;
    out.role = role;
  }
  const auto pressure = pressure_now();
  if (pressure != reported_pressure_) {
    reported_pressure_ = pressure;
    out.pressure = pressure;
  }
}

void Raft::check_invariants() const {
  log_.check_invariants();
  ENTENTE_ASSERT(role_ != Leadership::leader || view_ >= first_view);
  ENTENTE_ASSERT(log_.id_of(log_.last()).view <= view_);
  if (role_ != Leadership::leader) return;
  for (const auto& [id, peer] : peers_) {
    ENTENTE_ASSERT((peer.match <= peer.sent && peer.sent <= log_.last()) || broken(Defect::any));
  }
}

// ----------------------------------------------------------------------------------- questions

TxStatus Raft::status(TxId id) const {
  return evaluate_status(id, log_.view_of(id.seqno), committed());
}

MembershipPhase Raft::phase() const {
  if (removed_) return MembershipPhase::retired_committed;
  return log_.removals().phase(options_.self, log_.commit());
}

bool Raft::hears_leader() const {
  return role_ == Leadership::leader || (heard_ && now_ - *heard_ < options_.election_timeout / 2);
}

Details Raft::details() const {
  Details details;
  details.configurations = log_.configurations().all();
  details.phase = phase();
  details.membership =
      details.phase == MembershipPhase::active ? Membership::active : Membership::retired;
  details.leadership = role_;
  details.view = view_;
  details.primary = leader_;
  for (const auto& [id, peer] : peers_) details.acks[id] = {peer.match, now_ - peer.last_ack};
  return details;
}

StateHash Raft::state_hash(const Renaming& renaming) const {
  StateHasher hasher(renaming);
  const auto node = [&](const std::optional<NodeId>& id) {
    hasher.add(uint64_t{id.has_value()});
    if (id) hasher.add(*id);
  };
  hasher.add(options_.self);
  hasher.add(uint64_t{started_} | uint64_t{removed_} << 1 | uint64_t{opened_} << 2 |
             uint64_t{signing_} << 3 | uint64_t{hears_leader()} << 4 |
             uint64_t{round_wanted_} << 5 | static_cast<uint64_t>(role_) << 8);
  hasher.add(view_);
  node(voted_for_);
  node(leader_);
  log_.hash(hasher);
  hasher.add_unordered(granted_, [](StateHasher& one, const NodeId& id) { one.add(id); });
  hasher.add(verified_);
  hasher.add(known_commit_);
  hasher.add(acknowledged_);
  hasher.add(round_seen_);
  hasher.add(round_);
  hasher.add_unordered(peers_, [](StateHasher& one, const auto& peer) {
    one.add(peer.first);
    one.add(peer.second.match);
    one.add(peer.second.sent);
    one.add(static_cast<uint64_t>(peer.second.mode) << 1 | uint64_t{peer.second.waiting});
    one.add(peer.second.commit_sent);
    one.add(peer.second.round_acked);
  });
  for (const Barrier& barrier : barriers_) {
    hasher.add(barrier.id);
    hasher.add(barrier.round);
  }
  if (transfer_) {
    node(transfer_->target);
    hasher.add(transfer_->at_least);
  }
  // What reports of older epochs would still mean.
  for (const auto& [epoch, floor] : floors_) {
    hasher.add(epoch_.value - epoch.value);
    hasher.add(floor);
  }
  return hasher.finish();
}

}  // namespace entente::consensus
