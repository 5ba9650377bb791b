// What a leader takes into its log, and when it signs.

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/raft.h"

namespace entente::consensus {

std::optional<std::string> Raft::refusal(const input::Propose& propose) const {
  if (role_ != Leadership::leader) return "this node does not lead";
  if (propose.epoch != epoch_ && !broken(Defect::takes_old_epoch)) {
    return "the proposal is of another epoch";
  }
  SeqNo next = log_.last() + 1;
  bool opened = opened_;
  for (const EntryMeta& entry : propose.entries) {
    if (entry.id.view != view_ && !broken(Defect::takes_old_epoch)) {
      return "entry " + entry.id.text() + " is of another view";
    }
    if (entry.id.seqno != next) return "entry " + entry.id.text() + " is out of order";
    opened = opened || entry.kind == EntryKind::signature;
    if (!opened) return "the view opens with a signature";
    if (auto why = refusal(entry)) return why;
    ++next;
  }
  return std::nullopt;
}

std::optional<std::string> Raft::refusal(const EntryMeta& entry) const {
  if (entry.kind == EntryKind::configuration) {
    if (!entry.configuration || entry.configuration->seqno != entry.id.seqno) {
      return "entry " + entry.id.text() + " brings no configuration";
    }
    return refusal(*entry.configuration);
  }
  if (entry.kind == EntryKind::retired) {
    if (!entry.retired) return "entry " + entry.id.text() + " names no retired nodes";
    // A later leader relies on it: what is named is out for good.
    for (const NodeId& node : *entry.retired) {
      if (log_.removals().phase(node, log_.commit()) < MembershipPhase::completed) {
        return "the removal of " + node.value + " is not committed";
      }
    }
  }
  return std::nullopt;
}

void Raft::on(const input::Propose& propose, Outputs& out) {
  now_ = std::max(now_, propose.now);
  out.reject = refusal(propose);
  if (out.reject) return;
  bool signs = false;
  for (const EntryMeta& entry : propose.entries) {
    append_own(entry);
    signs = signs || entry.kind == EntryKind::signature;
  }
  if (signs) send_due(out);  // a signature waits for nothing
}

void Raft::append_own(const EntryMeta& entry) {
  if (broken(Defect::takes_old_epoch) && entry.id.view != view_) {
    EntryMeta relabelled = entry;
    relabelled.id.view = view_;
    log_.append(relabelled);
  } else {
    log_.append(entry);
  }
  if (entry.kind == EntryKind::signature) {
    policy_.on_signature(entry.bytes, now_);
    signing_ = false;
    sign_soon_ = false;
    opened_ = true;
    return;
  }
  const bool membership =
      entry.kind == EntryKind::configuration || entry.kind == EntryKind::retired;
  membership_changed_ = membership_changed_ || membership;
  policy_.on_entry(entry.bytes, entry.urgent || membership, now_);
}

void Raft::consider_signing(Outputs& out) {
  if (role_ != Leadership::leader || signing_) return;
  const auto decision = policy_.decide(now_);
  out.wake_at = decision.ask_again;
  const bool hurry = sign_soon_ && policy_.unsigned_entries() > 0;
  if (!decision.sign && !hurry && opened_) return;
  signing_ = true;
  out.want_signature = true;
}

void Raft::on(const input::SignatureAbandoned&, Outputs&) {
  signing_ = false;
}

Outputs::Pressure Raft::pressure_now() const {
  using Pressure = Outputs::Pressure;
  if (role_ != Leadership::leader) return Pressure::none;
  // Once on, off only at nine tenths, so that it does not flicker.
  const auto above = [&](uint64_t value, uint64_t most, Pressure cause) {
    if (most == 0) return false;
    return value >= (reported_pressure_ == cause ? most - most / 10 : most);
  };
  const uint64_t entries = log_.last() - log_.commit();
  if (above(entries, options_.max_uncommitted_entries, Pressure::transactions)) {
    return Pressure::transactions;
  }
  if (above(log_.uncommitted_bytes(), options_.max_uncommitted_bytes, Pressure::bytes)) {
    return Pressure::bytes;
  }
  return Pressure::none;
}

}  // namespace entente::consensus
