#include "kv/directory.h"

#include <functional>

namespace entente::kv {

/// Open addressing, at most half full, a power of two long.
struct Directory::Table {
  explicit Table(size_t size) : slots(size) {}
  std::vector<std::atomic<MapEntry*>> slots;

  MapEntry* find(std::string_view name) const {
    const size_t mask = slots.size() - 1;
    for (size_t i = std::hash<std::string_view>{}(name)&mask;; i = (i + 1) & mask) {
      MapEntry* entry = slots[i].load(std::memory_order_acquire);
      if (entry == nullptr || entry->name == name) return entry;
    }
  }
  void insert(MapEntry* entry) {
    const size_t mask = slots.size() - 1;
    size_t i = std::hash<std::string_view>{}(entry->name) & mask;
    while (slots[i].load(std::memory_order_relaxed) != nullptr) i = (i + 1) & mask;
    slots[i].store(entry, std::memory_order_release);
  }
};

Directory::Directory() {
  tables_.push_back(std::make_unique<Table>(256));
  table_.store(tables_.back().get(), std::memory_order_release);
}

Directory::~Directory() = default;

MapEntry* Directory::find(std::string_view name) const {
  return table_.load(std::memory_order_acquire)->find(name);
}

MapEntry& Directory::find_or_create(std::string_view name) {
  if (MapEntry* known = find(name)) return *known;
  if (2 * (entries_.size() + 1) > tables_.back()->slots.size()) grow();
  MapEntry& entry = entries_.emplace_back(name, static_cast<uint32_t>(entries_.size()));
  tables_.back()->insert(&entry);
  size_.store(entries_.size(), std::memory_order_relaxed);
  return entry;
}

void Directory::grow() {
  auto larger = std::make_unique<Table>(2 * tables_.back()->slots.size());
  for (MapEntry& entry : entries_) larger->insert(&entry);
  tables_.push_back(std::move(larger));
  table_.store(tables_.back().get(), std::memory_order_release);
}

}  // namespace entente::kv
