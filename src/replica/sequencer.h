#pragma once
// Puts the batches of all lanes back into the one order in which the store gave out seqnos.
// Batches of an older epoch never come out. Used by the replica thread alone.

#include <functional>
#include <memory>
#include <vector>

#include "replica/batch.h"

namespace entente::replica {

class Sequencer {
 public:
  using Recycle = std::function<void(std::unique_ptr<Batch>)>;

  /// `recycle` gets every batch back when its last entry was taken or dropped.
  explicit Sequencer(Recycle recycle) : recycle_(std::move(recycle)) {}

  /// From now on only batches of this epoch count; those that wait are dropped.
  void begin_epoch(consensus::Epoch epoch, SeqNo next);

  void put(std::unique_ptr<Batch> batch);

  /// Calls `take(batch, entry)` for every entry that is next in order, up to the first gap.
  template <typename Take>
  void drain(const Take& take) {
    for (size_t i = find_next(); i < waiting_.size(); i = find_next()) {
      Cursor& cursor = waiting_[i];
      const Batch& batch = *cursor.batch;
      while (cursor.position < batch.entries.size() &&
             batch.entries[cursor.position].meta.id.seqno == next_) {
        take(batch, batch.entries[cursor.position]);
        ++cursor.position;
        ++next_;
      }
      if (cursor.position == batch.entries.size()) finish(i);
    }
  }

  /// The seqno that must come next.
  SeqNo next() const { return next_; }
  /// Whether later entries are there and wait for next().
  bool has_gap() const { return !waiting_.empty(); }
  /// The caller itself supplies the entry at next(): a reserved slot.
  void skip() { ++next_; }

 private:
  struct Cursor {
    std::unique_ptr<Batch> batch;
    size_t position = 0;
  };
  /// Index of the waiting batch whose first open entry is next_, or waiting_.size().
  size_t find_next() const;
  void finish(size_t index);

  Recycle recycle_;
  consensus::Epoch epoch_;
  SeqNo next_{1};
  std::vector<Cursor> waiting_;  // at most a few: one or two of each lane
};

}  // namespace entente::replica
