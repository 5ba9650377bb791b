// What a commit depends on when reads are many, large, or on behalf of somebody else.

#include <gtest/gtest.h>

#include "kv/store.h"
#include "kv/unbound_reads.h"

namespace entente::kv {
namespace {

class DependencyTest : public ::testing::Test {
 protected:
  DependencyTest() { store.set_primary(View{1}, Epoch{1}); }
  void write(std::string_view map, std::string_view key) {
    Tx tx = store.begin();
    tx.rw(map).put(as_bytes(key), as_bytes("v"));
    ASSERT_EQ(store.commit(tx).status, CommitStatus::committed);
  }
  /// Whether a transaction that reads by `read` and writes conflicts with a write of (map, key).
  template <typename Read>
  bool conflicts(const Read& read, std::string_view map, std::string_view key) {
    Tx tx = store.begin();
    read(tx);
    tx.rw("own").put(as_bytes("k"), as_bytes("v"));
    write(map, key);
    return store.commit(tx).status == CommitStatus::conflict;
  }
  Store store;
};

TEST_F(DependencyTest, UnboundReadsSeeTheSnapshotAndBindNothing) {
  write("m", "a");
  const auto look = [](Tx& tx) {
    EXPECT_TRUE(tx.ro("m").has(as_bytes("a")));
    EXPECT_EQ(tx.ro("m").size(), 1u);
    EXPECT_FALSE(tx.ro("m").has(as_bytes("b")));
  };
  EXPECT_TRUE(conflicts(look, "m", "b"));
  write("n", "a");
  const auto unbound = [](Tx& tx) {
    const UnboundReads guard(tx);
    EXPECT_TRUE(tx.ro("n").has(as_bytes("a")));
    EXPECT_EQ(tx.ro("n").size(), 1u);
    EXPECT_FALSE(tx.ro("n").has(as_bytes("b")));
  };
  EXPECT_FALSE(conflicts(unbound, "n", "b"));
  const auto afterwards = [](Tx& tx) {
    { const UnboundReads guard(tx); }
    EXPECT_FALSE(tx.ro("n").has(as_bytes("c")));
  };
  EXPECT_TRUE(conflicts(afterwards, "n", "c"));
}

TEST_F(DependencyTest, KeysThatCannotExistAreNotRemembered) {
  const Bytes huge(max_key_size + 1);
  EXPECT_FALSE(conflicts([&](Tx& tx) { EXPECT_FALSE(tx.ro("m").has(huge)); }, "m", "a"));
}

TEST_F(DependencyTest, BeyondAnAmountOfAbsentKeysTheWholeMapCounts) {
  const auto many = [](Tx& tx) {
    for (int i = 0; i < 300; ++i) {
      Bytes key(5000);
      key[0] = static_cast<uint8_t>(i);
      key[1] = static_cast<uint8_t>(i >> 8);
      EXPECT_FALSE(tx.ro("m").has(key));
    }
  };
  EXPECT_TRUE(conflicts(many, "m", "another key"));
}

TEST_F(DependencyTest, ATransactionUsesABoundedNumberOfMaps) {
  Tx tx = store.begin();
  EXPECT_THROW(
      {
        for (int i = 0; i < 10'000; ++i) (void)tx.ro("map" + std::to_string(i));
      },
      LimitError);
}

}  // namespace
}  // namespace entente::kv
