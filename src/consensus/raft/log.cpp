#include "consensus/raft/log.h"

#include <algorithm>

#include "base/assert.h"
#include "consensus/raft/mutants.h"

namespace entente::consensus {

void Log::begin(TxId base, ViewHistory views, std::vector<Configuration> configurations,
                Removals removals) {
  ENTENTE_ASSERT(last_ == SeqNo{} && configurations_.empty());
  base_ = last_ = stable_ = commit_ = base.seqno;
  views_ = std::move(views);
  ENTENTE_ASSERT(view_of(last_) == base.view);
  for (Configuration& one : configurations) configurations_.append(std::move(one));
  removals_ = std::move(removals);
}

void Log::append(const EntryMeta& entry) {
  ENTENTE_ASSERT(entry.id.seqno == last_ + 1);
  views_.append(entry.id.view, entry.id.seqno);
  last_ = entry.id.seqno;
  uncommitted_bytes_ += entry.bytes;
  entries_.push_back(entry);
  if (entry.kind == EntryKind::signature) {
    committable_.push_back(last_);
    removals_.on_signature(last_);
  } else if (entry.kind == EntryKind::configuration) {
    ENTENTE_ASSERT(entry.configuration && entry.configuration->seqno == last_);
    if (!configurations_.empty()) {
      removals_.on_configuration(configurations_.all().back(), *entry.configuration);
    }
    configurations_.append(*entry.configuration);
  } else if (entry.kind == EntryKind::retired) {
    ENTENTE_ASSERT(static_cast<bool>(entry.retired));
    removals_.on_retired(*entry.retired, last_);
  }
}

void Log::truncate(SeqNo last) {
  ENTENTE_ASSERT(last <= last_ && last >= base_);
  ENTENTE_ASSERT(last >= commit_ || broken(Defect::any));
  while (last_ > last) {
    if (last_ > commit_) uncommitted_bytes_ -= entries_.back().bytes;
    entries_.pop_back();
    last_ = last_ - 1;
  }
  stable_ = std::min(stable_, last_);
  commit_ = std::min(commit_, last_);
  views_.truncate(last_);
  while (!committable_.empty() && committable_.back() > last_) committable_.pop_back();
  configurations_.truncate(last_);
  removals_.truncate(last_);
}

void Log::set_commit(SeqNo upto) {
  ENTENTE_ASSERT(upto > commit_ && upto <= last_);
  for (SeqNo seqno = commit_ + 1; seqno <= upto; ++seqno) uncommitted_bytes_ -= at(seqno).bytes;
  commit_ = upto;
  while (!committable_.empty() && committable_.front() <= commit_) committable_.pop_front();
  configurations_.commit(commit_);
  while (entries_.size() > retained_ && base_ < commit_) {
    entries_.pop_front();
    ++base_;
  }
}

TxId Log::last_committable() const {
  return id_of(signature_upto(stable_).value_or(commit_));
}

std::optional<SeqNo> Log::signature_upto(SeqNo upto) const {
  const auto above = std::upper_bound(committable_.begin(), committable_.end(), upto);
  if (above == committable_.begin()) return std::nullopt;
  return *std::prev(above);
}

TxId Log::highest_possible(TxId id) const {
  SeqNo probe = std::min(id.seqno, last_);
  while (probe.value != 0 && view_of(probe) > id.view) probe = views_.start_of(probe) - 1;
  return id_of(probe);
}

const EntryMeta& Log::at(SeqNo seqno) const {
  ENTENTE_ASSERT(seqno > base_ && seqno <= last_);
  return entries_[seqno - base_ - 1];
}

void Log::hash(StateHasher& hasher) const {
  hasher.add(base_);
  hasher.add(stable_);
  hasher.add(commit_);
  for (const EntryMeta& entry : entries_) {
    hasher.add(entry.id);
    hasher.add(static_cast<uint64_t>(entry.kind));
    hasher.add(entry.leaf);
  }
  const auto hash_node = [](StateHasher& one, const auto& node) { one.add(node.first); };
  for (const Configuration& one : configurations_.all()) {
    hasher.add(one.seqno);
    hasher.add_unordered(one.voters, hash_node);
    hasher.add_unordered(one.learners, hash_node);
  }
  hasher.add_unordered(removals_.all(), [](StateHasher& one, const auto& removal) {
    one.add(removal.first);
    one.add(removal.second.ordered);
    one.add(removal.second.signed_off);
    one.add(removal.second.retired);
  });
}

void Log::check_invariants() const {
  // A leader with a slow disk may learn that the others hold more than itself.
  ENTENTE_ASSERT(base_ <= commit_ && commit_ <= last_ && stable_ <= last_);
  ENTENTE_ASSERT(entries_.size() == last_ - base_);
  ENTENTE_ASSERT(committable_.empty() || committable_.front() > commit_);
  ENTENTE_ASSERT(committable_.empty() || committable_.back() <= last_);
}

}  // namespace entente::consensus
