#include "kv/undo.h"

#include "base/assert.h"
#include "kv/state.h"

namespace entente::kv {
namespace {

const UndoWrite* find_write(const UndoTransaction& transaction, const MapEntry& map,
                            BytesView key) {
  for (const UndoWrite& write : transaction.writes) {
    if (write.map == &map && equal(write.written->key(), key)) return &write;
  }
  return nullptr;
}

}  // namespace

UndoTransaction& UndoLog::at(SeqNo seqno) {
  ENTENTE_ASSERT(holds(seqno));
  return ring_[(head_ + (seqno - first_)) & (ring_.size() - 1)];
}

void UndoLog::start_after(SeqNo seqno) {
  ENTENTE_ASSERT(size_ == 0);
  first_ = seqno + 1;
}

UndoTransaction& UndoLog::push() {
  if (size_ == ring_.size()) grow();
  ++size_;
  return at(last());
}

void UndoLog::pop_last() {
  UndoTransaction& transaction = at(last());
  transaction.writes.clear();
  transaction.bytes = 0;
  transaction.open = false;
  --size_;
}

void UndoLog::take_first(UndoTransaction& out) {
  UndoTransaction& transaction = at(first_);
  ENTENTE_ASSERT(!transaction.open);
  out.writes.clear();
  std::swap(out.writes, transaction.writes);
  out.bytes = std::exchange(transaction.bytes, 0);
  head_ = (head_ + 1) & (ring_.size() - 1);
  ++first_;
  --size_;
}

void UndoLog::grow() {
  std::vector<UndoTransaction> larger(ring_.empty() ? 256 : 2 * ring_.size());
  for (size_t i = 0; i < size_; ++i) {
    larger[i] = std::move(ring_[(head_ + i) & (ring_.size() - 1)]);
  }
  ring_ = std::move(larger);
  head_ = 0;
}

void undo(State& state, const std::vector<UndoWrite>& writes, uint64_t mutation) {
  for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
    MapRoot& root = state.roots.edit(*write->map);
    if (write->previous) {
      root.tree.put(write->previous);
    } else if (!write->written->is_tombstone()) {
      root.tree.erase(write->written->key());
    }
    root.version = write->map_version;
    root.mutation = mutation;
  }
}

RecordRef record_at(UndoLog& log, const MapEntry& map, BytesView key, const Record* current,
                    SeqNo upto) {
  RecordRef record = RecordRef::share(current);
  SeqNo at = log.last() + 1;
  while (true) {
    if (record) {
      if (record->version() <= upto) return record;
      at = record->version();
    } else {
      // Absent: because of the newest removal below `at`, if one is above `upto`.
      if (map.last_removal <= upto) return nullptr;
      do {
        at = at - 1;
        if (at <= upto || !log.holds(at)) return nullptr;
      } while (find_write(log.at(at), map, key) == nullptr);
    }
    const UndoWrite* write = find_write(log.at(at), map, key);
    ENTENTE_ASSERT(write != nullptr);
    record = write->previous;
  }
}

}  // namespace entente::kv
