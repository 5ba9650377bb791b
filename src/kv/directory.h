#pragma once
// The names of all maps that were ever written, with what the store knows of each by name. Only
// grows. Look-ups take no lock; insertion is the caller's to serialise.

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "entente/types.h"
#include "kv/store.h"

namespace entente::kv {

struct MapEntry {
  MapEntry(std::string_view name_, uint32_t id_) : name(name_), id(id_) {}
  const std::string name;
  const uint32_t id;  ///< dense, from 0

  // Guarded by the store's lock. Hooks are set before the first transaction.
  Hook local_hook;
  Hook global_hook;
  SeqNo last_write;    ///< not below the last transaction that wrote here, effective or not
  SeqNo last_removal;  ///< not below the last transaction that removed a present key
};

class Directory {
 public:
  static constexpr size_t max_maps = size_t{1} << 20;

  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  /// Null if unknown. Entries live as long as the directory.
  MapEntry* find(std::string_view name) const;
  MapEntry& find_or_create(std::string_view name);
  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Table;
  void grow();

  std::atomic<Table*> table_;
  std::vector<std::unique_ptr<Table>> tables_;  // old ones stay: readers may still be in them
  std::deque<MapEntry> entries_;
  std::atomic<size_t> size_{0};
};

}  // namespace entente::kv
