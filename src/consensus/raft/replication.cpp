// Leading: what is sent to the peers, and what their answers mean.

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/raft.h"

namespace entente::consensus {

// -------------------------------------------------------------------------------------- sending

void Raft::send_append(const NodeId& to, Progress& peer, Outputs& out) {
  if (peer.mode == Progress::Mode::snapshot) peer.sent = log_.last();
  message::AppendEntries append;
  append.prev = log_.id_of(peer.sent);
  append.end = peer.sent;
  append.entries_view = append.prev.view;
  append.commit = log_.commit();
  append.round = round_;
  // What it waits for may take long to read: rounds of reads must not start that again.
  if (peer.sent < log_.last() && !peer.waiting) {
    if (peer.sent + 1 < first_stored_) {
      peer.mode = Progress::Mode::snapshot;
      out.need_snapshot.push_back(to);
    } else {
      fill(append, peer);
    }
  }
  peer.commit_sent = append.commit;
  send(to, out, std::move(append));
}

void Raft::fill(message::AppendEntries& append, Progress& peer) const {
  const SeqNo first = peer.sent + 1;
  append.entries_view = log_.view_of(first);
  const SeqNo view_end = log_.views().end_of(first, log_.last());
  SeqNo end = std::min(view_end, peer.sent + options_.append_entries);
  if (peer.sent < log_.base()) {
    // The driver adds them from its ledger and may send fewer, so wait for the answer.
    append.end = std::min(end, log_.base());
    peer.mode = Progress::Mode::probe;
    peer.waiting = true;
    return;
  }
  const bool streaming = peer.mode == Progress::Mode::replicate;
  uint64_t bytes = 0;
  for (SeqNo seqno = first; seqno <= end; ++seqno) {
    const EntryMeta& entry = log_.at(seqno);
    const bool too_large = bytes + entry.bytes > options_.append_bytes && seqno != first;
    const bool too_much = streaming &&
                          peer.bytes_in_flight + bytes + entry.bytes > options_.in_flight_bytes &&
                          peer.bytes_in_flight + bytes != 0;
    if (too_large || too_much) break;
    bytes += entry.bytes;
    append.entries.push_back(entry);
    append.end = seqno;
  }
  if (append.entries.empty()) {
    append.entries_view = append.prev.view;
  } else if (streaming) {
    peer.sent = append.end;
    peer.fly(append.end, bytes);
  } else {
    peer.waiting = true;
  }
}

bool Raft::worth_sending(const Progress& peer) const {
  if (peer.mode == Progress::Mode::snapshot || peer.waiting) return false;
  if (peer.sent >= log_.last()) return false;
  if (peer.sent < log_.base()) return true;
  if (peer.mode == Progress::Mode::replicate && peer.bytes_in_flight >= options_.in_flight_bytes) {
    return false;
  }
  // A signature never waits; what no signature covers yet may wait for company.
  const SeqNo signature = log_.signature_upto(log_.last()).value_or(log_.commit());
  if (signature > peer.sent) return true;
  uint64_t bytes = 0;
  for (SeqNo seqno = peer.sent + 1; seqno <= log_.last(); ++seqno) {
    bytes += log_.at(seqno).bytes;
    if (bytes >= options_.stream_bytes) return true;
  }
  return false;
}

void Raft::send_due(Outputs& out) {
  if (role_ != Leadership::leader) return;
  if (round_wanted_) {
    round_wanted_ = false;
    ++round_;
    for (auto& [id, peer] : peers_) send_append(id, peer, out);
  }
  for (auto& [id, peer] : peers_) {
    while (worth_sending(peer)) {
      const SeqNo before = peer.sent;
      send_append(id, peer, out);
      if (peer.sent == before) break;
    }
    const bool streaming = peer.mode == Progress::Mode::replicate;
    if (streaming && peer.commit_sent < log_.commit()) send_append(id, peer, out);
  }
  hand_over(out);
}

void Raft::heartbeat(Outputs& out) {
  heartbeat_at_ = now_ + options_.heartbeat;
  for (auto& [id, peer] : peers_) {
    peer.waiting = false;  // what it waits for may be lost
    send_append(id, peer, out);
  }
  want_retired(out);
}

// -------------------------------------------------------------------------------------- answers

void Raft::receive(const NodeId& from, View view, const message::AppendResponse& answer,
                   Outputs& out) {
  const bool current = view == view_ || broken(Defect::eager_rollback);
  if (role_ != Leadership::leader || !current) return;
  const auto found = peers_.find(from);
  if (found == peers_.end()) return;
  Progress& peer = found->second;
  peer.last_ack = now_;
  peer.round_acked = std::max(peer.round_acked, std::min(answer.round, round_));
  if (answer.refusal == message::AppendRefusal::none) {
    accepted(peer, answer, out);
  } else {
    refused(from, peer, answer, out);
  }
  release_reads(out);
}

void Raft::accepted(Progress& peer, const message::AppendResponse& answer, Outputs& out) {
  if (answer.match > log_.last()) {
    out.alarm = "a peer acknowledged more than there is";
    return;
  }
  // Without anything new it answers a heartbeat, and not what the peer waits for.
  const bool progress = answer.match > peer.match;
  if (progress) {
    peer.invalid = 0;
    peer.waiting = false;
  }
  peer.match = std::max(peer.match, answer.match);
  peer.sent = std::max(peer.sent, peer.match);
  peer.landed(peer.match);
  // What it lacks is still not stored: only heartbeats go to it, or the two would never be quiet.
  const bool stuck = peer.mode == Progress::Mode::snapshot && peer.match < log_.last() &&
                     peer.match + 1 < first_stored_;
  if (!stuck) peer.mode = Progress::Mode::replicate;
  advance_commit(out);
}

void Raft::refused(const NodeId& id, Progress& peer, const message::AppendResponse& answer,
                   Outputs& out) {
  constexpr uint32_t suspicious = 3;
  if (answer.refusal == message::AppendRefusal::invalid && ++peer.invalid == suspicious) {
    out.alarm = id.value + " refuses the same entries as invalid again and again";
  }
  const SeqNo before = peer.sent;
  SeqNo from = log_.highest_possible(answer.hint).seqno;
  if (broken(Defect::refusal_overwrites)) {
    peer.start_probing(std::max(peer.match, std::min(log_.last(), answer.hint.seqno)));
    return;
  }
  const bool invalid = answer.refusal == message::AppendRefusal::invalid;
  // Overtaken by an acknowledgement.
  if (from < peer.match && !invalid && !broken(Defect::match_lowered)) return;
  from = std::max(peer.match, std::min(peer.sent, from));
  if (broken(Defect::match_lowered)) {
    from = std::min(peer.sent, log_.highest_possible(answer.hint).seqno);
    // The index of the refusal was taken for what the peer holds.
    peer.match = from;
  }
  peer.start_probing(from);
  // A refusal that teaches nothing must not be answered at once, or two nodes shout at each other.
  peer.waiting = from == before;
  if (!peer.waiting) send_append(id, peer, out);
}

bool Raft::hears_quorum() const {
  const auto heard = [&](const NodeId& node) {
    if (node == options_.self) return true;
    const auto peer = peers_.find(node);
    return peer != peers_.end() && now_ - peer->second.last_ack < options_.election_timeout;
  };
  if (broken(Defect::any_quorum)) {
    for (const Configuration& one : log_.configurations().all()) {
      size_t count = 0;
      for (const auto& [node, address] : one.voters) count += heard(node) ? 1 : 0;
      if (count >= crash_quorum(one.voters.size())) return true;
    }
    return false;
  }
  return log_.configurations().quorum(SeqNo{UINT64_MAX}, heard);
}

}  // namespace entente::consensus
