// The public face of transactions: handles forward to the body.

#include "entente/kv/tx.h"

#include "kv/content.h"
#include "kv/tx_body.h"

namespace entente::kv {

void TxBodyRelease::operator()(TxBody* body) const {
  TxBody::give_back(body);
}

ReadHandle ReadOnlyTx::ro(std::string_view map) {
  return ReadHandle(*body_, body_->open(map, Access::read));
}

Context ReadOnlyTx::context() const {
  return body_->context();
}

Handle Tx::rw(std::string_view map) {
  return Handle(*body_, body_->open(map, Access::read_write));
}

WriteHandle Tx::wo(std::string_view map) {
  return WriteHandle(*body_, body_->open(map, Access::write));
}

// ---- reads

std::string_view ReadHandle::name() const {
  return body_->map(map_).name;
}

std::optional<BytesView> ReadHandle::get(BytesView key) const {
  if (const Record* record = body_->read(body_->map(map_), key)) return record->value();
  return std::nullopt;
}

bool ReadHandle::has(BytesView key) const {
  return body_->read(body_->map(map_), key) != nullptr;
}

std::optional<SeqNo> ReadHandle::get_version_of_previous_write(BytesView key) const {
  if (const Record* record = body_->read_snapshot(body_->map(map_), key)) return record->version();
  return std::nullopt;
}

std::optional<Bytes> ReadHandle::get_globally_committed(BytesView key) const {
  Store::Content& store = body_->store();
  const MapEntry* entry = store.directory.find(body_->map(map_).name);
  if (entry == nullptr) return std::nullopt;
  RecordRef record;
  {
    std::lock_guard lock(store.mutex);
    const MapRoot* root = store.state->roots.find(entry);
    record = record_at(store.undo, *entry, key, root == nullptr ? nullptr : root->tree.find(key),
                       {store.committed.load()});
  }
  if (!record) return std::nullopt;
  return to_bytes(record->value());
}

size_t ReadHandle::size() const {
  return body_->size(body_->map(map_));
}

void ReadHandle::range(BytesView from, std::optional<BytesView> to, EntryVisitor visit) const {
  body_->visit(body_->map(map_), from, to,
               [&](const Record& record) { return visit(record.key(), record.value()); });
}

void ReadHandle::foreach (EntryVisitor visit) const {
  range({}, std::nullopt, visit);
}

void ReadHandle::foreach_key(BytesVisitor visit) const {
  range({}, std::nullopt, [&](BytesView key, BytesView) { return visit(key); });
}

void ReadHandle::foreach_value(BytesVisitor visit) const {
  range({}, std::nullopt, [&](BytesView, BytesView value) { return visit(value); });
}

// ---- writes

std::string_view WriteHandle::name() const {
  return body_->map(map_).name;
}
void WriteHandle::put(BytesView key, BytesView value) {
  body_->put(body_->map(map_), key, value);
}
void WriteHandle::remove(BytesView key) {
  body_->remove(body_->map(map_), key);
}
void WriteHandle::clear() {
  body_->clear(body_->map(map_));
}

void Handle::put(BytesView key, BytesView value) {
  body_->put(body_->map(map_), key, value);
}
void Handle::remove(BytesView key) {
  body_->remove(body_->map(map_), key);
}
void Handle::clear() {
  body_->clear(body_->map(map_));
}

}  // namespace entente::kv
