#include "kv/btree.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <random>

namespace entente::kv {
namespace {

using Model = std::map<std::string, std::string>;

RecordRef record(const std::string& key, const std::string& value) {
  return Record::make(as_bytes(key), as_bytes(value));
}

Model content(const BTree& tree) {
  Model content;
  std::string last;
  for (auto at = tree.begin(); at.get() != nullptr; at.next()) {
    const std::string key = to_text(at.get()->key());
    EXPECT_TRUE(content.empty() || last < key) << "keys out of order";
    last = key;
    content[key] = to_text(at.get()->value());
  }
  return content;
}

/// Keys that share prefixes, are prefixes of each other, hold zero bytes, or differ late.
std::string hostile_key(uint32_t seed) {
  static const std::string stems[] = {"",
                                      "a",
                                      std::string(1, '\0'),
                                      std::string(9, '\0'),
                                      "account-000000000000000000000000000000000",
                                      "account-",
                                      "\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
  std::string key = stems[seed % std::size(stems)];
  for (uint32_t rest = seed / 7; rest != 0; rest /= 5) key += "\0\x01z\xfe\xff"[rest % 5];
  return key;
}

TEST(BTree, EmptyTree) {
  BTree tree;
  EXPECT_EQ(tree.find({}), nullptr);
  EXPECT_EQ(tree.begin().get(), nullptr);
  EXPECT_FALSE(tree.erase(as_bytes("a")));
  tree.check();
}

TEST(BTree, EmptyKeyAndValue) {
  BTree tree;
  EXPECT_FALSE(tree.put(record("", "")));
  ASSERT_NE(tree.find({}), nullptr);
  EXPECT_TRUE(tree.find({})->value().empty());
  EXPECT_FALSE(tree.find({})->is_tombstone());
  EXPECT_TRUE(tree.erase({}));
  EXPECT_TRUE(tree.empty());
  tree.check();
}

TEST(BTree, ManyKeysInEveryOrder) {
  constexpr int count = 20000;
  std::vector<int> order(count);
  for (int i = 0; i < count; ++i) order[static_cast<size_t>(i)] = i;
  const auto key = [](int i) {
    char text[32];
    std::snprintf(text, sizeof text, "key-%08d", i);
    return std::string(text);
  };
  for (const char* how : {"ascending", "descending", "random"}) {
    SCOPED_TRACE(how);
    if (how[0] == 'd') std::reverse(order.begin(), order.end());
    if (how[0] == 'r') std::shuffle(order.begin(), order.end(), std::mt19937(1));
    BTree tree;
    for (const int i : order) ASSERT_FALSE(tree.put(record(key(i), std::to_string(i))));
    tree.check();
    ASSERT_EQ(tree.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      const Record* found = tree.find(as_bytes(key(i)));
      ASSERT_NE(found, nullptr);
      ASSERT_EQ(to_text(found->value()), std::to_string(i));
    }
    int expected = 0;
    for (auto at = tree.begin(); at.get() != nullptr; at.next()) {
      ASSERT_EQ(to_text(at.get()->key()), key(expected++));
    }
    ASSERT_EQ(expected, count);
    for (const int i : order) {
      ASSERT_TRUE(tree.erase(as_bytes(key(i))));
      if (i % 1000 == 0) tree.check();
    }
    EXPECT_TRUE(tree.empty());
  }
}

TEST(BTree, AscendingInsertionFillsLeaves) {
  BTree tree;
  size_t payload = 0;
  for (int i = 0; i < 100000; ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%020d", i);
    auto fresh = record(text, "12345678901234567890");
    payload += fresh->allocated_size();
    tree.put(std::move(fresh));
  }
  // Full leaves cost 512 bytes per 28 records, and there is little above them (half-full ones would
  // cost 34).
  EXPECT_LT(tree.memory() - payload, 100000u * 21);
}

RC_GTEST_PROP(BTree, BehavesLikeAMap, ()) {
  const auto seed = *rc::gen::arbitrary<uint32_t>();
  const auto steps = *rc::gen::inRange(1, 3000);
  const auto range = *rc::gen::inRange(1u, 4000u);
  std::mt19937 random(seed);
  BTree tree;
  Model model;
  std::vector<std::pair<BTree, Model>> snapshots;
  for (int step = 0; step < steps; ++step) {
    const std::string key = hostile_key(random() % range);
    const uint32_t what = random() % 16;
    // Phases of growth and of shrinking.
    const bool grow = (step / 500) % 2 == 0;
    if (what < (grow ? 11u : 4u)) {
      const std::string value = std::to_string(random());
      const RecordRef old = tree.put(record(key, value));
      const auto known = model.find(key);
      RC_ASSERT(static_cast<bool>(old) == (known != model.end()));
      if (old) RC_ASSERT(to_text(old->value()) == known->second);
      model[key] = value;
    } else if (what < 15) {
      const RecordRef old = tree.erase(as_bytes(key));
      const auto known = model.find(key);
      RC_ASSERT(static_cast<bool>(old) == (known != model.end()));
      if (old) {
        RC_ASSERT(to_text(old->value()) == known->second);
        model.erase(known);
      }
    } else if (random() % 16 == 0) {
      snapshots.emplace_back(tree, model);
      if (snapshots.size() > 4) snapshots.erase(snapshots.begin() + random() % 4);
    }
    const Record* found = tree.find(as_bytes(key));
    RC_ASSERT((found != nullptr) == model.contains(key));
    if (random() % 64 == 0) {
      const std::string from = hostile_key(random() % range);
      auto at = tree.lower_bound(as_bytes(from));
      for (auto expected = model.lower_bound(from); expected != model.end(); ++expected) {
        RC_ASSERT(at.get() != nullptr);
        RC_ASSERT(to_text(at.get()->key()) == expected->first);
        at.next();
      }
      RC_ASSERT(at.get() == nullptr);
    }
  }
  tree.check();
  RC_ASSERT(content(tree) == model);
  for (const auto& [snapshot, then] : snapshots) {
    snapshot.check();
    RC_ASSERT(content(snapshot) == then);
  }
}

TEST(BTree, SharedNodesAreNotChanged) {
  BTree tree;
  for (int i = 0; i < 5000; ++i) tree.put(record(std::to_string(i), "old"));
  const BTree snapshot = tree;
  EXPECT_FALSE(tree.unshared());
  for (int i = 0; i < 5000; i += 2) tree.put(record(std::to_string(i), "new"));
  for (int i = 1; i < 5000; i += 2) tree.erase(as_bytes(std::to_string(i)));
  EXPECT_EQ(tree.size(), 2500u);
  EXPECT_EQ(snapshot.size(), 5000u);
  for (auto at = snapshot.begin(); at.get() != nullptr; at.next()) {
    ASSERT_EQ(to_text(at.get()->value()), "old");
  }
  tree.check();
  snapshot.check();
}

}  // namespace
}  // namespace entente::kv
