#pragma once
// What is needed to undo the transactions that are not globally committed yet: per write the
// record that it put in place and the one that was there before. A ring that, once it has grown to
// the working size, does not allocate.

#include <vector>

#include "entente/types.h"
#include "kv/directory.h"
#include "kv/record.h"
#include "kv/write_set.h"

namespace entente::kv {

struct State;

inline Write as_write(const Record& record) {
  if (record.is_tombstone()) return {record.key(), std::nullopt};
  return {record.key(), record.value()};
}

struct UndoWrite {
  MapEntry* map;
  RecordRef written;   ///< a tombstone for a removal
  RecordRef previous;  ///< null: the key was absent
  SeqNo map_version;   ///< MapRoot::version before the transaction
};

struct UndoTransaction {
  std::vector<UndoWrite> writes;
  size_t bytes = 0;   ///< keys and values written
  bool open = false;  ///< a reservation that is not filled
};

class UndoLog {
 public:
  /// Seqnos held are first() … last(), none if last() = first() - 1.
  SeqNo first() const { return first_; }
  SeqNo last() const { return first_ + size_ - 1; }
  size_t size() const { return size_; }
  bool holds(SeqNo seqno) const { return seqno >= first_ && seqno <= last(); }
  UndoTransaction& at(SeqNo seqno);

  /// Starts after `seqno`. Only when empty.
  void start_after(SeqNo seqno);
  /// The transaction last() + 1, empty.
  UndoTransaction& push();
  void pop_last();
  /// Moves the content of first() to `out`, and the memory of `out` into the ring.
  void take_first(UndoTransaction& out);

 private:
  void grow();

  std::vector<UndoTransaction> ring_;  // a power of two
  size_t head_ = 0;
  size_t size_ = 0;
  SeqNo first_{1};
};

/// Takes the writes of one transaction back, newest first, as change number `mutation`.
void undo(State& state, const std::vector<UndoWrite>& writes, uint64_t mutation);

/// The record of (map, key) in the state that holds exactly the transactions up to `upto`, given
/// `current`, what the newest state holds. Null if absent there. upto + 1 >= log.first().
RecordRef record_at(UndoLog& log, const MapEntry& map, BytesView key, const Record* current,
                    SeqNo upto);

}  // namespace entente::kv
