#include "consensus/state_hash.h"

#include <cstring>

namespace entente::consensus {
namespace {

// Finaliser of a 64-bit mixing function: every input bit reaches every output bit.
uint64_t mixed(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  return x;
}

uint64_t rotated(uint64_t x, int bits) {
  return x << bits | x >> (64 - bits);
}

}  // namespace

void StateHasher::add(uint64_t value) {
  a_ = mixed(a_ ^ value);
  b_ = mixed(rotated(b_, 23) + value * 0x9fb21c651e98df25 + a_);
}

void StateHasher::add(std::string_view text) {
  add(static_cast<uint64_t>(text.size()));
  for (size_t i = 0; i < text.size(); i += 8) {
    uint64_t word = 0;
    // Byte by byte: the same on every byte order.
    for (size_t k = 0; k < 8 && i + k < text.size(); ++k) {
      word |= static_cast<uint64_t>(static_cast<uint8_t>(text[i + k])) << (8 * k);
    }
    add(word);
  }
}

void StateHasher::add(const NodeId& node) {
  const auto found = renaming_->find(node);
  if (found == renaming_->end()) {
    add(std::string_view(node.value));
  } else {
    add(found->second);
  }
}

void StateHasher::add(const Digest& digest) {
  for (size_t i = 0; i < Digest::size; i += 8) {
    uint64_t word = 0;
    for (size_t k = 0; k < 8; ++k) word |= static_cast<uint64_t>(digest.bytes[i + k]) << (8 * k);
    add(word);
  }
}

}  // namespace entente::consensus
