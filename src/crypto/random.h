#pragma once
// Randomness fit for keys. The machine's generator failing is not survivable: it asserts.

#include <array>
#include <span>

#include "base/environment.h"
#include "crypto/secret.h"

namespace entente::crypto {

/// Thread-safe.
void random_bytes(std::span<uint8_t> out);

template <size_t N>
std::array<uint8_t, N> random_array() {
  std::array<uint8_t, N> bytes;
  random_bytes(bytes);
  return bytes;
}

/// The same generator behind the interface that core logic is handed. Thread-safe.
RandomSource& system_random();

/// A fresh 256-bit key out of any source.
SymmetricKey random_key(RandomSource& source = system_random());

}  // namespace entente::crypto
