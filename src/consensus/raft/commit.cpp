// The commit point, and reads that must see everything committed before them.

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/raft.h"

namespace entente::consensus {

void Raft::advance_commit(Outputs& out) {
  const auto& committable = log_.committable();
  // What a quorum of every configuration up to it holds; then so are all signatures before it.
  const auto agreed = [&](SeqNo candidate) {
    return log_.configurations().quorum(candidate, [&](const NodeId& node) {
      if (node == options_.self) return log_.stable() >= candidate;
      const auto peer = peers_.find(node);
      return peer != peers_.end() && peer->second.match >= candidate;
    });
  };
  const auto end = std::partition_point(committable.begin(), committable.end(), agreed);
  if (end == committable.begin()) return;
  const SeqNo reached = *std::prev(end);
  // Entries of earlier views commit only together with a later signature of this one.
  if (log_.view_of(reached) != view_ && !broken(Defect::old_view_commit)) return;
  committed_upto(reached, out);
}

void Raft::committed_upto(SeqNo upto, Outputs& out) {
  const SeqNo from = log_.commit();
  const size_t configurations = log_.configurations().all().size();
  log_.set_commit(upto);
  out.commit = upto;
  policy_.on_commit(log_.committable().size());
  // Commits are many, changes of who takes part few.
  membership_changed_ = membership_changed_ || log_.removals().move(from, upto) ||
                        log_.configurations().all().size() != configurations;
  if (role_ == Leadership::leader) want_retired(out);
}

void Raft::on(const input::ReadBarrier& barrier, Outputs& out) {
  constexpr size_t most = 100'000;
  now_ = std::max(now_, barrier.now);
  if (role_ != Leadership::leader) {
    out.reject = "this node does not lead";
  } else if (barriers_.size() >= most) {
    out.reject = "too many reads wait";
  } else if (broken(Defect::unconfirmed_read)) {
    out.reads.push_back({barrier.id, true});
  } else {
    // All reads until the next flush share one round.
    round_wanted_ = true;
    barriers_.push_back({barrier.id, round_ + 1});
    release_reads(out);
  }
}

void Raft::release_reads(Outputs& out) {
  std::erase_if(barriers_, [&](const Barrier& barrier) {
    const bool confirmed = log_.configurations().quorum(SeqNo{UINT64_MAX}, [&](const NodeId& node) {
      if (node == options_.self) return true;
      const auto peer = peers_.find(node);
      return peer != peers_.end() && peer->second.round_acked >= barrier.round;
    });
    if (confirmed) out.reads.push_back({barrier.id, true});
    return confirmed;
  });
}

}  // namespace entente::consensus
