#include "crypto/siphash.h"

#include <bit>

namespace entente::crypto {

namespace {

struct Lanes {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }

  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

uint64_t little_endian_word(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, 8);
  return word;
}

uint64_t little_endian_rest(BytesView bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes.size(); ++i) word |= uint64_t{bytes[i]} << (8 * i);
  return word;
}

static_assert(std::endian::native == std::endian::little);

}  // namespace

uint64_t siphash24(BytesView data, uint64_t k0, uint64_t k1) {
  Lanes lanes{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
              k1 ^ 0x7465646279746573};
  size_t at = 0;
  for (; data.size() - at >= 8; at += 8) lanes.absorb(little_endian_word(data.data() + at));
  lanes.absorb(little_endian_rest(data.subspan(at)) | uint64_t{data.size() & 0xff} << 56);
  lanes.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) lanes.round();
  return lanes.v0 ^ lanes.v1 ^ lanes.v2 ^ lanes.v3;
}

}  // namespace entente::crypto
