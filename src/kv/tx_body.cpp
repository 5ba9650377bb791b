#include "kv/tx_body.h"

#include <algorithm>

#include "kv/content.h"

namespace entente::kv {
namespace {

constexpr size_t spare_bodies = 16;
/// More open maps than this are found by a hash table.
constexpr size_t scanned_maps = 16;
/// More reads of one map than this count as a dependency on the whole map.
constexpr size_t max_reads = size_t{1} << 16;
/// Bytes of absent keys that a transaction remembers; beyond, it depends on whole maps.
constexpr size_t max_absent_bytes = size_t{1} << 20;
constexpr size_t max_open_maps = 4096;
/// Buffers larger than this are not kept for the next transaction.
constexpr size_t kept_elements = 4096;

template <typename T>
void clear_buffer(std::vector<T>& buffer) {
  buffer.clear();
  if (buffer.capacity() > kept_elements) buffer = {};
}

// Transactions may end after the thread's objects are destroyed; then bodies are just deleted.
thread_local bool spare_gone = false;

std::string access_message(std::string_view name, Access wanted, Context context) {
  const NameClass name_kind = name_class(name);
  if (name_kind == NameClass::invalid) {
    return name.empty() ? "Map name is empty"
                        : "Map name is longer than " + std::to_string(max_map_name_size) + " bytes";
  }
  if (name_kind == NameClass::reserved) {
    return "Map name '" + std::string(name) + "' includes disallowed reserved prefix 'ccf.'";
  }
  constexpr std::string_view granted_text[] = {"inaccessible", "read-only", "write-only",
                                               "read-write"};
  constexpr std::string_view wanted_text[] = {"", "reading", "writing", "reading and writing"};
  std::string message = "Cannot open map '";
  message += name;
  message += "' for ";
  message += wanted_text[static_cast<size_t>(wanted)];
  message += ": it is ";
  message += granted_text[static_cast<size_t>(access_of(context, name_kind))];
  message += " in the ";
  message += to_text(context);
  message += " context";
  return message;
}

}  // namespace

// ---- memory

void OpenMap::clear() {
  name = {};
  entry = nullptr;
  root = nullptr;
  located = false;
  whole = false;
  clear_buffer(reads);
  writes.clear();
}

BytesView ByteArena::copy(BytesView bytes) {
  if (bytes.empty()) return {};
  if (bytes.size() > block_size) {
    const auto& block = large_.emplace_back(std::make_unique<uint8_t[]>(bytes.size()));
    std::memcpy(block.get(), bytes.data(), bytes.size());
    return {block.get(), bytes.size()};
  }
  if (blocks_.empty() || block_size - used_ < bytes.size()) {
    blocks_.push_back(std::make_unique<uint8_t[]>(block_size));
    used_ = 0;
  }
  uint8_t* target = blocks_.back().get() + used_;
  std::memcpy(target, bytes.data(), bytes.size());
  used_ += bytes.size();
  return {target, bytes.size()};
}

void ByteArena::clear() {
  large_.clear();
  if (blocks_.size() > 1) blocks_.resize(1);
  used_ = 0;
}

struct BodyPool {
  std::vector<TxBody*> bodies;
  ~BodyPool() {
    spare_gone = true;
    for (TxBody* body : bodies) TxBody::destroy(body);
  }
};

namespace {
BodyPool& pool() {
  thread_local BodyPool bodies;
  return bodies;
}
}  // namespace

TxBody* TxBody::take(Store::Content& store, Context context, bool read_only) {
  TxBody* body = nullptr;
  if (!spare_gone && !pool().bodies.empty()) {
    body = pool().bodies.back();
    pool().bodies.pop_back();
  } else {
    body = new TxBody;
  }
  body->store_ = &store;
  body->context_ = context;
  body->read_only_ = read_only;
  return body;
}

void TxBody::give_back(TxBody* body) {
  body->reset();
  if (!spare_gone && pool().bodies.size() < spare_bodies) {
    pool().bodies.push_back(body);
  } else {
    delete body;
  }
}

void TxBody::destroy(TxBody* body) {
  delete body;
}

void TxBody::reset() {
  for (size_t i = 0; i < map_count_; ++i) maps_[i]->clear();
  if (maps_.size() > scanned_maps) maps_.resize(scanned_maps);
  map_count_ = 0;
  by_name_.clear();
  snapshot_ = nullptr;
  arena_.clear();
  clear_buffer(replaced_);
  for (MapWrites& map : write_set_) {
    if (spare_writes_.size() < scanned_maps && map.writes.capacity() <= kept_elements) {
      map.writes.clear();
      spare_writes_.push_back(std::move(map.writes));
    }
  }
  write_set_.clear();
  finished_ = unbound = false;
  written_bytes_ = absent_bytes_ = 0;
  store_ = nullptr;
}

// ---- maps

size_t TxBody::find_open(std::string_view name) {
  if (map_count_ > scanned_maps) {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? map_count_ : found->second;
  }
  for (size_t i = 0; i < map_count_; ++i) {
    if (maps_[i]->name == name) return i;
  }
  return map_count_;
}

size_t TxBody::open(std::string_view name, Access wanted) {
  ENTENTE_ASSERT(!finished_);
  if (!allows(access_of(context_, name), wanted)) {
    throw AccessError(access_message(name, wanted, context_));
  }
  const size_t index = find_open(name);
  if (index < map_count_) return index;

  const MapEntry* entry = store_->directory.find(name);
  if (entry == nullptr && wanted != Access::read &&
      store_->directory.size() >= Directory::max_maps) {
    throw LimitError("Cannot create map '" + std::string(name) + "': the store has " +
                     std::to_string(Directory::max_maps) + " maps already");
  }
  if (map_count_ >= max_open_maps) {
    throw LimitError("A transaction uses at most " + std::to_string(max_open_maps) + " maps");
  }
  if (map_count_ == maps_.size()) maps_.push_back(std::make_unique<OpenMap>());
  OpenMap& map = *maps_[map_count_++];
  map.entry = entry;
  map.name =
      entry != nullptr ? std::string_view(entry->name) : as_text(arena_.copy(as_bytes(name)));
  if (map_count_ == scanned_maps + 1) {
    for (size_t i = 0; i < map_count_; ++i) by_name_.emplace(maps_[i]->name, i);
  } else if (map_count_ > scanned_maps) {
    by_name_.emplace(map.name, index);
  }
  return index;
}

void TxBody::fix_snapshot() {
  if (snapshot_) return;
  std::lock_guard lock(store_->mutex);
  snapshot_ = store_->state;
}

void TxBody::locate(OpenMap& map) {
  ENTENTE_ASSERT(!finished_);
  if (map.located) return;
  fix_snapshot();
  if (map.entry == nullptr) map.entry = store_->directory.find(map.name);
  map.root = snapshot_->roots.find(map.entry);
  map.located = true;
}

// ---- reads

void TxBody::depend(OpenMap& map, BytesView key, const Record* seen) {
  if (read_only_ || unbound || map.whole) return;
  if (seen != nullptr && !map.reads.empty() && map.reads.back().seen == seen) return;
  if (key.size() > max_key_size) return;  // nobody can ever write it
  if (seen == nullptr) absent_bytes_ += key.size();
  if (map.reads.size() == max_reads || absent_bytes_ > max_absent_bytes) {
    map.whole = true;
    map.reads = {};
    return;
  }
  map.reads.push_back({seen, seen != nullptr ? seen->key() : arena_.copy(key)});
}

void TxBody::depend_on_all(OpenMap& map) {
  if (!unbound) map.whole = true;
}

const Record* TxBody::read_snapshot(OpenMap& map, BytesView key) {
  locate(map);
  const Record* record = map.root == nullptr ? nullptr : map.root->tree.find(key);
  depend(map, key, record);
  return record;
}

const Record* TxBody::read(OpenMap& map, BytesView key) {
  if (!map.writes.empty()) {
    if (const Record* own = map.writes.find(key)) return own->is_tombstone() ? nullptr : own;
  }
  return read_snapshot(map, key);
}

size_t TxBody::size(OpenMap& map) {
  locate(map);
  depend_on_all(map);
  size_t size = map.root == nullptr ? 0 : map.root->tree.size();
  map.writes.for_each([&](const RecordRef& own) {
    const bool before = map.root != nullptr && map.root->tree.find(own->key()) != nullptr;
    const bool after = !own->is_tombstone();
    size = size + (after ? 1 : 0) - (before ? 1 : 0);
  });
  return size;
}

void TxBody::visit(OpenMap& map, BytesView from, std::optional<BytesView> to,
                   FunctionRef<bool(const Record&)> visit) {
  locate(map);
  depend_on_all(map);
  const auto within = [&](BytesView key) { return !to || compare(key, *to) < 0; };
  // The visitor may write: what it sees is fixed now.
  std::vector<RecordRef> own;
  map.writes.for_each([&](const RecordRef& record) {
    if (compare(record->key(), from) >= 0 && within(record->key())) own.push_back(record);
  });
  BTree::Cursor stored;
  if (map.root != nullptr) stored = map.root->tree.lower_bound(from);

  auto mine = own.begin();
  while (true) {
    const Record* theirs = stored.get();
    if (theirs != nullptr && !within(theirs->key())) theirs = nullptr;
    if (theirs == nullptr && mine == own.end()) return;
    const int order = theirs == nullptr   ? 1
                      : mine == own.end() ? -1
                                          : compare(theirs->key(), (*mine)->key());
    const Record& next = order < 0 ? *theirs : **mine;
    if (order <= 0) stored.next();
    if (order >= 0) ++mine;
    if (!next.is_tombstone() && !visit(next)) return;
  }
}

// ---- writes

namespace {
/// What one more map adds to an entry beside its name; a record's own header covers its framing.
constexpr size_t map_framing = 40;
}  // namespace

void TxBody::write(OpenMap& map, RecordRef record) {
  if (map.writes.empty()) written_bytes_ += map.name.size() + map_framing;
  written_bytes_ += record->allocated_size();
  if (written_bytes_ > max_transaction_size) throw LimitError("Transaction is too large");
  if (RecordRef old = map.writes.put(std::move(record))) replaced_.push_back(std::move(old));
}

void TxBody::put(OpenMap& map, BytesView key, BytesView value) {
  ENTENTE_ASSERT(!finished_);
  if (key.size() > max_key_size) throw LimitError("Key is too large");
  if (value.size() > max_value_size) throw LimitError("Value is too large");
  write(map, Record::make(key, value));
}

void TxBody::remove(OpenMap& map, BytesView key) {
  ENTENTE_ASSERT(!finished_);
  if (key.size() > max_key_size) throw LimitError("Key is too large");
  write(map, Record::make_tombstone(key));
}

void TxBody::clear(OpenMap& map) {
  visit(map, {}, std::nullopt, [&](const Record& record) {
    write(map, Record::make_tombstone(record.key()));
    return true;
  });
}

bool TxBody::has_writes() const {
  return std::any_of(maps_.begin(), maps_.begin() + static_cast<ptrdiff_t>(map_count_),
                     [](const auto& map) { return !map->writes.empty(); });
}

// ---- commit

bool TxBody::still_valid(const State& now, const Directory& directory) const {
  if (snapshot_->mutation == now.mutation) return true;
  for (size_t i = 0; i < map_count_; ++i) {
    const OpenMap& map = *maps_[i];
    if (!map.whole && map.reads.empty()) continue;
    const MapEntry* entry = map.entry != nullptr ? map.entry : directory.find(map.name);
    const MapRoot* root = now.roots.find(entry);
    const uint64_t before = map.root == nullptr ? 0 : map.root->mutation;
    const uint64_t after = root == nullptr ? 0 : root->mutation;
    if (before == after) continue;
    if (map.whole) return false;
    for (const Read& read : map.reads) {
      // The snapshot keeps the record alive, so the same address is the same record.
      if (root->tree.find(read.key) != read.seen) return false;
    }
  }
  return true;
}

const WriteSet& TxBody::write_set() {
  if (!write_set_.empty()) return write_set_;
  for (size_t i = 0; i < map_count_; ++i) {
    const OpenMap& map = *maps_[i];
    if (map.writes.empty()) continue;
    MapWrites& out = write_set_.emplace_back();
    out.map = map.name;
    if (!spare_writes_.empty()) {
      out.writes = std::move(spare_writes_.back());
      spare_writes_.pop_back();
    }
    map.writes.for_each([&](const RecordRef& record) { out.writes.push_back(as_write(*record)); });
  }
  std::sort(write_set_.begin(), write_set_.end(),
            [](const MapWrites& a, const MapWrites& b) { return a.map < b.map; });
  return write_set_;
}

}  // namespace entente::kv
