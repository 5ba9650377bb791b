// The arena: blocks do not overlap, limits hold, an image comes back byte for byte.
#include "js/arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace entente::js {
namespace {

constexpr size_t megabyte = 1u << 20;

struct Piece {
  uint8_t* data;
  size_t size;
  uint8_t mark;

  bool intact() const {
    for (size_t i = 0; i < size; ++i) {
      if (data[i] != mark) return false;
    }
    return true;
  }
};

Piece piece(Arena& arena, size_t size, uint8_t mark) {
  auto* data = static_cast<uint8_t*>(arena.allocate(size));
  if (data != nullptr) std::memset(data, mark, size);
  return {data, size, mark};
}

size_t some_size(std::mt19937& random) {
  switch (random() % 8) {
    case 0:
      return random() % 100'000;
    case 1:
      return random() % 5'000;
    case 2:
      return random() % 1'000'000 == 0 ? 0 : random() % 600;
    default:
      return random() % 200;
  }
}

/// A random sequence of operations on `pieces`; checks content all the way.
void work(Arena& arena, std::vector<Piece>& pieces, std::mt19937& random, int steps) {
  for (int step = 0; step < steps; ++step) {
    const auto mark = static_cast<uint8_t>(random());
    if (pieces.empty() || random() % 5 < 2) {
      Piece made = piece(arena, some_size(random), mark);
      if (made.data == nullptr) continue;
      ASSERT_EQ(reinterpret_cast<uintptr_t>(made.data) % 16, 0u);
      ASSERT_GE(Arena::usable(made.data), made.size);
      pieces.push_back(made);
      continue;
    }
    Piece& chosen = pieces[random() % pieces.size()];
    ASSERT_TRUE(chosen.intact());
    if (random() % 2 == 0) {
      const size_t size = some_size(random);
      auto* moved = static_cast<uint8_t*>(arena.resize(chosen.data, size));
      if (moved == nullptr) continue;
      chosen.data = moved;
      const size_t kept = std::min(size, chosen.size);
      ASSERT_TRUE((Piece{moved, kept, chosen.mark}.intact()));
      chosen.size = size;
      chosen.mark = mark;
      std::memset(moved, mark, size);
    } else {
      arena.release(chosen.data);
      chosen = pieces.back();
      pieces.pop_back();
    }
  }
  ASSERT_TRUE(arena.consistent());
}

TEST(Arena, blocks_are_what_was_asked_for) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    Arena arena(256 * megabyte);
    arena.set_limit(8 * megabyte);
    std::vector<Piece> pieces;
    work(arena, pieces, random, 8'000);
    for (const Piece& p : pieces) {
      ASSERT_TRUE(p.intact());
      arena.release(p.data);
    }
    ASSERT_TRUE(arena.consistent());
    EXPECT_EQ(arena.used(), 0u);
  }
}

TEST(Arena, an_image_comes_back) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    Arena arena(256 * megabyte);
    arena.set_limit(16 * megabyte);
    std::vector<Piece> before;
    work(arena, before, random, 3'000);
    arena.take_image();
    EXPECT_TRUE(arena.same_as_image());
    const size_t used = arena.used();
    for (int round = 0; round < 3; ++round) {
      std::vector<Piece> pieces = before;
      work(arena, pieces, random, 5'000);
      EXPECT_FALSE(arena.same_as_image());
      arena.restore();
      ASSERT_TRUE(arena.same_as_image());
      ASSERT_TRUE(arena.consistent());
      EXPECT_EQ(arena.used(), used);
      for (const Piece& p : before) ASSERT_TRUE(p.intact());
    }
  }
}

TEST(Arena, the_same_operations_give_the_same_addresses_after_a_restore) {
  Arena arena(64 * megabyte);
  arena.allocate(1000);
  arena.take_image();
  std::vector<void*> first;
  for (int round = 0; round < 3; ++round) {
    std::vector<void*> blocks;
    for (size_t size = 1; size < 100'000; size = size * 3 / 2 + 1) {
      blocks.push_back(arena.allocate(size));
      if (size % 3 == 0)
        arena.release(blocks[blocks.size() / 2]), blocks.erase(blocks.begin() + blocks.size() / 2);
    }
    if (round == 0) first = blocks;
    EXPECT_EQ(blocks, first);
    arena.restore();
  }
}

TEST(Arena, limits_hold) {
  Arena arena(256 * megabyte);
  arena.set_limit(4 * megabyte);
  EXPECT_EQ(arena.allocate(5 * megabyte), nullptr);
  EXPECT_TRUE(arena.refused());
  EXPECT_EQ(arena.allocate(SIZE_MAX), nullptr);
  EXPECT_EQ(arena.allocate(SIZE_MAX - 20), nullptr);
  arena.set_limit(4 * megabyte);
  EXPECT_FALSE(arena.refused());
  void* block = arena.allocate(3 * megabyte);
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(arena.resize(block, 6 * megabyte), nullptr);
  EXPECT_GE(Arena::usable(block), 3 * megabyte);
  size_t count = 0;
  while (arena.allocate(100) != nullptr) ++count;
  EXPECT_LT(count, 12'000u);
  EXPECT_LE(arena.used(), 4 * megabyte + (32u << 10));
}

TEST(Arena, memory_stays_below_twice_the_limit_whatever_is_hoarded) {
  Arena arena(1024 * megabyte);
  arena.set_limit(4 * megabyte);
  for (size_t size = 8; size < 20'000; size = size * 5 / 4 + 8) {
    std::vector<void*> blocks;
    while (void* block = arena.allocate(size)) blocks.push_back(block);
    // Every other block first, so that much stays in pieces for a while.
    for (size_t i = 0; i < blocks.size(); i += 2) arena.release(blocks[i]);
    for (size_t i = 1; i < blocks.size(); i += 2) arena.release(blocks[i]);
    arena.set_limit(4 * megabyte);
    ASSERT_TRUE(arena.consistent());
    ASSERT_LT(arena.committed_bytes(), 12 * megabyte);
    void* large = arena.allocate(3 * megabyte);
    ASSERT_NE(large, nullptr) << size;
    arena.release(large);
  }
}

TEST(Arena, growing_in_place_where_nothing_is_behind) {
  Arena arena(64 * megabyte);
  void* block = arena.allocate(1000);
  for (size_t size = 2000; size < megabyte; size += 1000) {
    ASSERT_EQ(arena.resize(block, size), block);
  }
  ASSERT_TRUE(arena.consistent());
}

TEST(Arena, knows_what_belongs_to_it) {
  Arena arena(megabyte);
  int local = 0;
  EXPECT_FALSE(arena.contains(&local));
  EXPECT_TRUE(arena.contains(arena.allocate(10)));
}

}  // namespace
}  // namespace entente::js
