#pragma once
// How far one exhaustive search goes. Source: docs/verification.md (explorer).

#include <optional>
#include <string>
#include <vector>

#include "entente/types.h"

namespace entente::sim {

enum class Network : uint8_t {
  ordered,  ///< each link keeps its order, holds two messages and loses any
  anyhow    ///< whatever was ever sent may come at any time, again and again, or never
};

struct Bounds {
  std::string name;
  std::vector<std::vector<std::string>> configurations;  ///< one after the other
  uint64_t view_changes = 0;
  uint64_t writes = 0;
  uint64_t transfers = 0;  ///< times that a leader is asked to hand over
  Network network = Network::ordered;
  bool quorum_checks = true;     ///< leaders may step down because they hear nobody
  bool late_validation = false;  ///< stability is reported by an action of its own
};

/// E1 … E8; nothing for another name.
std::optional<Bounds> bounds_of(const std::string& name);
const std::vector<Bounds>& all_bounds();

}  // namespace entente::sim
