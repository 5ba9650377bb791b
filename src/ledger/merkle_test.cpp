#include "ledger/merkle.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/encoding.h"
#include "crypto/digest.h"

namespace entente::ledger {
namespace {

Digest numbered(uint64_t n) {
  uint8_t bytes[8];
  std::memcpy(bytes, &n, 8);
  return crypto::sha256(bytes);
}

/// The definition, level by level, with nothing kept.
struct Naive {
  std::vector<Digest> leaves{Digest{}};

  Digest root(uint64_t size) const {
    std::vector<Digest> level(leaves.begin(), leaves.begin() + static_cast<ptrdiff_t>(size));
    while (level.size() > 1) {
      std::vector<Digest> next;
      for (size_t i = 0; i + 1 < level.size(); i += 2) {
        next.push_back(crypto::sha256({level[i], level[i + 1]}));
      }
      if (level.size() % 2 == 1) next.push_back(level.back());
      level = std::move(next);
    }
    return level[0];
  }

  MerklePath path(uint64_t index, uint64_t size) const {
    MerklePath steps;
    std::vector<Digest> level(leaves.begin(), leaves.begin() + static_cast<ptrdiff_t>(size));
    while (level.size() > 1) {
      if (index % 2 == 1) {
        steps.push_back({true, level[index - 1]});
      } else if (index + 1 < level.size()) {
        steps.push_back({false, level[index + 1]});
      }
      std::vector<Digest> next;
      for (size_t i = 0; i + 1 < level.size(); i += 2) {
        next.push_back(crypto::sha256({level[i], level[i + 1]}));
      }
      if (level.size() % 2 == 1) next.push_back(level.back());
      level = std::move(next);
      index /= 2;
    }
    return steps;
  }
};

TEST(Merkle, ANewTreeHasTheZeroLeaf) {
  const MerkleTree tree;
  EXPECT_EQ(tree.size(), 1u);
  EXPECT_EQ(tree.root(), Digest{});
  EXPECT_TRUE(tree.path(0, 1).empty());
}

TEST(Merkle, AllRootsAndPathsOfSmallTrees) {
  MerkleTree tree;
  Naive naive;
  for (uint64_t n = 1; n < 70; ++n) {
    tree.append(numbered(n));
    naive.leaves.push_back(numbered(n));
  }
  for (uint64_t size = 1; size <= tree.size(); ++size) {
    const Digest root = naive.root(size);
    EXPECT_EQ(tree.root(size), root);
    for (uint64_t index = 0; index < size; ++index) {
      const MerklePath path = tree.path(index, size);
      EXPECT_EQ(path, naive.path(index, size));
      EXPECT_EQ(fold_path(tree.leaf(index), path), root);
    }
  }
}

/// Everything that the tree still answers must be what the definition says.
void compare_with(const MerkleTree& tree, const Naive& naive) {
  RC_ASSERT(tree.size() == naive.leaves.size());
  RC_ASSERT(tree.root() == naive.root(tree.size()));
  const uint64_t first = tree.first();
  const uint64_t size = *rc::gen::inRange<uint64_t>(std::max<uint64_t>(first, 1), tree.size() + 1);
  RC_ASSERT(tree.root(size) == naive.root(size));
  if (size > first) {
    const uint64_t index = *rc::gen::inRange<uint64_t>(first, size);
    RC_ASSERT(tree.leaf(index) == naive.leaves[index]);
    RC_ASSERT(tree.path(index, size) == naive.path(index, size));
    const uint64_t from = *rc::gen::inRange<uint64_t>(first, size);
    const Bytes stored = tree.serialise(from, size);
    const auto restored = MerkleTree::deserialise(stored);
    RC_ASSERT(restored.ok());
    RC_ASSERT(restored->size() == size && restored->first() == from);
    RC_ASSERT(restored->root() == naive.root(size));
    RC_ASSERT(restored->serialise() == stored);
  }
}

TEST(Merkle, BehavesAsTheDefinitionUnderAnyHistory) {
  EXPECT_TRUE(rc::check([] {
    MerkleTree tree;
    Naive naive;
    uint64_t next = 1;
    const auto steps = *rc::gen::inRange(1, 40);
    for (int step = 0; step < steps; ++step) {
      switch (*rc::gen::inRange(0, 6)) {
        case 0:
        case 1:
        case 2: {
          const auto count = *rc::gen::inRange(1, 40);
          for (int i = 0; i < count; ++i, ++next) {
            tree.append(numbered(next));
            naive.leaves.push_back(numbered(next));
          }
          break;
        }
        case 3: {
          const uint64_t before = tree.first();
          const uint64_t first = *rc::gen::inRange<uint64_t>(0, tree.size());
          tree.flush(first);
          RC_ASSERT(tree.first() == std::max(first, before));
          break;
        }
        case 4: {
          const uint64_t size = *rc::gen::inRange<uint64_t>(tree.first() + 1, tree.size() + 1);
          tree.truncate(size);
          naive.leaves.resize(size);
          break;
        }
        case 5: {
          auto restored = MerkleTree::deserialise(tree.serialise());
          RC_ASSERT(restored.ok());
          tree = std::move(*restored);
          break;
        }
      }
      compare_with(tree, naive);
    }
  }));
}

// docs/ledger-format.md, serialised tree: two leaves, first 2, the root of leaves 0 and 1.
TEST(Merkle, StoredForm) {
  MerkleTree tree;
  for (uint64_t n = 1; n < 4; ++n) tree.append(numbered(n));
  tree.flush(2);
  EXPECT_EQ(to_hex(tree.serialise()), "00000000000000020000000000000002" + numbered(2).hex() +
                                          numbered(3).hex() +
                                          hash_pair(Digest{}, numbered(1)).hex());
}

TEST(Merkle, DamagedStoredFormsAreRefused) {
  MerkleTree tree;
  for (uint64_t n = 1; n < 14; ++n) tree.append(numbered(n));
  const Bytes stored = tree.serialise(5, 14);
  ASSERT_TRUE(MerkleTree::deserialise(stored).ok());
  for (size_t size = 0; size < stored.size(); ++size) {
    EXPECT_FALSE(MerkleTree::deserialise(BytesView(stored).first(size)).ok()) << size;
  }
  const auto with = [&](size_t at, uint8_t value) {
    Bytes damaged = stored;
    damaged[at] = value;
    return MerkleTree::deserialise(damaged);
  };
  EXPECT_FALSE(with(7, 0).ok());
  EXPECT_FALSE(with(7, 8).ok());
  EXPECT_FALSE(with(0, 0xff).ok());
  EXPECT_FALSE(with(15, 4).ok());
  EXPECT_FALSE(with(8, 0xff).ok());
  EXPECT_FALSE(with(8, 0x40).ok());
  EXPECT_FALSE(MerkleTree::deserialise(stored, 8).ok());
  EXPECT_TRUE(MerkleTree::deserialise(stored, 9).ok());
  // A changed hash is another tree.
  EXPECT_NE(with(16, 0x55)->root(), tree.root());
}

TEST(Merkle, MemoryIsBoundedByWhatIsNotFlushed) {
  MerkleTree tree;
  for (uint64_t n = 1; n < 200000; ++n) {
    tree.append(numbered(n & 0xff));
    if (n % 100 == 0) tree.flush(n - 50);
  }
  EXPECT_LT(tree.serialise().size(), 200u * Digest::size);
  const auto restored = MerkleTree::deserialise(tree.serialise());
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ(restored->root(), tree.root());
}

}  // namespace
}  // namespace entente::ledger
