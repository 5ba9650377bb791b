#include "crypto/random.h"

#include <set>

#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

TEST(Random, DrawsDiffer) {
  std::set<std::array<uint8_t, 16>> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_array<16>());
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_FALSE(random_key() == random_key());
  random_bytes({});
}

// 32 kB have 131072 ± 256 (one sigma) ones: eight sigmas never miss by chance.
TEST(Random, BitsAreBalanced) {
  Bytes bytes(32768);
  system_random().fill(bytes);
  long ones = 0;
  for (const uint8_t byte : bytes) ones += __builtin_popcount(byte);
  EXPECT_NEAR(static_cast<double>(ones), 131072, 8 * 256);
}

TEST(Random, KeysComeFromTheGivenSource) {
  class Sevens final : public RandomSource {
   public:
    void fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), 7); }
  };
  Sevens source;
  EXPECT_TRUE(equal(random_key(source), Bytes(32, 7)));
}

TEST(Secret, ConstantTimeEqualIsEquality) {
  EXPECT_TRUE(constant_time_equal({}, {}));
  const Bytes a = hex("00ff10");
  EXPECT_TRUE(constant_time_equal(a, hex("00ff10")));
  EXPECT_FALSE(constant_time_equal(a, hex("00ff11")));
  EXPECT_FALSE(constant_time_equal(a, hex("00ff")));
}

TEST(Secret, MemoryIsWipedWhenTheSecretGoes) {
  alignas(SymmetricKey) uint8_t memory[sizeof(SymmetricKey)];
  auto* key = new (memory) SymmetricKey(std::span<const uint8_t, 32>(Bytes(32, 0x55)));
  EXPECT_EQ(memory[31], 0x55);
  key->~SymmetricKey();
  asm volatile("" : : "r"(memory) : "memory");  // the compiler may not reason about dead objects
  EXPECT_TRUE(equal(memory, Bytes(32, 0)));

  Bytes bytes(8, 9);
  { const WipeAtExit wiped(bytes); }
  EXPECT_EQ(bytes, Bytes(8, 0));
}

}  // namespace
}  // namespace entente::crypto
