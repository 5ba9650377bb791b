#include <algorithm>
#include <string>

#include "ledger/byte_reader.h"
#include "ledger/entry.h"

namespace entente::ledger {
namespace {

/// Sorts records of one map by key; for one key the last wins, except that a removal never beats
/// a write (removals are stored after the writes whatever happened first).
void normalise(std::vector<kv::Write>& writes) {
  std::stable_sort(writes.begin(), writes.end(), [](const kv::Write& a, const kv::Write& b) {
    return compare(a.key, b.key) < 0;
  });
  size_t kept = 0;
  for (const kv::Write& write : writes) {
    if (kept > 0 && equal(writes[kept - 1].key, write.key)) {
      if (write.value || !writes[kept - 1].value) writes[kept - 1] = write;
    } else {
      writes[kept++] = write;
    }
  }
  writes.erase(writes.begin() + static_cast<ptrdiff_t>(kept), writes.end());
}

/// Merges ascending writes [0, split) and ascending removals [split, end). False if a key is in
/// both.
bool merge_removals(std::vector<kv::Write>& writes, size_t split) {
  if (split == 0 || split == writes.size()) return true;
  std::inplace_merge(
      writes.begin(), writes.begin() + static_cast<ptrdiff_t>(split), writes.end(),
      [](const kv::Write& a, const kv::Write& b) { return compare(a.key, b.key) < 0; });
  for (size_t i = 1; i < writes.size(); ++i) {
    if (equal(writes[i - 1].key, writes[i].key)) return false;
  }
  return true;
}

/// Bytes that the shortest record of its kind takes; bounds what a hostile count can reserve.
constexpr size_t shortest_write = 16;
constexpr size_t shortest_removal = 8;
constexpr size_t shortest_read = 16;

class MapsReader {
 public:
  MapsReader(BytesView domain, uint64_t offset, Ordering ordering)
      : reader_(domain, offset), ordering_(ordering) {}

  Result<kv::WriteSet> read() {
    kv::WriteSet maps;
    while (!reader_.at_end()) {
      auto map = read_map(maps.empty() ? nullptr : &maps.back());
      if (!map) return map.error();
      maps.push_back(std::move(*map));
    }
    if (ordering_ == Ordering::any) merge_repeated(maps);
    return maps;
  }

 private:
  Result<kv::MapWrites> read_map(const kv::MapWrites* previous) {
    kv::MapWrites map;
    map_at_ = reader_.offset();
    BytesView name;
    if (!reader_.lp(name)) return reader_.missing("map name");
    map.map = as_text(name);
    if (strict() && previous != nullptr && !(previous->map < map.map)) {
      return wrong(map_at_, "map name", "maps are not in ascending order");
    }
    for (auto step :
         {&MapsReader::read_reads, &MapsReader::read_writes, &MapsReader::read_removals}) {
      if (auto done = (this->*step)(map); !done) return done.error();
    }
    return map;
  }

  Result<void> read_reads(kv::MapWrites& map) {
    uint64_t version = 0;
    if (!reader_.u64(version)) return reader_.missing(place(map, "read version"));
    uint64_t count = 0;
    const uint64_t at = reader_.offset();
    if (!reader_.u64(count)) return reader_.missing(place(map, "read count"));
    if (strict() && count != 0) return wrong(at, place(map, "read count"), "not 0");
    if (count > reader_.left() / shortest_read) {
      return wrong(at, place(map, "read count"), "beyond the end of the domain");
    }
    for (uint64_t i = 0; i < count; ++i) {
      BytesView key;
      if (!reader_.lp(key) || !reader_.u64(version)) return reader_.missing(place(map, "read"));
    }
    return {};
  }

  Result<void> read_writes(kv::MapWrites& map) {
    const uint64_t at = reader_.offset();
    uint64_t count = 0;
    if (!reader_.u64(count)) return reader_.missing(place(map, "write count"));
    if (count > reader_.left() / shortest_write) {
      return wrong(at, place(map, "write count"), "beyond the end of the domain");
    }
    map.writes.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t key_at = reader_.offset();
      BytesView key;
      BytesView value;
      if (!reader_.lp(key)) return reader_.missing(place(map, "key"));
      if (strict() && i > 0 && compare(map.writes.back().key, key) >= 0) {
        return wrong(key_at, place(map, "key"), "writes are not in ascending order");
      }
      if (!reader_.lp(value)) return reader_.missing(place(map, "value"));
      map.writes.push_back({key, value});
    }
    return {};
  }

  Result<void> read_removals(kv::MapWrites& map) {
    const uint64_t at = reader_.offset();
    uint64_t count = 0;
    if (!reader_.u64(count)) return reader_.missing(place(map, "remove count"));
    if (count > reader_.left() / shortest_removal) {
      return wrong(at, place(map, "remove count"), "beyond the end of the domain");
    }
    const size_t split = map.writes.size();
    map.writes.reserve(split + count);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t key_at = reader_.offset();
      BytesView key;
      if (!reader_.lp(key)) return reader_.missing(place(map, "removed key"));
      if (strict() && i > 0 && compare(map.writes.back().key, key) >= 0) {
        return wrong(key_at, place(map, "removed key"), "removals are not in ascending order");
      }
      map.writes.push_back({key, std::nullopt});
    }
    return finish(map, split, at);
  }

  Result<void> finish(kv::MapWrites& map, size_t split, uint64_t removals_at) {
    if (!strict()) {
      normalise(map.writes);
      return {};
    }
    if (map.writes.empty()) return wrong(map_at_, place(map, "map"), "has no writes");
    if (!merge_removals(map.writes, split)) {
      return wrong(removals_at, place(map, "removed key"), "is also written");
    }
    return {};
  }

  static void merge_repeated(kv::WriteSet& maps) {
    std::stable_sort(maps.begin(), maps.end(),
                     [](const kv::MapWrites& a, const kv::MapWrites& b) { return a.map < b.map; });
    kv::WriteSet merged;
    for (kv::MapWrites& map : maps) {
      if (!merged.empty() && merged.back().map == map.map) {
        auto& writes = merged.back().writes;
        writes.insert(writes.end(), map.writes.begin(), map.writes.end());
        normalise(writes);
      } else {
        merged.push_back(std::move(map));
      }
    }
    maps = std::move(merged);
  }

  bool strict() const { return ordering_ == Ordering::required; }

  /// Only evaluated for errors, but written at every step: keep it cheap.
  struct Place {
    std::string_view map;
    std::string_view field;
    operator std::string() const {
      return "map " + std::string(map.substr(0, 128)) + ": " + std::string(field);
    }
  };
  static Place place(const kv::MapWrites& map, std::string_view field) { return {map.map, field}; }
  static Error wrong(uint64_t offset, const std::string& field, std::string_view what) {
    return {"byte " + std::to_string(offset) + ": " + field + ": " + std::string(what)};
  }

  ByteReader reader_;
  Ordering ordering_;
  uint64_t map_at_ = 0;
};

}  // namespace

Result<kv::WriteSet> read_maps(BytesView domain, uint64_t offset, Ordering ordering) {
  return MapsReader(domain, offset, ordering).read();
}

kv::WriteSet merge_domains(kv::WriteSet public_maps, kv::WriteSet private_maps) {
  if (private_maps.empty()) return public_maps;
  if (public_maps.empty()) return private_maps;
  kv::WriteSet merged;
  merged.reserve(public_maps.size() + private_maps.size());
  std::merge(std::move_iterator(public_maps.begin()), std::move_iterator(public_maps.end()),
             std::move_iterator(private_maps.begin()), std::move_iterator(private_maps.end()),
             std::back_inserter(merged),
             [](const kv::MapWrites& a, const kv::MapWrites& b) { return a.map < b.map; });
  return merged;
}

std::optional<BytesView> find_write(const kv::WriteSet& maps, std::string_view map, BytesView key) {
  for (const kv::MapWrites& candidate : maps) {
    if (candidate.map != map) continue;
    for (const kv::Write& write : candidate.writes) {
      if (equal(write.key, key)) return write.value;
    }
  }
  return std::nullopt;
}

BytesView unit_key() {
  static constexpr uint8_t zeros[8] = {};
  return zeros;
}

}  // namespace entente::ledger
