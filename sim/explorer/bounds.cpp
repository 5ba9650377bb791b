#include "sim/explorer/bounds.h"

namespace entente::sim {

const std::vector<Bounds>& all_bounds() {
  static const std::vector<Bounds> all{
      {.name = "E1", .configurations = {{"1"}}, .view_changes = 2, .writes = 3},
      {.name = "E2",
       .configurations = {{"1", "2"}},
       .view_changes = 2,
       .writes = 2,
       .transfers = 1},
      {.name = "E3", .configurations = {{"1", "2", "3"}}, .view_changes = 0, .writes = 3},
      {.name = "E4", .configurations = {{"1"}, {"2"}}, .view_changes = 2, .quorum_checks = false},
      {.name = "E5",
       .configurations = {{"1"}, {"1", "2"}, {"2"}},
       .view_changes = 2,
       .quorum_checks = false},
      {.name = "E6", .configurations = {{"1", "2"}, {"2", "3"}}, .view_changes = 1, .writes = 1},
      {.name = "E7",
       .configurations = {{"1", "2", "3"}},
       .view_changes = 2,
       .writes = 1,
       .network = Network::anyhow},
      {.name = "E8",
       .configurations = {{"1", "2", "3"}},
       .view_changes = 1,
       .writes = 1,
       .late_validation = true},
      // Less than E6, E7 and E8, which are too large to be searched to their end.
      {.name = "E6a", .configurations = {{"1", "2"}, {"2", "3"}}, .view_changes = 0, .writes = 1},
      {.name = "E7a",
       .configurations = {{"1", "2", "3"}},
       .view_changes = 1,
       .writes = 0,
       .network = Network::anyhow},
      {.name = "E7b",
       .configurations = {{"1", "2"}},
       .view_changes = 1,
       .writes = 1,
       .network = Network::anyhow},
      {.name = "E8a",
       .configurations = {{"1", "2"}},
       .view_changes = 2,
       .writes = 1,
       .late_validation = true},
      {.name = "E8b",
       .configurations = {{"1", "2", "3"}},
       .view_changes = 1,
       .writes = 0,
       .late_validation = true}};
  return all;
}

std::optional<Bounds> bounds_of(const std::string& name) {
  for (const Bounds& bounds : all_bounds()) {
    if (bounds.name == name) return bounds;
  }
  return std::nullopt;
}

}  // namespace entente::sim
