#pragma once
// The one source of chance in a simulation: the splitmix64 generator, equal on every platform.

#include <cstdint>

namespace entente::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In [0, most). most > 0.
  uint64_t below(uint64_t most) { return next() % most; }
  uint64_t between(uint64_t least, uint64_t most) { return least + below(most - least + 1); }
  bool chance(uint64_t permille) { return below(1000) < permille; }

 private:
  uint64_t state_;
};

}  // namespace entente::sim
