#pragma once
// Makes the randomness of signatures and keys in this process come from one seed, so that a
// simulated service makes the same bytes in every run. Never for anything but simulation.

#include <cstdint>

namespace entente::sim {

/// From now on, for the whole process.
void seed_crypto(uint64_t seed);

}  // namespace entente::sim
