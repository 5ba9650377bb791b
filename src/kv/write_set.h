#pragma once
// What a transaction changes, in the order in which the ledger stores it: maps ascend by name,
// writes by key. A removal has no value. Views point into memory of the transaction or entry.

#include <optional>
#include <string_view>
#include <vector>

#include "entente/bytes.h"

namespace entente::kv {

struct Write {
  BytesView key;
  std::optional<BytesView> value;  ///< nullopt: the key is removed
};

struct MapWrites {
  std::string_view map;
  std::vector<Write> writes;
};

using WriteSet = std::vector<MapWrites>;

/// Maps whose name starts with `public:` go to the ledger in clear; all others are encrypted.
inline bool is_public(std::string_view map) {
  return map.starts_with("public:");
}

}  // namespace entente::kv
