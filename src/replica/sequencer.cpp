#include "replica/sequencer.h"

#include "base/assert.h"

namespace entente::replica {

void Sequencer::begin_epoch(consensus::Epoch epoch, SeqNo next) {
  ENTENTE_ASSERT(epoch > epoch_);
  epoch_ = epoch;
  next_ = next;
  for (Cursor& cursor : waiting_) recycle_(std::move(cursor.batch));
  waiting_.clear();
}

void Sequencer::put(std::unique_ptr<Batch> batch) {
  if (batch->epoch != epoch_ || batch->entries.empty()) {
    recycle_(std::move(batch));
    return;
  }
  ENTENTE_ASSERT(batch->entries.front().meta.id.seqno >= next_);
  waiting_.push_back({std::move(batch), 0});
}

size_t Sequencer::find_next() const {
  for (size_t i = 0; i < waiting_.size(); ++i) {
    const Cursor& cursor = waiting_[i];
    if (cursor.batch->entries[cursor.position].meta.id.seqno == next_) return i;
  }
  return waiting_.size();
}

void Sequencer::finish(size_t index) {
  recycle_(std::move(waiting_[index].batch));
  if (index + 1 != waiting_.size()) waiting_[index] = std::move(waiting_.back());
  waiting_.pop_back();
}

}  // namespace entente::replica
