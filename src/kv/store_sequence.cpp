// Sequencing: roles, reservations, replicated transactions, roll-back, compaction, loading.

#include <algorithm>

#include "kv/content.h"

namespace entente::kv {
namespace {

/// Transactions compacted per hold of the lock.
constexpr size_t compaction_step = 256;
/// Undo buffers larger than this are not kept for later transactions.
constexpr size_t kept_writes = 1024;

struct Prepared {
  std::string_view map;
  std::vector<RecordRef> records;
};

/// Copies the writes, outside of the lock.
Result<std::vector<Prepared>> prepare(const WriteSet& writes) {
  std::vector<Prepared> prepared;
  prepared.reserve(writes.size());
  for (const MapWrites& map : writes) {
    if (name_class(map.map) == NameClass::invalid) {
      return Error{"map '" + std::string(map.map.substr(0, 64)) + "': invalid name"};
    }
    Prepared& out = prepared.emplace_back();
    out.map = map.map;
    out.records.reserve(map.writes.size());
    for (const Write& write : map.writes) {
      if (write.key.size() > max_key_size ||
          (write.value && write.value->size() > max_value_size)) {
        return Error{"map '" + std::string(map.map) + "', write " +
                     std::to_string(out.records.size()) + ": key or value over its limit"};
      }
      out.records.push_back(write.value ? Record::make(write.key, *write.value)
                                        : Record::make_tombstone(write.key));
    }
  }
  return prepared;
}

auto each(const std::vector<RecordRef>& records) {
  return [&records](auto visit) { std::for_each(records.begin(), records.end(), visit); };
}

/// A roll-back or a change of role: nothing of the epochs before goes on.
void enter_epoch(Store::Content& store, Epoch epoch) {
  ENTENTE_ASSERT(epoch >= store.epoch);
  store.epoch = epoch;
}

void become_primary(Store::Content& store, View view, Epoch epoch) {
  enter_epoch(store, epoch);
  ENTENTE_ASSERT(view >= store.state->last.view);
  // The tail must not have holes that nobody can fill.
  for (const Reservation& open : store.reservations) ENTENTE_ASSERT(open.epoch == epoch);
  store.view = view;
  store.primary = true;
}

Reservation take_slot(Store::Content& store) {
  const SeqNo seqno = store.allocate(store.view);
  store.undo.at(seqno).open = true;
  store.reservations.push_back({store.state->last, store.epoch});
  return store.reservations.back();
}

/// The oldest write to (map, key) above `seqno`, or null.
UndoWrite* first_write_after(Store::Content& store, SeqNo seqno, const MapEntry& map,
                             BytesView key) {
  for (SeqNo at = seqno + 1; at <= store.undo.last(); ++at) {
    for (UndoWrite& write : store.undo.at(at).writes) {
      if (write.map == &map && equal(write.written->key(), key)) return &write;
    }
  }
  return nullptr;
}

/// Goes again through the transactions from `seqno` on: which of them really change the map, and
/// thereby its version, may have changed with a filling below them.
void recount_versions(Store::Content& store, SeqNo seqno, MapEntry& map, SeqNo version) {
  for (SeqNo at = seqno; at <= store.undo.last(); ++at) {
    bool changed = false;
    for (UndoWrite& write : store.undo.at(at).writes) {
      if (write.map != &map) continue;
      write.map_version = version;
      const bool removal = write.written->is_tombstone();
      changed = changed || !removal || write.previous;
      if (removal && write.previous) map.last_removal = std::max(map.last_removal, at);
    }
    if (changed) version = at;
  }
  store.state->roots.edit(map).version = version;
}

/// Puts the writes of a filled reservation below those of later transactions to the same map:
/// keys that were written again only change what a roll-back restores.
void install_below(Store::Content& store, SeqNo seqno, MapEntry& map,
                   const std::vector<RecordRef>& records) {
  UndoTransaction& own_undo = store.undo.at(seqno);
  MapRoot& root = store.state->roots.edit(map);
  SeqNo version_before = root.version;
  for (SeqNo at = store.undo.last(); at > seqno; at = at - 1) {
    for (const UndoWrite& write : store.undo.at(at).writes) {
      if (write.map == &map) version_before = write.map_version;
    }
  }
  const size_t first = own_undo.writes.size();
  size_t bytes = 0;
  for (const RecordRef& record : records) {
    record->set_version(seqno);
    const bool removal = record->is_tombstone();
    RecordRef previous;
    if (UndoWrite* later = first_write_after(store, seqno, map, record->key())) {
      previous = std::exchange(later->previous, removal ? RecordRef() : record);
    } else {
      previous = removal ? root.tree.erase(record->key()) : root.tree.put(record);
    }
    bytes += record->payload_size();
    own_undo.writes.push_back({&map, record, std::move(previous), {}});
  }
  root.mutation = store.state->mutation;
  recount_versions(store, seqno, map, version_before);
  account(store, own_undo, bytes);
  run_local_hook(store, seqno, map, first);
}

void run_global_hooks(SeqNo seqno, const std::vector<UndoWrite>& undone,
                      std::vector<Write>& writes) {
  // The writes of one map lie together.
  for (size_t i = 0; i < undone.size();) {
    MapEntry& map = *undone[i].map;
    writes.clear();
    for (; i < undone.size() && undone[i].map == &map; ++i) {
      if (map.global_hook) writes.push_back(as_write(*undone[i].written));
    }
    if (map.global_hook) map.global_hook(seqno, writes);
  }
}

}  // namespace

void Store::set_primary(View view, Epoch epoch) {
  std::lock_guard lock(content_->mutex);
  become_primary(*content_, view, epoch);
}

Reservation Store::open_view(View view, Epoch epoch) {
  std::lock_guard lock(content_->mutex);
  become_primary(*content_, view, epoch);
  return take_slot(*content_);
}

void Store::set_follower(Epoch epoch) {
  std::lock_guard lock(content_->mutex);
  enter_epoch(*content_, epoch);
  content_->primary = false;
}

std::optional<Reservation> Store::reserve(Epoch epoch) {
  std::lock_guard lock(content_->mutex);
  if (!content_->primary || epoch != content_->epoch) return std::nullopt;
  return take_slot(*content_);
}

bool Store::fill(const Reservation& reservation, const WriteSet& writes) {
  auto prepared = prepare(writes);
  ENTENTE_ASSERT(prepared.ok());
  Content& store = *content_;
  std::lock_guard lock(store.mutex);
  if (!store.primary || reservation.epoch != store.epoch) return false;
  const auto open =
      std::find_if(store.reservations.begin(), store.reservations.end(),
                   [&](const Reservation& known) { return known.id == reservation.id; });
  if (open == store.reservations.end()) return false;
  store.reservations.erase(open);
  const SeqNo seqno = reservation.id.seqno;
  store.undo.at(seqno).open = false;
  own(store.state);
  ++store.state->mutation;
  for (const Prepared& map : *prepared) {
    MapEntry& entry = store.directory.find_or_create(map.map);
    if (entry.last_write < seqno) {
      install(store, seqno, entry, each(map.records));
    } else {
      install_below(store, seqno, entry, map.records);
    }
  }
  return true;
}

Result<void> Store::apply(TxId id, const WriteSet& writes) {
  auto prepared = prepare(writes);
  if (!prepared) return prepared.error().at("transaction " + id.text());
  Content& store = *content_;
  std::lock_guard lock(store.mutex);
  ENTENTE_ASSERT(store.reservations.empty());
  ENTENTE_ASSERT(id.seqno == store.last() + 1 && id.view >= store.state->last.view);
  store.allocate(id.view);
  for (const Prepared& map : *prepared) {
    install(store, id.seqno, store.directory.find_or_create(map.map), each(map.records));
  }
  return {};
}

void Store::rollback(SeqNo to, View next_view, Epoch epoch) {
  Content& store = *content_;
  std::lock_guard lock(store.mutex);
  enter_epoch(store, epoch);
  ENTENTE_ASSERT(to <= store.last() && to.value >= store.committed.load());
  store.view = next_view;
  std::erase_if(store.reservations, [&](const Reservation& open) { return open.id.seqno > to; });
  ENTENTE_ASSERT(store.reservations.empty());

  own(store.state);
  State& state = *store.state;
  ++state.mutation;
  while (store.undo.size() > 0 && store.undo.last() > to) {
    const UndoTransaction& newest = store.undo.at(store.undo.last());
    undo(state, newest.writes, state.mutation);
    store.uncommitted_bytes.fetch_sub(newest.bytes, std::memory_order_relaxed);
    store.uncommitted_transactions.fetch_sub(1, std::memory_order_relaxed);
    store.undo.pop_last();
  }
  while (!store.view_starts.empty() && store.view_starts.back().first > to) {
    store.view_starts.pop_back();
  }
  state.last.seqno = to;
  state.last.view = store.view_of(to);
}

void Store::compact(SeqNo upto) {
  Content& store = *content_;
  std::lock_guard one_at_a_time(store.compaction);
  store.retired.resize(compaction_step);
  std::vector<Write> hook_writes;
  while (upto.value > store.committed.load()) {
    SeqNo first{};
    size_t taken = 0;
    bool hooks = false;
    {
      std::lock_guard lock(store.mutex);
      ENTENTE_ASSERT(upto <= store.last());
      first = store.undo.first();
      hooks = store.global_hooks;
      size_t bytes = 0;
      for (; taken < compaction_step && store.undo.first() <= upto; ++taken) {
        store.undo.take_first(store.retired[taken]);
        bytes += store.retired[taken].bytes;
      }
      store.committed.store((first + taken - 1).value);
      store.uncommitted_bytes.fetch_sub(bytes, std::memory_order_relaxed);
      store.uncommitted_transactions.fetch_sub(taken, std::memory_order_relaxed);
    }
    // Most of these records were last touched long ago: fetch them all at once.
    for (size_t i = 0; i < taken; ++i) {
      for (const UndoWrite& write : store.retired[i].writes)
        __builtin_prefetch(write.previous.get());
    }
    for (size_t i = 0; i < taken; ++i) {
      std::vector<UndoWrite>& writes = store.retired[i].writes;
      if (hooks) run_global_hooks(first + i, writes, hook_writes);
      writes.clear();
      if (writes.capacity() > kept_writes) writes = {};
    }
  }
}

Result<void> Store::load(TxId last, std::vector<ViewStart> view_starts,
                         std::span<const LoadedMap> maps) {
  const auto ascends = [](const ViewStart& a, const ViewStart& b) {
    return a.view >= b.view || a.first >= b.first;
  };
  if (std::adjacent_find(view_starts.begin(), view_starts.end(), ascends) != view_starts.end() ||
      view_starts.empty() || view_starts.back().view != last.view ||
      view_starts.back().first > last.seqno || view_starts.front().first == SeqNo{}) {
    return Error{"snapshot: view history does not lead to " + last.text()};
  }
  auto state = Ref<State>::adopt(new State);
  Content& store = *content_;
  std::lock_guard lock(store.mutex);
  ENTENTE_ASSERT(store.last() == SeqNo{} && store.state->mutation == 0);
  state->mutation = 1;
  for (const LoadedMap& map : maps) {
    const Error place{"snapshot: map '" + std::string(map.name) + "'"};
    if (name_class(map.name) == NameClass::invalid) return Error{place.message + ": invalid name"};
    if (map.version > last.seqno) return Error{place.message + ": version above the snapshot's"};
    MapEntry& entry = store.directory.find_or_create(map.name);
    if (state->roots.find(&entry) != nullptr) return Error{place.message + ": appears twice"};
    MapRoot& root = state->roots.edit(entry);
    root.version = map.version;
    root.mutation = 1;
    for (const RecordView& record : map.records) {
      if (record.key.size() > max_key_size || record.value.size() > max_value_size) {
        return Error{place.message + ": key or value over its limit"};
      }
      if (record.version > last.seqno) {
        return Error{place.message + ": record version above the snapshot's"};
      }
      if (root.tree.put(Record::make(record.key, record.value, record.version))) {
        return Error{place.message + ": a key appears twice"};
      }
    }
  }
  state->last = last;
  store.state = std::move(state);
  store.view_starts = std::move(view_starts);
  store.undo.start_after(last.seqno);
  store.committed.store(last.seqno.value);
  store.view = last.view;
  return {};
}

}  // namespace entente::kv
