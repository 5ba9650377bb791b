// Strategies see every committed transaction once, in order, and answer as a plain scan would.
#include "history/indexer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <numeric>
#include <random>
#include <thread>

#include "history/test_service.h"

namespace entente::indexing {
namespace {

using history::PastLedger;
using history::State;
using history::test::TestLedgerFiles;

/// Remembers the seqnos that it was given.
struct Recorder : Strategy {
  explicit Recorder(SeqNo first) : Strategy("Recorder"), next(first) {}
  std::optional<SeqNo> next_requested() const override { return next; }
  void handle_committed_transaction(const State& state) override {
    seen.push_back(state.id().seqno.value);
    next = state.id().seqno + 1;
  }
  SeqNo next;
  std::vector<uint64_t> seen;
};

class IndexerTest : public testing::Test {
 protected:
  /// `keys[i]` is written by the i-th further transaction.
  void write(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      files.append({{"public:m", {{as_bytes(key), as_bytes("v")}}}},
                   {first_view, files.writer->last() + 1}, {});
      written[key].push_back(files.writer->last());
    }
  }
  void commit() { committed = files.sign(first_view).seqno; }
  void step_all() {
    while (true) {
      const auto worked = indexer.step(past);
      ASSERT_TRUE(worked.ok()) << worked.error().message;
      if (!*worked) return;
    }
  }
  std::vector<SeqNo> scan(const std::string& key, SeqNo first, SeqNo last) {
    std::vector<SeqNo> found;
    for (const SeqNo seqno : written[key]) {
      if (first <= seqno && seqno <= last) found.push_back(seqno);
    }
    return found;
  }

  TestLedgerFiles files;
  SeqNo committed;
  std::map<std::string, std::vector<SeqNo>> written;
  PastLedger past{files.sources()};
  Indexer indexer{[this] { return committed; }};
};

TEST_F(IndexerTest, EachTransactionOnceInOrderFromEachStart) {
  const auto all = std::make_shared<Recorder>(SeqNo{1});
  const auto late = std::make_shared<Recorder>(SeqNo{8});
  ASSERT_TRUE(indexer.install(all));
  ASSERT_FALSE(indexer.install(all));
  step_all();
  EXPECT_TRUE(all->seen.empty());
  write({"a", "b", "c"});
  step_all();
  EXPECT_TRUE(all->seen.empty());  // not committed yet
  commit();
  step_all();
  ASSERT_TRUE(indexer.install(late));
  for (int i = 0; i < 3; ++i) {
    write(std::vector<std::string>(700, "x"));
    commit();
    step_all();
  }
  std::vector<uint64_t> expected(committed.value);
  std::iota(expected.begin(), expected.end(), 1);
  EXPECT_EQ(all->seen, expected);
  expected.erase(expected.begin(), expected.begin() + 7);
  EXPECT_EQ(late->seen, expected);

  EXPECT_TRUE(indexer.uninstall(late));
  EXPECT_FALSE(indexer.uninstall(late));
  write({"y"});
  commit();
  step_all();
  EXPECT_EQ(late->seen, expected);
  EXPECT_EQ(all->seen.back(), committed.value);
}

TEST_F(IndexerTest, AStrategyThatFailsIsUninstalledAndTheOthersGoOn) {
  struct Thrower : Recorder {
    using Recorder::Recorder;
    void handle_committed_transaction(const State& state) override {
      Recorder::handle_committed_transaction(state);
      if (seen.size() == 2) throw std::runtime_error("no more");
    }
  };
  struct Stuck : Recorder {
    using Recorder::Recorder;
    void handle_committed_transaction(const State& state) override {
      seen.push_back(state.id().seqno.value);
    }
  };
  const auto thrower = std::make_shared<Thrower>(SeqNo{1});
  const auto stuck = std::make_shared<Stuck>(SeqNo{1});
  const auto fine = std::make_shared<Recorder>(SeqNo{1});
  for (const StrategyPtr& strategy :
       {StrategyPtr(thrower), StrategyPtr(stuck), StrategyPtr(fine)}) {
    ASSERT_TRUE(indexer.install(strategy));
  }
  write({"a", "b", "c"});
  commit();
  step_all();
  EXPECT_EQ(thrower->seen.size(), 2u);
  EXPECT_EQ(stuck->seen.size(), 1u);
  EXPECT_EQ(fine->seen.size(), 4u);
  EXPECT_EQ(indexer.describe().size(), 1u);
}

TEST_F(IndexerTest, AnythingThrownAnywhereUninstalls) {
  struct Odd : Recorder {
    Odd(int thrown_at) : Recorder(SeqNo{1}), place(thrown_at) {}
    std::optional<SeqNo> next_requested() const override {
      if (place == 0) throw 7;
      return Recorder::next_requested();
    }
    std::optional<SeqNoRange> wanted_again() const override {
      if (place == 1) throw 7;
      if (place == 2) return SeqNoRange{{1}, {1}};
      return std::nullopt;
    }
    void handle_again(const State&) override { throw 7; }
    void handle_committed_transaction(const State& state) override {
      Recorder::handle_committed_transaction(state);
      if (place == 3) throw 7;
    }
    int place;
  };
  const auto fine = std::make_shared<Recorder>(SeqNo{1});
  std::vector<StrategyPtr> odd;
  for (int place = 0; place < 4; ++place) odd.push_back(std::make_shared<Odd>(place));
  for (const StrategyPtr& strategy : odd) indexer.install(strategy);
  indexer.install(fine);
  write({"a", "b", "c"});
  commit();
  step_all();
  for (const StrategyPtr& strategy : odd) EXPECT_FALSE(indexer.has(strategy));
  EXPECT_TRUE(indexer.has(fine));
  EXPECT_EQ(fine->seen.size(), 4u);
}

TEST_F(IndexerTest, UninstallingDoesNotWaitForTheReadingOfFiles) {
  // The commit point is asked within a step, on its thread: as good a place as a slow disk.
  Indexer* busy = nullptr;
  const auto recorder = std::make_shared<Recorder>(SeqNo{1});
  bool uninstalled = false;
  Indexer own([&] {
    std::thread request([&] { uninstalled = busy->uninstall(recorder); });
    request.join();
    return committed;
  });
  busy = &own;
  write({"a", "b", "c"});
  commit();
  own.install(recorder);
  EXPECT_TRUE(own.step(past).ok());
  EXPECT_TRUE(uninstalled);
  EXPECT_TRUE(recorder->seen.empty());
}

TEST_F(IndexerTest, ADamagedLedgerStopsIndexingUntilItIsRepaired) {
  const auto recorder = std::make_shared<Recorder>(SeqNo{1});
  indexer.install(recorder);
  write({"a", "b"});
  commit();
  ASSERT_TRUE(files.disk.flip_bit("ledger/ledger_1", 60, 3).ok());
  EXPECT_FALSE(indexer.step(past).ok());
  EXPECT_TRUE(recorder->seen.empty());
  ASSERT_TRUE(files.disk.flip_bit("ledger/ledger_1", 60, 3).ok());
  step_all();
  EXPECT_EQ(recorder->seen.size(), 3u);
}

TEST_F(IndexerTest, SeqnosByKeyInMemory) {
  const auto index = std::make_shared<SeqnosByKeyInMemory>("public:m");
  indexer.install(index);
  write({"a", "b", "a"});
  EXPECT_EQ(index->in_range(as_bytes("a"), {1}, {1}), std::nullopt);
  commit();
  step_all();
  EXPECT_EQ(index->watermark(), (TxId{first_view, {4}}));
  EXPECT_EQ(index->in_range(as_bytes("a"), {1}, {4}), Seqnos({{{1}, {3}}}));
  EXPECT_EQ(index->in_range(as_bytes("a"), {1}, {4}, 1), Seqnos({{{1}}}));
  EXPECT_EQ(index->in_range(as_bytes("a"), {2}, {2}), Seqnos(std::in_place));
  EXPECT_EQ(index->in_range(as_bytes("never"), {1}, {4}), Seqnos(std::in_place));
  EXPECT_EQ(index->in_range(as_bytes("a"), {1}, {5}), std::nullopt);
  EXPECT_EQ(index->last_write(as_bytes("a")), SeqNo{3});
  EXPECT_EQ(index->last_write(as_bytes("c")), std::nullopt);
  EXPECT_EQ(index->all(as_bytes("b")), std::vector<SeqNo>{{2}});
  EXPECT_EQ(json::dump(indexer.describe()),
            R"([{"indexed_watermark":"2.4","name":"SeqnosByKey public:m","next_requested_seqno":5,)"
            R"("target_map":"public:m"}])");
}

TEST_F(IndexerTest, TheMemoryOfAnIndexIsBounded) {
  const auto index = std::make_shared<SeqnosByKeyInMemory>("public:m", SeqNo{1}, 1000);
  indexer.install(index);
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("key" + std::to_string(i));
  write(keys);
  commit();
  step_all();
  EXPECT_LT(index->watermark().seqno, SeqNo{20});
  EXPECT_EQ(index->next_requested(), std::nullopt);
  EXPECT_EQ(index->describe().at("full"), true);
}

TEST_F(IndexerTest, BucketsAnswerAsAScanDoes) {
  const auto index = std::make_shared<SeqnosByKeyBucketed>("public:m", 16, 3);
  indexer.install(index);
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> keys(random() % 12);
    for (std::string& key : keys) key = std::string(1, static_cast<char>('a' + random() % 3));
    write(keys);
    commit();
    step_all();
  }
  EXPECT_THROW(index->in_range(as_bytes("a"), {1}, {33}), std::logic_error);
  EXPECT_EQ(index->in_range(as_bytes("a"), committed, committed + 1), std::nullopt);
  size_t again = 0;
  for (int query = 0; query < 300; ++query) {
    const SeqNo first{1 + random() % committed.value};
    const SeqNo last{std::min<uint64_t>(committed.value, first.value + random() % 32)};
    const std::string key(1, static_cast<char>('a' + random() % 3));
    auto answer = index->in_range(as_bytes(key), first, last);
    if (!answer) {
      ++again;
      step_all();
      answer = index->in_range(as_bytes(key), first, last);
    }
    ASSERT_EQ(answer, Seqnos(scan(key, first, last))) << key << first.value << " " << last.value;
  }
  EXPECT_GT(again, 20u);
  EXPECT_LT(again, 290u);
  // Also after having looked back, it goes on.
  write({"a"});
  commit();
  step_all();
  EXPECT_EQ(index->in_range(as_bytes("a"), committed - 1, committed),
            Seqnos(scan("a", committed - 1, committed)));
  EXPECT_EQ(index->describe().at("old_results_current_size"), 3);
}

TEST_F(IndexerTest, ManyQueriesAtOnceDoNotPileUp) {
  const auto index = std::make_shared<SeqnosByKeyBucketed>("public:m", 4, 2);
  indexer.install(index);
  for (int i = 0; i < 20; ++i) {
    write({"a", "a", "a"});
    commit();
  }
  step_all();
  for (uint64_t seqno = 1; seqno < 70; ++seqno)
    index->in_range(as_bytes("a"), {seqno}, {seqno + 1});
  step_all();
  EXPECT_EQ(index->wanted_again().has_value(), false);
  // Whoever asks long enough is answered.
  for (uint64_t seqno = 1; seqno < 70; ++seqno) {
    auto answer = index->in_range(as_bytes("a"), {seqno}, {seqno + 1});
    for (int i = 0; i < 2 && !answer; ++i) {
      step_all();
      answer = index->in_range(as_bytes("a"), {seqno}, {seqno + 1});
    }
    ASSERT_EQ(answer, Seqnos(scan("a", {seqno}, {seqno + 1})));
  }
}

}  // namespace
}  // namespace entente::indexing
