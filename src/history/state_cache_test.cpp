// The cache by itself: fetched step by step, on a clock that the test moves.
#include "history/state_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "history/test_service.h"

namespace entente::history {
namespace {

using namespace std::chrono_literals;

class StateCacheTest : public testing::Test {
 protected:
  StateCacheTest() {
    const Bytes large(2000);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 9; ++i) {
        const std::string key = std::to_string(i);
        files.append({{"m", {{as_bytes(key), BytesView(large)}}}},
                     {first_view, files.writer->last() + 1}, {});
      }
      committed = files.sign(first_view).seqno;
    }
  }

  static std::vector<SeqNo> seqnos(uint64_t first, uint64_t last) {
    std::vector<SeqNo> all;
    for (uint64_t seqno = first; seqno <= last; ++seqno) all.push_back({seqno});
    return all;
  }
  auto get(Handle handle, uint64_t first, uint64_t last) {
    return cache.get({Owner::application, handle}, seqnos(first, last));
  }
  void fetch_all() {
    while (cache.fetch_some(past)) {
    }
  }

  test::TestLedgerFiles files;
  rpc::test::FakeClock clock;
  SeqNo committed;
  int woken = 0;
  StateCache cache{[this] { return committed; },
                   clock,
                   [this] { ++woken; },
                   {.soft_bytes = 1 << 20, .expiry = 100s, .batch_bytes = 8000}};
  PastLedger past{files.sources()};
};

TEST_F(StateCacheTest, FirstAsksThenGives) {
  EXPECT_TRUE(get(1, 3, 3).pending());
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(get(1, 3, 3).pending());
  fetch_all();
  const auto fetched = get(1, 3, 3);
  ASSERT_TRUE(fetched.value.has_value());
  EXPECT_EQ(fetched.value->front()->id().seqno, SeqNo{3});
  EXPECT_FALSE(cache.fetch_some(past));
}

TEST_F(StateCacheTest, RangesAreAllOrNothing) {
  EXPECT_TRUE(get(1, 2, 29).pending());
  for (int steps = 0; cache.fetch_some(past); ++steps) {
    ASSERT_LT(steps, 28);
    const auto fetched = get(1, 2, 29);
    if (fetched.pending()) continue;
    ASSERT_TRUE(fetched.value.has_value());
    ASSERT_EQ(fetched.value->size(), 28u);
    for (size_t i = 0; i < 28; ++i) EXPECT_EQ((*fetched.value)[i]->id().seqno, SeqNo{i + 2});
    EXPECT_GT(steps, 3);  // the batch limit cut it
    return;
  }
  FAIL() << "never complete";
}

TEST_F(StateCacheTest, GapsAreFetchedToo) {
  const std::vector<SeqNo> sparse = {{1}, {2}, {9}, {10}, {12}, {30}};
  EXPECT_TRUE(cache.get({}, sparse).pending());
  fetch_all();
  const auto fetched = cache.get({}, sparse);
  ASSERT_TRUE(fetched.value.has_value());
  for (size_t i = 0; i < sparse.size(); ++i) EXPECT_EQ((*fetched.value)[i]->id().seqno, sparse[i]);
}

TEST_F(StateCacheTest, AnotherRangeUnderTheHandleReplacesTheFirst) {
  get(1, 1, 5);
  fetch_all();
  ASSERT_TRUE(get(1, 1, 5).value.has_value());
  EXPECT_TRUE(get(1, 1, 6).pending());
  EXPECT_TRUE(get(1, 1, 5).pending());  // gone, asked for again
  get(1, 7, 8);                         // while the others are queued
  fetch_all();
  EXPECT_TRUE(get(1, 7, 8).value.has_value());
  EXPECT_EQ(cache.requests(), 1u);
}

TEST_F(StateCacheTest, OwnersDoNotCollide) {
  cache.get({Owner::application, 5}, seqnos(1, 1));
  cache.get({Owner::system, 5}, seqnos(2, 2));
  fetch_all();
  EXPECT_EQ(cache.get({Owner::application, 5}, seqnos(1, 1)).value->front()->id().seqno, SeqNo{1});
  EXPECT_EQ(cache.get({Owner::system, 5}, seqnos(2, 2)).value->front()->id().seqno, SeqNo{2});
}

TEST_F(StateCacheTest, OnlyCommittedTransactionsAreAskedFor) {
  EXPECT_TRUE(get(1, 29, 31).failure.has_value());
  EXPECT_TRUE(cache.get({}, {{0}}).failure.has_value());
  EXPECT_EQ(cache.requests(), 0u);
  EXPECT_EQ(woken, 0);
  States states(cache);
  EXPECT_TRUE(states.range(1, {1}, {max_states_per_request + 1}).failure.has_value());
  EXPECT_TRUE(states.range(1, {1}, {std::numeric_limits<uint64_t>::max()}).failure.has_value());
  EXPECT_TRUE(states.range(1, {2}, {1}).failure.has_value());
  EXPECT_TRUE(states.seqnos(1, {}).value->empty());
}

TEST_F(StateCacheTest, ForgetsWhatNobodyAsksForAnyMore) {
  get(1, 1, 1);
  get(2, 2, 2);
  fetch_all();
  clock.monotonic = 60s;
  EXPECT_TRUE(get(2, 2, 2).value.has_value());  // refreshes it
  clock.monotonic = 100s;
  cache.expire();
  EXPECT_EQ(cache.requests(), 1u);
  EXPECT_TRUE(get(2, 2, 2).value.has_value());
  clock.monotonic = 201s;
  cache.expire();
  EXPECT_EQ(cache.requests(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_TRUE(get(1, 1, 1).pending());
}

TEST_F(StateCacheTest, EvictsTheHandlesAskedForLeastRecently) {
  for (Handle handle = 1; handle <= 4; ++handle) get(handle, handle * 2, handle * 2 + 1);
  fetch_all();
  EXPECT_TRUE(get(1, 2, 3).value.has_value());
  const size_t all = cache.bytes();
  cache.set_soft_limit(all - 1);
  EXPECT_LT(cache.bytes(), all);
  EXPECT_EQ(cache.requests(), 3u);
  EXPECT_TRUE(get(1, 2, 3).value.has_value());
  EXPECT_TRUE(get(3, 6, 7).value.has_value());
  EXPECT_TRUE(get(2, 4, 5).pending());  // the one that went
}

TEST_F(StateCacheTest, ARequestThatCannotFitFails) {
  cache.set_soft_limit(20000);
  EXPECT_TRUE(get(1, 1, 20).pending());
  fetch_all();
  const auto fetched = get(1, 1, 20);
  ASSERT_TRUE(fetched.failure.has_value());
  EXPECT_THAT(fetched.failure->message, testing::HasSubstr("memory limit of 20000 bytes"));
  EXPECT_LE(cache.bytes(), 20000u);
  // Smaller ones still work.
  get(1, 1, 2);
  fetch_all();
  EXPECT_TRUE(get(1, 1, 2).value.has_value());
}

TEST_F(StateCacheTest, RestlessHandlesDoNotFillTheQueue) {
  for (uint64_t i = 0; i < 10000; ++i) get(1, 1 + i % 20, 1 + i % 20);
  EXPECT_EQ(cache.requests(), 1u);
  EXPECT_LT(cache.queued(), 100u);
  fetch_all();
  EXPECT_TRUE(get(1, 20, 20).value.has_value());
}

TEST_F(StateCacheTest, DroppingForgetsAlsoWhatIsBeingFetched) {
  get(1, 1, 9);
  EXPECT_TRUE(cache.fetch_some(past));
  EXPECT_TRUE(cache.drop({Owner::application, 1}));
  EXPECT_FALSE(cache.drop({Owner::application, 1}));
  EXPECT_FALSE(cache.fetch_some(past));
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(StateCacheTest, ADamagedLedgerIsAFailureToldOnceAndTriedAgain) {
  const std::string path = "ledger/ledger_1";
  ASSERT_TRUE(files.disk.flip_bit(path, 100, 0).ok());
  get(1, 1, 1);
  fetch_all();
  const auto fetched = get(1, 1, 1);
  ASSERT_TRUE(fetched.failure.has_value());
  EXPECT_THAT(fetched.failure->message, testing::HasSubstr("ledger at 1"));
  ASSERT_TRUE(files.disk.flip_bit(path, 100, 0).ok());
  EXPECT_TRUE(get(1, 1, 1).pending());
  fetch_all();
  EXPECT_TRUE(get(1, 1, 1).value.has_value());
}

}  // namespace
}  // namespace entente::history
