#include "kv/snapshot.h"

#include <algorithm>

#include "crypto/digest.h"
#include "kv/state.h"

namespace entente::kv {
namespace {

MapView view_of_root(const MapRoot& root) {
  return {root.entry->name, root.version, root.tree.size(), &root};
}

RecordView view_of_record(const Record& record) {
  return {record.key(), record.value(), record.version()};
}

}  // namespace

void MapView::foreach (FunctionRef<bool(const RecordView&)> visit) const {
  const auto* map = static_cast<const MapRoot*>(root);
  for (auto at = map->tree.begin(); at.get() != nullptr; at.next()) {
    if (!visit(view_of_record(*at.get()))) return;
  }
}

std::optional<RecordView> MapView::get(BytesView key) const {
  const Record* record = static_cast<const MapRoot*>(root)->tree.find(key);
  if (record == nullptr) return std::nullopt;
  return view_of_record(*record);
}

Snapshot::Snapshot(Ref<State> state) : state_(std::move(state)) {}
Snapshot::Snapshot(const Snapshot&) = default;
Snapshot::Snapshot(Snapshot&&) noexcept = default;
Snapshot& Snapshot::operator=(Snapshot other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
Snapshot::~Snapshot() = default;

TxId Snapshot::id() const {
  return state_->last;
}

std::vector<MapView> Snapshot::maps() const {
  std::vector<MapView> maps;
  state_->roots.for_each([&](const MapRoot& root) { maps.push_back(view_of_root(root)); });
  std::sort(maps.begin(), maps.end(),
            [](const MapView& a, const MapView& b) { return a.name < b.name; });
  return maps;
}

std::optional<MapView> Snapshot::map(std::string_view name) const {
  std::optional<MapView> found;
  state_->roots.for_each([&](const MapRoot& root) {
    if (root.entry->name == name) found = view_of_root(root);
  });
  return found;
}

Digest state_digest(const Snapshot& snapshot) {
  crypto::Sha256 digest;
  const auto number = [&](uint64_t value) {
    digest.update(BytesView(reinterpret_cast<const uint8_t*>(&value), sizeof value));
  };
  const auto bytes = [&](BytesView value) {
    number(value.size());
    digest.update(value);
  };
  for (const MapView& map : snapshot.maps()) {
    if (map.size == 0) continue;
    bytes(as_bytes(map.name));
    number(map.version.value);
    number(map.size);
    map.foreach ([&](const RecordView& record) {
      bytes(record.key);
      bytes(record.value);
      number(record.version.value);
      return true;
    });
  }
  return digest.finish();
}

}  // namespace entente::kv
