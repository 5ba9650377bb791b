#include "replica/inbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace entente::replica {
namespace {

std::unique_ptr<Batch> batch(bool urgent) {
  auto made = std::make_unique<Batch>();
  made->urgent = urgent;
  made->entries.emplace_back();
  return made;
}

TEST(Inbox, GivesEverythingInOrderAndOnlyOnce) {
  Inbox inbox;
  Inbox::Content content;
  for (uint64_t i = 1; i <= 3; ++i) inbox.put(StableNotice{{1}, {i}});
  inbox.put(batch(false));
  inbox.take(content);
  ASSERT_EQ(content.stable.size(), 3u);
  EXPECT_EQ(content.stable[2].upto, SeqNo{3});
  EXPECT_EQ(content.batches.size(), 1u);
  inbox.take(content);
  EXPECT_TRUE(content.stable.empty());
  EXPECT_TRUE(content.batches.empty());
}

TEST(Inbox, WhatWasPutBeforeTheWaitEndsItAtOnce) {
  Inbox inbox;
  inbox.put(batch(false));
  inbox.wait_until(std::nullopt);  // would never return otherwise
  Inbox::Content content;
  inbox.take(content);
  inbox.wake();
  inbox.wait_until(std::nullopt);
}

TEST(Inbox, AReaderIsWokenFromALongSleepByAnyBatch) {
  for (const bool urgent : {false, true}) {
    Inbox inbox;
    std::thread writer([&] { inbox.put(batch(urgent)); });
    inbox.wait_until(std::chrono::steady_clock::now() + std::chrono::hours(1));
    writer.join();
    Inbox::Content content;
    inbox.take(content);
    EXPECT_EQ(content.batches.size(), 1u);
  }
}

TEST(Inbox, AShortSleepEndsByItselfAndFindsTheBatch) {
  Inbox inbox;
  Inbox::Content content;
  std::thread writer([&] { inbox.put(batch(false)); });
  while (content.batches.empty()) {
    inbox.wait_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
    inbox.take(content);
  }
  writer.join();
}

TEST(Inbox, DropsAndCountsMessagesThatComeTooFastButTakesOneOfAnySize) {
  Inbox inbox;
  Inbox::Content content;
  EXPECT_TRUE(inbox.put(Incoming{{"n"}, Bytes(65u << 20)}));
  EXPECT_FALSE(inbox.put(Incoming{{"n"}, Bytes(1)}));
  EXPECT_EQ(inbox.dropped_messages(), 1u);
  EXPECT_TRUE(inbox.put(Incoming{{"another"}, Bytes(1)})) << "nobody takes another's share";
  inbox.take(content);
  EXPECT_EQ(content.messages.size(), 2u);
  EXPECT_TRUE(inbox.put(Incoming{{"n"}, Bytes(1)}));
  EXPECT_TRUE(inbox.put(Incoming{{"n"}, Bytes(1)}));
  EXPECT_EQ(inbox.dropped_messages(), 1u);
  size_t empty = 0;
  while (inbox.put(Incoming{{"n"}, {}})) ++empty;
  EXPECT_LT(empty, 1'000'000u) << "even empty ones take memory";
}

TEST(Inbox, RecyclesBatchesEmpty) {
  Inbox inbox;
  auto used = batch(true);
  used->bytes.assign(100, 1);
  inbox.recycle(std::move(used));
  const auto fresh = inbox.fresh_batch();
  EXPECT_TRUE(fresh->entries.empty());
  EXPECT_TRUE(fresh->bytes.empty());
  EXPECT_FALSE(fresh->urgent);
  EXPECT_GE(fresh->bytes.capacity(), 100u);
}

}  // namespace
}  // namespace entente::replica
