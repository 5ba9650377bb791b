// Each rule must be kept by a right history and broken by one that is wrong in its way.

#include "sim/history/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace entente::sim {
namespace {

using Kind = ClientEvent::Kind;
using List = std::vector<uint64_t>;

TxId id(uint64_t view, uint64_t seqno) {
  return {View{view}, SeqNo{seqno}};
}

/// Written as it happens.
struct Story {
  ClientHistory events;
  Story& write(uint64_t request, uint64_t session = 1, std::string key = "k") {
    events.push_back({Kind::write_sent, request, session, std::move(key)});
    return *this;
  }
  Story& wrote(uint64_t request, TxId tx, List seen, uint64_t session = 1) {
    events.push_back({Kind::write_answered, request, session, {}, std::move(seen), tx});
    return *this;
  }
  Story& read(uint64_t request, bool barrier = false, uint64_t session = 1) {
    events.push_back({Kind::read_sent, request, session, "k", {}, {}, TxStatus::unknown, barrier});
    return *this;
  }
  Story& saw(uint64_t request, TxId tx, List seen, uint64_t session = 1) {
    events.push_back({Kind::read_answered, request, session, {}, std::move(seen), tx});
    return *this;
  }
  Story& is(TxId tx, TxStatus status) {
    events.push_back({Kind::status, 0, 0, {}, {}, tx, status});
    return *this;
  }
  Story& committed(TxId tx) { return is(tx, TxStatus::committed); }
  Story& invalid(TxId tx) { return is(tx, TxStatus::invalid); }
  Story& ended(uint64_t session) {
    events.push_back({Kind::session_ended, 0, session});
    return *this;
  }
  /// The rules that it breaks, without what is wrong.
  std::vector<std::string> broken() const {
    std::vector<std::string> names;
    for (const std::string& found : broken_rules(events)) {
      names.push_back(found.substr(0, found.find(':')));
    }
    return names;
  }
};

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(History, ARightOneBreaksNoRule) {
  Story story;
  story.write(1).write(2, 2).wrote(1, id(2, 3), {1}).wrote(2, id(2, 5), {1, 2}, 2);
  story.is(id(2, 5), TxStatus::pending).is(id(2, 3), TxStatus::unknown);
  story.read(3).saw(3, id(2, 5), {1, 2});
  story.write(4, 3).committed(id(2, 5)).read(5, true).saw(5, id(2, 5), {1, 2});
  // 4 is lost with its leader and was seen by others before; 6 was never answered and counts.
  story.wrote(4, id(2, 6), {1, 2, 4}, 3).read(7, false, 4).saw(7, id(2, 6), {1, 2, 4}, 4);
  story.ended(4).write(6, 5).write(8, 6).wrote(8, id(3, 8), {1, 2, 6, 8}, 6);
  story.committed(id(3, 8)).invalid(id(2, 6)).write(9, 7, "other").wrote(9, id(3, 9), {9}, 7);
  EXPECT_THAT(broken_rules(story.events), IsEmpty());
}

TEST(History, AnAnswerWithoutARequest) {
  EXPECT_THAT(Story().wrote(1, id(2, 3), {1}).broken(), Contains("AllReceivedIsFirstSent"));
  // Sent as a write, answered as a read; and sent only afterwards.
  EXPECT_THAT(Story().write(1).saw(1, id(2, 3), {}).broken(),
              ElementsAre("AllReceivedIsFirstSent"));
  EXPECT_THAT(Story().wrote(1, id(2, 3), {1}).write(1).broken(),
              Contains("AllReceivedIsFirstSent"));
}

TEST(History, TwoAnswersToOneRequest) {
  Story story;
  story.write(1).wrote(1, id(2, 3), {1}).wrote(1, id(2, 4), {1});
  EXPECT_THAT(story.broken(), ElementsAre("UniqueTxs"));
}

TEST(History, OneIdForTwoWrites) {
  Story story;
  story.write(1).write(2, 2, "other").wrote(1, id(2, 3), {1}).wrote(2, id(2, 3), {2}, 2);
  EXPECT_THAT(story.broken(), ElementsAre("UniqueTxIds"));
}

TEST(History, ARequestThatWasSentTwice) {
  EXPECT_THAT(Story().write(1).write(1).broken(), ElementsAre("UniqueTxRequests"));
}

TEST(History, TwoCommittedIdsAtOneSeqno) {
  EXPECT_THAT(Story().committed(id(2, 3)).committed(id(3, 3)).broken(),
              Contains("UniqueSeqNumsCommitted"));
}

TEST(History, TwoStatesUnderOneId) {
  Story story;
  story.write(1).read(2, false, 2).read(3, false, 3);
  story.saw(2, id(2, 2), {}, 2).saw(3, id(2, 2), {1}, 3);
  EXPECT_THAT(story.broken(), ElementsAre("SameObservations"));
}

TEST(History, WhatNobodyWroteIsObserved) {
  EXPECT_THAT(Story().read(1).saw(1, id(2, 2), {7}).broken(),
              ElementsAre("OnlyObserveSentRequests"));
  // Written to another list; and not yet written.
  Story other;
  other.write(1, 2, "other").read(2).saw(2, id(2, 2), {1});
  EXPECT_THAT(other.broken(), ElementsAre("OnlyObserveSentRequests"));
  Story early;
  early.read(2).saw(2, id(2, 2), {1}).write(1, 2);
  EXPECT_THAT(early.broken(), ElementsAre("OnlyObserveSentRequests"));
}

TEST(History, OneWriteIsObservedTwice) {
  EXPECT_THAT(Story().write(1).read(2, false, 2).saw(2, id(2, 2), {1, 1}, 2).broken(),
              ElementsAre("AtMostOnceObserved"));
}

TEST(History, ACommittedWriteMissesAnEarlierOne) {
  Story story;
  story.write(1).wrote(1, id(2, 3), {1}).write(2, 2).wrote(2, id(2, 4), {2}, 2);
  EXPECT_THAT(story.broken(), IsEmpty());  // 1 may be lost
  EXPECT_THAT(story.committed(id(2, 4)).broken(), Contains("AllCommittedObserved"));
}

TEST(History, ABarrierReadMissesAnEarlierWrite) {
  Story story;
  story.write(1).wrote(1, id(2, 3), {1}).committed(id(2, 3));
  Story plain = story;
  EXPECT_THAT(plain.read(2, false, 2).saw(2, id(2, 2), {}, 2).broken(), IsEmpty());
  EXPECT_THAT(story.read(2, true, 2).saw(2, id(2, 2), {}, 2).broken(),
              ElementsAre("AllCommittedObservedRo"));
}

TEST(History, StatusesThatContradict) {
  const std::vector<std::pair<TxId, TxId>> pairs{
      {id(2, 3), id(2, 3)},   // the same
      {id(2, 5), id(2, 3)}};  // an ancestor of what is committed is invalid
  for (const auto& [committed, invalid] : pairs) {
    EXPECT_THAT(Story().committed(committed).invalid(invalid).broken(),
                ElementsAre("CommittedOrInvalidStrong"));
    EXPECT_THAT(Story().invalid(invalid).committed(committed).broken(),
                ElementsAre("CommittedOrInvalidStrong"));
  }
  // Of an earlier view, at or above a committed id of a later one.
  EXPECT_THAT(Story().committed(id(3, 3)).committed(id(2, 5)).broken(),
              ElementsAre("CommittedOrInvalidStrong"));
  EXPECT_THAT(Story().committed(id(3, 6)).committed(id(2, 5)).invalid(id(2, 6)).broken(),
              IsEmpty());
}

TEST(History, CommittedWritesSawDifferentOrders) {
  Story story;
  story.write(1).write(2, 2).write(3, 3).write(4, 4);
  story.wrote(3, id(2, 5), {1, 2, 3}, 3).wrote(4, id(2, 6), {2, 1, 3, 4}, 4);
  EXPECT_THAT(story.broken(), IsEmpty());
  EXPECT_THAT(story.committed(id(2, 6)).broken(), Contains("CommittedRwSerializable"));
}

TEST(History, ACommittedWriteStandsOnAnInvalidOne) {
  Story story;
  story.write(1).wrote(1, id(2, 3), {1}).write(2, 2).wrote(2, id(3, 4), {1, 2}, 2);
  story.committed(id(3, 4));
  EXPECT_THAT(story.broken(), IsEmpty());
  EXPECT_THAT(story.invalid(id(2, 3)).broken(), ElementsAre("InvalidNotObservedByCommitted"));
}

TEST(History, IdsInAnotherOrderThanEffects) {
  Story effects;
  effects.write(1).write(2, 2).wrote(1, id(2, 4), {1}).wrote(2, id(2, 3), {1, 2}, 2);
  EXPECT_THAT(effects.committed(id(2, 4)).broken(), Contains("CommittedRwOrderedSpecLinearizable"));
  // On different lists only real time tells.
  Story time;
  time.write(1).wrote(1, id(2, 4), {1}).write(2, 2, "other").wrote(2, id(2, 3), {2}, 2);
  EXPECT_THAT(time.committed(id(2, 4)).broken(), ElementsAre("CommittedRwOrderedSpecLinearizable"));
  Story end;
  end.write(1).write(2, 2).wrote(2, id(2, 4), {2, 1}, 2).committed(id(2, 4));
  EXPECT_THAT(end.broken(), ElementsAre("CommittedRwOrderedSpecLinearizable"));
}

TEST(History, ASessionThatGoesBack) {
  Story ids;
  ids.write(1).wrote(1, id(2, 4), {1}).read(2).saw(2, id(2, 3), {});
  EXPECT_THAT(ids.broken(), ElementsAre("SessionMonotonicity"));
  // The ids rise, but the write is gone: another branch.
  Story branch;
  branch.write(1).wrote(1, id(2, 4), {1}).read(2).saw(2, id(3, 5), {});
  EXPECT_THAT(branch.broken(), ElementsAre("SessionMonotonicity"));
  Story ended;
  ended.write(1).wrote(1, id(2, 4), {1}).ended(1).read(2).saw(2, id(2, 4), {1});
  EXPECT_THAT(ended.broken(), ElementsAre("SessionMonotonicity"));
}

TEST(History, EveryRuleIsAskedAbove) {
  EXPECT_EQ(rule_names().size(), 15u);
}

}  // namespace
}  // namespace entente::sim
