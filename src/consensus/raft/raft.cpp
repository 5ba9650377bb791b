#include "consensus/raft/raft.h"

#include "base/assert.h"

namespace entente::consensus {

Raft::Raft(RaftOptions options) : options_(std::move(options)), policy_(options_.signatures) {}

Outputs Raft::step(const Input& input) {
  Outputs out;
  std::visit([&](const auto& one) { on(one, out); }, input);
  check_invariants();
  return out;
}

void Raft::on(const input::Start& start, Outputs& out) {
  if (started_) {
    out.reject = "the core was started before";
    return;
  }
  started_ = true;
  configurations_.append({SeqNo{0}, {{options_.self, start.address}}});
  role_ = Leadership::leader;
  view_ = first_view;
  epoch_ = Epoch{1};
  out.role = Outputs::Role{role_, view_, epoch_, options_.self};
}

void Raft::on(const input::Tick& tick, Outputs& out) { consider_signing(tick.now, out); }

void Raft::on(const input::Flush& flush, Outputs& out) { consider_signing(flush.now, out); }

std::optional<std::string> Raft::refusal(const input::Propose& propose) const {
  if (role_ != Leadership::leader) return "this node does not lead";
  if (propose.epoch != epoch_) return "the proposal is of another epoch";
  SeqNo next = last_ + 1;
  for (const EntryMeta& entry : propose.entries) {
    if (entry.id.view != view_) return "entry " + entry.id.text() + " is of another view";
    if (entry.id.seqno != next) return "entry " + entry.id.text() + " is out of order";
    ++next;
  }
  return std::nullopt;
}

void Raft::on(const input::Propose& propose, Outputs& out) {
  out.reject = refusal(propose);
  if (out.reject) return;
  for (const EntryMeta& entry : propose.entries) append(entry, propose.now);
}

void Raft::append(const EntryMeta& entry, MonotonicTime now) {
  last_ = entry.id.seqno;
  views_.append(entry.id.view, entry.id.seqno);
  if (entry.kind == EntryKind::signature) {
    committable_.push_back(last_);
    policy_.on_signature(entry.bytes, now);
    signing_ = false;
    return;
  }
  if (entry.kind == EntryKind::configuration) {
    ENTENTE_ASSERT(entry.configuration && entry.configuration->seqno == last_);
    configurations_.append(*entry.configuration);
  }
  policy_.on_entry(entry.bytes, entry.urgent || entry.kind == EntryKind::configuration, now);
}

void Raft::on(const input::Stable& stable, Outputs& out) {
  if (stable.epoch != epoch_) return;  // of a log tail that is gone
  ENTENTE_ASSERT(stable.upto <= last_);
  if (stable.upto <= stable_) return;
  stable_ = stable.upto;
  advance_commit(out);
}

void Raft::advance_commit(Outputs& out) {
  SeqNo reached = commit_;
  for (auto candidate = committable_.rbegin(); candidate != committable_.rend(); ++candidate) {
    // Entries of earlier views commit only together with a later signature of this one.
    if (views_.view_of(*candidate, last_) != view_) break;
    const bool agreed = configurations_.quorum(*candidate, [&](const NodeId& node) {
      return node == options_.self && stable_ >= *candidate;
    });
    if (!agreed) continue;
    reached = *candidate;
    break;
  }
  if (reached == commit_) return;
  commit_ = reached;
  while (!committable_.empty() && committable_.front() <= commit_) committable_.pop_front();
  configurations_.commit(commit_);
  policy_.on_commit(committable_.size());
  out.commit = commit_;
}

void Raft::consider_signing(MonotonicTime now, Outputs& out) {
  if (role_ != Leadership::leader || signing_) return;
  const auto decision = policy_.decide(now);
  out.wake_at = decision.ask_again;
  if (!decision.sign) return;
  signing_ = true;
  out.want_signature = true;
}

void Raft::on(const input::SignatureAbandoned&, Outputs&) { signing_ = false; }

std::optional<std::string> Raft::refusal(const Configuration&) const { return std::nullopt; }

StateHash Raft::state_hash(const Renaming& renaming) const {
  StateHasher hasher(renaming);
  hasher.add(last());
  return hasher.finish();
}

TxStatus Raft::status(TxId id) const {
  return evaluate_status(id, views_.view_of(id.seqno, last_), committed());
}

Details Raft::details() const {
  Details details;
  details.configurations = configurations_.all();
  details.leadership = role_;
  details.view = view_;
  if (role_ == Leadership::leader) details.primary = options_.self;
  return details;
}

void Raft::check_invariants() const {
  ENTENTE_ASSERT(commit_ <= stable_ && stable_ <= last_);
  ENTENTE_ASSERT(committable_.empty() || committable_.front() > commit_);
  ENTENTE_ASSERT(committable_.empty() || committable_.back() <= last_);
  ENTENTE_ASSERT(role_ != Leadership::leader || view_ >= first_view);
}

}  // namespace entente::consensus
