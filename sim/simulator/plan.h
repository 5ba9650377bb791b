#pragma once
// What one seed stands for: sizes, rates and which faults are on. Some runs are without some
// faults, because faults hide each other.

#include <cstdint>
#include <string>

#include "consensus/raft/raft.h"

namespace entente::sim {

struct Plan {
  uint64_t seed = 0;
  uint64_t nodes = 3;  ///< voters to begin with
  uint64_t spare = 2;  ///< joiners that wait for a configuration
  // Network, per message, in thousandths; delays in microseconds.
  uint64_t loss = 0;
  uint64_t duplicates = 0;
  uint64_t replays = 0;  ///< any earlier message again
  uint64_t shortest_delay = 100;
  uint64_t longest_delay = 5'000;
  uint64_t burst = 0;  ///< messages that are late by up to a second
  // Actions: weights against each other.
  uint64_t writes = 100;
  uint64_t signatures = 10;  ///< beside those that the core asks for
  uint64_t partitions = 0;
  uint64_t heals = 2;
  uint64_t pauses = 0;
  uint64_t kills = 0;
  uint64_t reconfigurations = 0;
  uint64_t transfers = 0;
  uint64_t reads = 1;
  uint64_t slow_validation = 0;
  uint64_t invalid = 0;      ///< content damaged by the host
  uint64_t resends = 0;      ///< a leader sends an arbitrary range again
  uint64_t late_writes = 0;  ///< ids given before and proposed after other things
  uint64_t clock_changes = 0;
  // Ambushes: what earlier designs fell into (ambushes.cpp).
  uint64_t corners = 0;         ///< a leader alone with the newcomers of a pending configuration
  uint64_t exiles = 0;          ///< a leader alone for several election timeouts
  uint64_t short_sends = 0;     ///< thousandths of the messages with entries that carry fewer
  bool disorder = false;        ///< links reorder in the second phase too
  uint64_t action_gap = 2'000;  ///< microseconds between two actions, on average
  consensus::RaftOptions core;

  static Plan from_seed(uint64_t seed);
  std::string text() const;
};

}  // namespace entente::sim
