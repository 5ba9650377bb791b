#include "consensus/raft/raft.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace entente::consensus {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

const NodeId self{"n0"};

EntryMeta entry(uint64_t seqno, EntryKind kind = EntryKind::data, bool urgent = false) {
  EntryMeta meta;
  meta.id = {first_view, {seqno}};
  meta.kind = kind;
  meta.urgent = urgent;
  meta.bytes = kind == EntryKind::signature ? 2000 : 200;
  return meta;
}

struct SingleNode {
  Raft raft{{self, {}}};
  MonotonicTime now{1'000'000};
  Epoch epoch;

  SingleNode() {
    const auto out = raft.step(input::Start{"127.0.0.1:1"});
    epoch = out.role->epoch;
  }
  Outputs propose(std::vector<EntryMeta> entries) {
    return raft.step(input::Propose{epoch, entries, now});
  }
  Outputs stable(uint64_t seqno) { return raft.step(input::Stable{epoch, {seqno}}); }
  Outputs flush(microseconds later = microseconds(0)) {
    now += later;
    return raft.step(input::Flush{now});
  }
};

TEST(Raft, StartsAsLeaderOfTheFirstView) {
  Raft raft{{self, {}}};
  const auto out = raft.step(input::Start{"a:1"});
  ASSERT_TRUE(out.role);
  EXPECT_EQ(out.role->leadership, Leadership::leader);
  EXPECT_EQ(out.role->view, first_view);
  EXPECT_EQ(out.role->primary, self);
  EXPECT_TRUE(raft.step(input::Start{"a:1"}).reject);
}

TEST(Raft, OnlySignaturesCommitAndOnlyOnceStable) {
  SingleNode node;
  EXPECT_FALSE(node.propose({entry(1), entry(2)}).reject);
  EXPECT_FALSE(node.stable(2).commit);
  node.propose({entry(3, EntryKind::signature), entry(4)});
  EXPECT_EQ(node.raft.status({first_view, {3}}), TxStatus::pending);
  const auto out = node.stable(4);
  EXPECT_EQ(out.commit, SeqNo{3});
  EXPECT_EQ(node.raft.status({first_view, {1}}), TxStatus::committed);
  EXPECT_EQ(node.raft.status({first_view, {4}}), TxStatus::pending);
  EXPECT_EQ(node.raft.status({first_view, {5}}), TxStatus::unknown);
  EXPECT_EQ(node.raft.status({{1}, {1}}), TxStatus::invalid);
  EXPECT_EQ(node.raft.status({{99999}, {1}}), TxStatus::invalid);
}

TEST(Raft, RefusesGapsOtherViewsAndOtherEpochsWithoutSideEffect) {
  SingleNode node;
  EXPECT_TRUE(node.propose({entry(2)}).reject);
  EXPECT_TRUE(node.propose({entry(1), entry(3)}).reject);
  auto foreign = entry(1);
  foreign.id.view = {3};
  EXPECT_TRUE(node.propose({foreign}).reject);
  EXPECT_TRUE(node.raft.step(input::Propose{Epoch{7}, std::vector{entry(1)}, node.now}).reject);
  EXPECT_EQ(node.raft.last(), TxId{});
  EXPECT_FALSE(node.propose({entry(1)}).reject);
}

TEST(Raft, StabilityOfAnOldEpochIsIgnored) {
  SingleNode node;
  node.propose({entry(1), entry(2, EntryKind::signature)});
  EXPECT_FALSE(node.raft.step(input::Stable{Epoch{0}, {2}}).commit);
  EXPECT_EQ(node.stable(2).commit, SeqNo{2});
}

TEST(Raft, SignsTheFirstEntryAtOnceAndAsksOnlyOnce) {
  SingleNode node;
  EXPECT_FALSE(node.flush().want_signature);  // nothing to sign
  node.propose({entry(1)});
  EXPECT_TRUE(node.flush().want_signature);
  EXPECT_FALSE(node.flush().want_signature);
  node.propose({entry(2, EntryKind::signature)});
  EXPECT_FALSE(node.flush().want_signature);
}

TEST(Raft, AnAbandonedSignatureIsAskedForAgain) {
  SingleNode node;
  node.propose({entry(1)});
  EXPECT_TRUE(node.flush().want_signature);
  node.raft.step(input::SignatureAbandoned{});
  EXPECT_TRUE(node.flush().want_signature);
}

TEST(Raft, UrgentEntriesAreSignedAfterTheMinimumGapOthersLater) {
  SingleNode node;
  node.propose({entry(1), entry(2, EntryKind::signature)});
  node.stable(2);
  node.propose({entry(3)});
  auto out = node.flush(microseconds(100));
  EXPECT_FALSE(out.want_signature);
  ASSERT_TRUE(out.wake_at);
  node.propose({entry(4, EntryKind::data, true)});
  out = node.flush(microseconds(100));
  EXPECT_FALSE(out.want_signature);
  EXPECT_EQ(*out.wake_at, node.now + microseconds(800));
  EXPECT_TRUE(node.flush(microseconds(800)).want_signature);
}

TEST(Raft, AFullWindowWaitsForCommitUpToABound) {
  SingleNode node;
  node.propose({entry(1), entry(2, EntryKind::signature), entry(3)});
  EXPECT_FALSE(node.flush(microseconds(20'000)).want_signature);  // 2 is not committed
  EXPECT_TRUE(node.flush(microseconds(40'000)).want_signature);   // stalled: sign all the same
}

TEST(Raft, ALeaderThatStepsDownSaysWhenItStandsAgain) {
  SingleNode node;
  auto addition = entry(1, EntryKind::configuration);
  addition.configuration = Configuration{{1}, {{self, "a:1"}, {{"n1"}, "a:2"}}};
  const auto added = node.propose({addition, entry(2, EntryKind::signature)});
  EXPECT_TRUE(added.wake_at);  // there is somebody to send heartbeats to
  node.stable(2);
  const auto out = node.flush(seconds(100));
  ASSERT_TRUE(out.role);
  EXPECT_EQ(out.role->leadership, Leadership::follower);
  ASSERT_TRUE(out.wake_at);
  EXPECT_GT(*out.wake_at, node.now);
  const auto next = node.raft.step(input::Tick{*out.wake_at});
  EXPECT_EQ(node.raft.role(), Leadership::pre_vote_candidate);
  ASSERT_TRUE(next.wake_at);
  EXPECT_GT(*next.wake_at, *out.wake_at);
}

TEST(Raft, APeerThatWaitsGetsItsEntriesAgainAtAHeartbeatOnly) {
  SingleNode node;
  const NodeId peer{"n1"};
  auto addition = entry(1, EntryKind::configuration);
  addition.configuration = Configuration{{1}, {{self, "a:1"}, {peer, "a:2"}}};
  // How many messages carried how many entries.
  const auto sent = [](const Outputs& out) {
    std::vector<uint64_t> sizes;
    for (const auto& send : out.sends) {
      const auto* append = std::get_if<message::AppendEntries>(&send.message.body);
      if (append != nullptr) sizes.push_back(append->end - append->prev.seqno);
    }
    return sizes;
  };
  const auto answer = [&](uint64_t match) {
    const message::AppendResponse body{message::AppendRefusal::none, {match}, {}, 0};
    return node.raft.step(input::Recv{peer, {first_view, body}, node.now});
  };
  using Sizes = std::vector<uint64_t>;
  constexpr microseconds heartbeat{100'000};
  node.propose({addition, entry(2, EntryKind::signature)});
  node.stable(2);
  EXPECT_EQ(sent(node.flush()), Sizes{2});
  EXPECT_EQ(sent(node.flush()), Sizes{});
  node.raft.step(input::ReadBarrier{7, node.now});
  EXPECT_EQ(sent(node.flush()), Sizes{0});  // the round
  answer(0);  // to the round
  EXPECT_EQ(sent(node.flush()), Sizes{});
  EXPECT_EQ(sent(node.flush(heartbeat)), Sizes{2});  // taken for lost
  answer(2);
  EXPECT_EQ(sent(node.propose({entry(3), entry(4, EntryKind::signature)})), Sizes{2});
}

TEST(SignaturePolicy, WithoutAdaptionOnlyTheConfiguredBoundsCount) {
  SignaturePolicy policy({.max_count = 3, .max_delay = microseconds(1000), .adaptive = false});
  policy.on_entry(1 << 20, true, MonotonicTime(0));
  EXPECT_FALSE(policy.decide(MonotonicTime(999)).sign);
  EXPECT_EQ(policy.decide(MonotonicTime(10)).ask_again, MonotonicTime(1000));
  EXPECT_TRUE(policy.decide(MonotonicTime(1000)).sign);
  policy.on_signature(100, MonotonicTime(1000));
  for (int i = 0; i < 3; ++i) policy.on_entry(1, false, MonotonicTime(1000));
  EXPECT_TRUE(policy.decide(MonotonicTime(1000)).sign);
}

TEST(SignaturePolicy, NeverLeavesAnEntryUnsignedBeyondTheBounds) {
  EXPECT_TRUE(rc::check([](uint16_t gap, uint16_t count, bool urgent) {
    SignaturePolicy policy({});
    policy.on_signature(2000, MonotonicTime(0));
    policy.on_commit(1);
    MonotonicTime now(gap);
    for (uint16_t i = 0; i <= count; ++i) policy.on_entry(100, urgent, now);
    // Following ask_again alone must reach a signature within the bound.
    const MonotonicTime bound = now + microseconds(50'000);
    for (auto decision = policy.decide(now); !decision.sign; decision = policy.decide(now)) {
      RC_ASSERT(decision.ask_again.has_value());
      RC_ASSERT(*decision.ask_again > now);
      now = *decision.ask_again;
    }
    RC_ASSERT(now <= bound);
  }));
}

TEST(ViewHistory, StartsRepeatForUnusedViews) {
  ViewHistory history;
  history.append({2}, {1});
  history.append({4}, {29});
  const std::vector<SeqNo> expected{{1}, {1}, {29}, {29}};
  EXPECT_EQ(history.starts(), expected);
  EXPECT_EQ(ViewHistory::from_starts(expected), history);
  EXPECT_EQ(history.view_of({28}, {30}), View{2});
  EXPECT_EQ(history.view_of({29}, {30}), View{4});
  EXPECT_EQ(history.view_of({31}, {30}), View{0});
  history.truncate({28});
  EXPECT_EQ(history.view_of({28}, {28}), View{2});
}

TEST(ActiveConfigurations, EveryOneNeedsItsOwnQuorum) {
  ActiveConfigurations configurations;
  configurations.append({{1}, {{{"a"}, ""}, {{"b"}, ""}, {{"c"}, ""}}});
  configurations.append({{5}, {{{"d"}, ""}}});
  const auto only = [](std::set<std::string> agreeing) {
    return [agreeing](const NodeId& node) { return agreeing.contains(node.value); };
  };
  EXPECT_TRUE(configurations.quorum({4}, only({"a", "b"})));
  EXPECT_FALSE(configurations.quorum({5}, only({"a", "b"})));
  EXPECT_FALSE(configurations.quorum({5}, only({"a", "d"})));
  EXPECT_TRUE(configurations.quorum({5}, only({"a", "c", "d"})));
  configurations.commit({5});
  EXPECT_EQ(configurations.all().size(), 1u);
  EXPECT_TRUE(configurations.quorum({9}, only({"d"})));
}

}  // namespace
}  // namespace entente::consensus
