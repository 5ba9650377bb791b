#pragma once
// The inside of the store, shared by the files that implement it.

#include <mutex>
#include <span>

#include "base/assert.h"
#include "kv/directory.h"
#include "kv/state.h"
#include "kv/store.h"
#include "kv/undo.h"

namespace entente::kv {

struct Store::Content {
  // Orders all changes; guards what follows unless it says otherwise.
  mutable std::mutex mutex;

  Directory directory;  // look-ups without the lock
  Ref<State> state = Ref<State>::adopt(new State);
  UndoLog undo;
  std::vector<ViewStart> view_starts;
  std::vector<Reservation> reservations;  // not filled; dead ones stay until they are rolled back
  View view;
  Epoch epoch;
  bool primary = false;
  bool global_hooks = false;
  std::vector<Write> hook_writes;  // scratch

  // Written under the lock, read without.
  std::atomic<uint64_t> committed{0};
  std::atomic<size_t> uncommitted_transactions{0};
  std::atomic<size_t> uncommitted_bytes{0};

  std::mutex compaction;                 // one compact() at a time; taken before `mutex`
  std::vector<UndoTransaction> retired;  // guarded by `compaction`

  SeqNo last() const { return state->last.seqno; }
  View view_of(SeqNo seqno) const;
  /// Makes the next seqno the last one, in `in`, with an empty place in the undo log. Afterwards
  /// the state is owned and its mutation count is that of the new transaction.
  SeqNo allocate(View in);
};

inline void account(Store::Content& store, UndoTransaction& undo, size_t bytes) {
  undo.bytes += bytes;
  store.uncommitted_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

/// With the writes of transaction `seqno` from its `first` on, all to `map`.
inline void run_local_hook(Store::Content& store, SeqNo seqno, MapEntry& map, size_t first) {
  if (!map.local_hook) return;
  const std::vector<UndoWrite>& writes = store.undo.at(seqno).writes;
  store.hook_writes.clear();
  for (size_t i = first; i < writes.size(); ++i) {
    store.hook_writes.push_back(as_write(*writes[i].written));
  }
  map.local_hook(seqno, store.hook_writes);
}

/// Installs the writes of transaction `seqno` to one map. `records(visit)` calls
/// `visit(const RecordRef&)` for each, ascending by key; nobody else has seen these records.
/// The lock is held, the state owned, and no later transaction has written the map.
template <typename Records>
void install(Store::Content& store, SeqNo seqno, MapEntry& map, Records&& records) {
  UndoTransaction& undo = store.undo.at(seqno);
  MapRoot& root = store.state->roots.edit(map);
  const SeqNo map_version = root.version;
  const size_t first = undo.writes.size();
  size_t bytes = 0;
  bool changed = false;
  records([&](const RecordRef& record) {
    record->set_version(seqno);
    const bool removal = record->is_tombstone();
    RecordRef previous = removal ? root.tree.erase(record->key()) : root.tree.put(record);
    if (removal && previous) map.last_removal = seqno;
    changed = changed || !removal || previous;
    bytes += record->payload_size();
    undo.writes.push_back({&map, record, std::move(previous), map_version});
  });
  if (changed) {
    root.version = seqno;
    root.mutation = store.state->mutation;
  }
  map.last_write = seqno;
  account(store, undo, bytes);
  run_local_hook(store, seqno, map, first);
}

}  // namespace entente::kv
