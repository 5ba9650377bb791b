#pragma once
// What one seed stands for in a world of whole replicas: sizes, rates and which faults are on.

#include <chrono>
#include <cstdint>
#include <string>

namespace entente::sim {

struct ReplicaPlan {
  uint64_t seed = 0;
  uint64_t nodes = 3;
  uint64_t clients = 4;
  uint64_t keys = 3;
  // Network, per message, in thousandths; delays in microseconds.
  uint64_t loss = 0;
  uint64_t duplicates = 0;
  uint64_t replays = 0;
  uint64_t damage = 0;  ///< bytes of carried entries change
  uint64_t burst = 0;
  uint64_t shortest_delay = 100;
  uint64_t longest_delay = 5'000;
  // Deeds of hosts and operators: weights against each other.
  uint64_t partitions = 0;
  uint64_t heals = 8;
  uint64_t flapping = 0;
  uint64_t pauses = 0;
  uint64_t slowness = 0;  ///< steps come late
  uint64_t kills = 0;
  uint64_t joins = 0;
  uint64_t retirements = 0;
  uint64_t transfers = 0;
  uint64_t clock_changes = 0;
  uint64_t slow_disks = 0;
  uint64_t failing_disks = 0;
  uint64_t full_disks = 0;
  uint64_t rot = 0;  ///< bits of complete ledger files change
  uint64_t deed_gap = 40'000;
  uint64_t client_gap = 4'000;
  uint64_t chunk_size = 20'000;
  std::chrono::microseconds heartbeat{20'000};
  std::chrono::microseconds election_timeout{300'000};

  static ReplicaPlan from_seed(uint64_t seed);
  std::string text() const;
};

}  // namespace entente::sim
