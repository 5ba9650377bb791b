// Following: what a node does with the entries of its leader.

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/raft.h"

namespace entente::consensus {
namespace {

bool well_formed(const message::AppendEntries& append) {
  if (append.end < append.prev.seqno) return false;
  if (append.entries.size() != append.end - append.prev.seqno) return false;
  if (append.prev.view > append.entries_view) return false;
  SeqNo next = append.prev.seqno + 1;
  for (const EntryMeta& entry : append.entries) {
    if (entry.id != TxId{append.entries_view, next}) return false;
    const bool configures = entry.kind == EntryKind::configuration;
    if (configures != bool(entry.configuration)) return false;
    if (configures && entry.configuration->seqno != next) return false;
    if ((entry.kind == EntryKind::retired) != bool(entry.retired)) return false;
    ++next;
  }
  return true;
}

}  // namespace

void Raft::receive(const NodeId& from, View view, const message::AppendEntries& append,
                   Outputs& out) {
  if (!well_formed(append) || append.entries_view > view) {
    out.reject = "malformed entries from " + from.value;
    return;
  }
  if (view < view_) {
    send(from, out,
         message::AppendResponse{message::AppendRefusal::stale_view, {}, last(), append.round});
    return;
  }
  // At most one leader in a view, ever.
  ENTENTE_ASSERT(role_ != Leadership::leader);
  ENTENTE_ASSERT(!leader_ || *leader_ == from || broken(Defect::any));
  if (role_ != Leadership::follower && phase() != MembershipPhase::retired_committed) {
    const bool was_standing = role_ != Leadership::none;
    role_ = Leadership::follower;
    if (broken(Defect::forgets_vote) && was_standing) voted_for_.reset();
    if (broken(Defect::drops_acknowledged) && was_standing) {
      const SeqNo kept = log_.last_committable().seqno;
      if (kept < log_.last()) truncate(kept, view, out);
    }
  }
  leader_ = from;
  heard_ = now_;
  if (eligible()) reset_deadline();
  round_seen_ = std::max(round_seen_, append.round);

  // Below the commit point nothing can differ.
  const bool comparable = append.prev.seqno >= log_.commit();
  if (append.prev.seqno > log_.last()) {
    refuse(message::AppendRefusal::gap, last(), append.round, out);
    if (broken(Defect::forgets_vote)) leader_.reset();
    return;
  }
  if (comparable && log_.view_of(append.prev.seqno) != append.prev.view) {
    refuse(message::AppendRefusal::mismatch, log_.highest_possible(append.prev), append.round, out);
    if (broken(Defect::forgets_vote)) leader_.reset();
    return;
  }
  take(append, out);
}

void Raft::take(const message::AppendEntries& append, Outputs& out) {
  if (broken(Defect::eager_rollback) && append.prev.seqno < log_.last()) {
    truncate(append.prev.seqno, append.entries_view, out);
  }
  Outputs::Append taken;
  for (const EntryMeta& entry : append.entries) {
    const SeqNo at = entry.id.seqno;
    if (at <= log_.commit()) continue;
    if (at <= log_.last()) {
      if (log_.view_of(at) == entry.id.view) continue;
      // A true conflict, and only above the commit point (checked by truncate).
      truncate(at - 1, entry.id.view, out);
    }
    ENTENTE_ASSERT(entry.id.view >= log_.view_of(log_.last()));
    log_.append(entry);
    if (entry.configuration || entry.retired) membership_changed_ = true;
    taken.entries.push_back(entry);
  }
  verified_ = std::max({verified_, append.end, log_.commit()});
  known_commit_ = std::max(known_commit_, append.commit);
  follow_commit(out);
  if (taken.entries.empty()) return acknowledge(out);
  taken.epoch = epoch_;
  out.append = std::move(taken);
}

void Raft::refuse(message::AppendRefusal why, TxId hint, uint64_t round, Outputs& out) {
  send(*leader_, out, message::AppendResponse{why, {}, hint, round});
}

void Raft::acknowledge(Outputs& out) {
  // Not the end of the local log: what lies above the leader's may be of another branch.
  SeqNo match = std::min(verified_, log_.stable());
  if (broken(Defect::acks_own_tail)) match = log_.stable();
  acknowledged_ = std::max(acknowledged_, match);
  send(*leader_, out,
       message::AppendResponse{message::AppendRefusal::none, match, {}, round_seen_});
}

void Raft::follow_commit(Outputs& out) {
  SeqNo upto = std::min({known_commit_, verified_, log_.stable()});
  if (broken(Defect::commits_unverified)) upto = std::min(known_commit_, log_.stable());
  if (const auto signature = log_.signature_upto(upto)) committed_upto(*signature, out);
}

void Raft::on(const input::Stable& stable, Outputs& out) {
  const auto upto = surviving(stable.epoch, stable.upto);
  if (!upto || *upto <= log_.stable()) return;
  ENTENTE_ASSERT(*upto <= log_.last());
  log_.set_stable(*upto);
  std::erase_if(floors_, [&](const auto& one) { return one.second <= log_.stable(); });
  if (role_ == Leadership::leader) return advance_commit(out);
  follow_commit(out);
  if (leader_ && std::min(verified_, log_.stable()) > acknowledged_) acknowledge(out);
}

void Raft::on(const input::ValidationFailed& failed, Outputs& out) {
  const auto at = surviving(failed.epoch, failed.at);
  if (!at || *at != failed.at || *at <= log_.stable() || *at > log_.last()) return;
  out.alarm = "entry " + log_.id_of(*at).text() + " is not valid";
  // A leader made it itself; it will never be stable here, so it cannot commit by this node.
  if (role_ == Leadership::leader) return;
  truncate(*at - 1, view_, out);
  if (leader_) refuse(message::AppendRefusal::invalid, last(), round_seen_, out);
}

}  // namespace entente::consensus
