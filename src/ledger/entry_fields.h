#pragma once
// For tests: where each field of an entry stands, found by a walk of its own over the bytes.

#include <cstring>
#include <string>
#include <vector>

#include "entente/bytes.h"

namespace entente::ledger::test {

struct Field {
  std::string name;
  size_t at = 0;
  size_t size = 0;
};

inline uint64_t number_at(const Bytes& bytes, size_t at) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, 8);
  return value;
}

/// All fields of an entry of type 4, in order and without gaps. Records are named by map.
inline std::vector<Field> entry_fields(const Bytes& entry) {
  std::vector<Field> fields;
  size_t at = 0;
  const auto take = [&](const std::string& name, size_t size) {
    if (size > 0) fields.push_back({name, at, size});
    at += size;
  };
  const auto lp = [&](const std::string& name) {
    const size_t size = number_at(entry, at);
    take(name + " size", 8);
    take(name, size);
  };
  take("version", 1);
  take("flags", 1);
  take("size", 6);
  take("tag", 16);
  take("IV seqno", 8);
  take("IV view", 4);
  const size_t public_size = number_at(entry, at);
  take("public size", 8);
  const size_t public_end = at + public_size;
  take("type", 1);
  take("seqno", 8);
  take("claims", 32);
  take("evidence", 32);
  take("reserved", 8);
  while (at < public_end) {
    const size_t name_size = number_at(entry, at);
    const std::string map(reinterpret_cast<const char*>(entry.data()) + at + 8, name_size);
    lp("map name");
    take("read version", 8);
    take("read count", 8);
    const uint64_t writes = number_at(entry, at);
    take("write count", 8);
    for (uint64_t i = 0; i < writes; ++i) {
      lp(map + " key");
      lp(map + " value");
    }
    const uint64_t removals = number_at(entry, at);
    take("remove count", 8);
    for (uint64_t i = 0; i < removals; ++i) lp(map + " removed key");
  }
  take("private", entry.size() - at);
  return fields;
}

}  // namespace entente::ledger::test
