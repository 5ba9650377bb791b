#include "replica/sequencer.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace entente::replica {
namespace {

std::unique_ptr<Batch> batch(uint64_t epoch, const std::vector<uint64_t>& seqnos) {
  auto made = std::make_unique<Batch>();
  made->epoch = {epoch};
  for (const uint64_t seqno : seqnos) {
    Batch::Entry entry;
    entry.meta.id = {first_view, {seqno}};
    entry.meta.bytes = 1;
    entry.offset = made->bytes.size();
    made->bytes.push_back(static_cast<uint8_t>(seqno));
    made->entries.push_back(entry);
  }
  return made;
}

struct Drained {
  size_t recycled = 0;
  Sequencer sequencer{[this](std::unique_ptr<Batch>) { ++recycled; }};
  std::vector<uint64_t> drain() {
    std::vector<uint64_t> out;
    sequencer.drain([&](const Batch& from, const Batch::Entry& entry) {
      EXPECT_EQ(from.content(entry)[0], static_cast<uint8_t>(entry.meta.id.seqno.value));
      out.push_back(entry.meta.id.seqno.value);
    });
    return out;
  }
};

TEST(Sequencer, WaitsForGapsAndReservedSlots) {
  Drained drained;
  drained.sequencer.begin_epoch({1}, {1});
  drained.sequencer.put(batch(1, {2, 3, 6}));
  EXPECT_TRUE(drained.drain().empty());
  drained.sequencer.put(batch(1, {1, 5}));
  EXPECT_EQ(drained.drain(), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(drained.sequencer.next(), SeqNo{4});
  drained.sequencer.skip();  // 4 is a signature
  EXPECT_EQ(drained.drain(), (std::vector<uint64_t>{5, 6}));
  EXPECT_EQ(drained.recycled, 2u);
}

TEST(Sequencer, DropsWhatAnotherEpochLeftBehind) {
  Drained drained;
  drained.sequencer.begin_epoch({1}, {1});
  drained.sequencer.put(batch(1, {2}));
  drained.sequencer.begin_epoch({2}, {1});
  drained.sequencer.put(batch(1, {1}));
  EXPECT_TRUE(drained.drain().empty());
  drained.sequencer.put(batch(2, {1}));
  EXPECT_EQ(drained.drain(), (std::vector<uint64_t>{1}));
  EXPECT_EQ(drained.recycled, 3u);
}

TEST(Sequencer, AnySplitOfSeqnosOverLanesComesOutInOrder) {
  EXPECT_TRUE(rc::check([] {
    const auto count = *rc::gen::inRange<uint64_t>(1, 60);
    const auto lanes = *rc::gen::inRange<size_t>(1, 5);
    std::vector<std::vector<uint64_t>> split(lanes);
    for (uint64_t s = 1; s <= count; ++s) split[*rc::gen::inRange<size_t>(0, lanes)].push_back(s);
    Drained drained;
    drained.sequencer.begin_epoch({1}, {1});
    std::vector<uint64_t> out;
    // The lanes take turns and hand over runs of arbitrary length.
    for (size_t turn = 0;
         std::any_of(split.begin(), split.end(), [](const auto& l) { return !l.empty(); });
         ++turn) {
      auto& lane = split[turn % lanes];
      if (lane.empty()) continue;
      const auto take = static_cast<long>(*rc::gen::inRange<size_t>(1, lane.size() + 1));
      drained.sequencer.put(batch(1, {lane.begin(), lane.begin() + take}));
      lane.erase(lane.begin(), lane.begin() + take);
      for (const uint64_t seqno : drained.drain()) out.push_back(seqno);
    }
    RC_ASSERT(out.size() == count);
    RC_ASSERT(std::is_sorted(out.begin(), out.end()));
  }));
}

}  // namespace
}  // namespace entente::replica
