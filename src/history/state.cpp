#include "history/state.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::history {

namespace {

const kv::MapWrites* find_map(const kv::WriteSet& writes, std::string_view map) {
  const auto found =
      std::lower_bound(writes.begin(), writes.end(), map,
                       [](const kv::MapWrites& a, std::string_view name) { return a.map < name; });
  return found != writes.end() && found->map == map ? &*found : nullptr;
}

const kv::Write* find_write(const void* writes, BytesView key) {
  if (writes == nullptr) return nullptr;
  const auto& all = static_cast<const kv::MapWrites*>(writes)->writes;
  const auto found = std::lower_bound(
      all.begin(), all.end(), key,
      [](const kv::Write& a, BytesView wanted) { return compare(a.key, wanted) < 0; });
  return found != all.end() && equal(found->key, key) ? &*found : nullptr;
}

/// A store whose only content is what the transaction wrote, at its own seqno.
std::unique_ptr<kv::Store> build_store(const State::Content& content) {
  std::vector<kv::LoadedMap> maps;
  for (const kv::MapWrites& writes : content.writes) {
    kv::LoadedMap map{.name = writes.map, .version = content.id.seqno, .records = {}};
    for (const kv::Write& write : writes.writes) {
      if (write.value) map.records.push_back({write.key, *write.value, content.id.seqno});
    }
    maps.push_back(std::move(map));
  }
  auto store = std::make_unique<kv::Store>();
  const auto loaded = store->load(content.id, {{content.id.view, SeqNo{1}}}, maps);
  // The writes came out of a ledger that this service has signed, within the limits of its store.
  ENTENTE_ASSERT(loaded.ok());
  return store;
}

}  // namespace

size_t MapDiff::size() const {
  return writes_ == nullptr ? 0 : static_cast<const kv::MapWrites*>(writes_)->writes.size();
}

std::optional<std::optional<BytesView>> MapDiff::get(BytesView key) const {
  const kv::Write* write = find_write(writes_, key);
  if (write == nullptr) return std::nullopt;
  return write->value;
}

bool MapDiff::has(BytesView key) const {
  const kv::Write* write = find_write(writes_, key);
  return write != nullptr && write->value.has_value();
}

bool MapDiff::is_deleted(BytesView key) const {
  const kv::Write* write = find_write(writes_, key);
  return write != nullptr && !write->value.has_value();
}

void MapDiff::foreach (WriteVisitor visit) const {
  if (writes_ == nullptr) return;
  for (const kv::Write& write : static_cast<const kv::MapWrites*>(writes_)->writes) {
    if (!visit(write.key, write.value)) return;
  }
}

size_t State::Content::bytes() const {
  size_t size = sizeof *this + entry.capacity() + plaintext.capacity() +
                writes.capacity() * sizeof(kv::MapWrites) + components.commit_evidence.capacity();
  for (const kv::MapWrites& map : writes) size += map.writes.capacity() * sizeof(kv::Write);
  return size;
}

State::State(std::unique_ptr<const Content> content) : content_(std::move(content)) {}
State::~State() = default;

const TxId& State::id() const {
  return content_->id;
}
bool State::is_signature() const {
  return content_->signature;
}

MapDiff State::diff(std::string_view map) const {
  return MapDiff(find_map(content_->writes, map));
}

kv::ReadOnlyTx State::begin() const {
  std::call_once(content_->built, [this] { content_->store = build_store(*content_); });
  return content_->store->begin_read_only(kv::Context::read_only_application);
}

}  // namespace entente::history
