#pragma once
// Breadth-first search of a world, by digests: a state that was met is known by 64 bits, and by the
// way that led to it.

#include <cstdint>
#include <string>
#include <vector>

#include "sim/explorer/state.h"

namespace entente::sim {

struct Budget {
  uint64_t states = UINT64_MAX;
  uint64_t depth = UINT64_MAX;
  uint64_t memory = UINT64_MAX;  ///< bytes, of the process
  double seconds = 1e18;         ///< of the processor, not of the clock on the wall
};

struct Outcome {
  std::string violation;           ///< empty: none was met
  std::vector<std::string> steps;  ///< the shortest way to it
  std::string exceeded;            ///< which limit ended the search; empty: every state was met
  uint64_t states = 0;
  uint64_t transitions = 0;
  uint64_t depth = 0;
  size_t actors = 0;   ///< different states of single nodes
  size_t letters = 0;  ///< different messages
  double seconds = 0;
};

Outcome search(const Bounds& bounds, const Budget& budget, bool verbose);

}  // namespace entente::sim
