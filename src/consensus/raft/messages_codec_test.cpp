#include "consensus/raft/messages_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace entente::consensus {
namespace {

using namespace message;

EntryMeta entry(uint64_t view, uint64_t seqno, EntryKind kind) {
  EntryMeta meta;
  meta.id = {{view}, {seqno}};
  meta.kind = kind;
  meta.bytes = 300;
  meta.leaf.bytes[5] = static_cast<uint8_t>(seqno);
  meta.urgent = seqno % 2 == 0;
  return meta;
}

std::vector<Message> samples() {
  AppendEntries append{{{2}, {7}}, {11}, {3}, {6}, 42, {}};
  append.entries.push_back(entry(3, 8, EntryKind::signature));
  append.entries.push_back(entry(3, 9, EntryKind::data));
  append.entries.push_back(entry(3, 10, EntryKind::configuration));
  append.entries.back().configuration =
      Configuration{{10}, {{{"a"}, "h:1"}, {{"b"}, "h:2"}}, {{{"c"}, "h:3"}}};
  append.entries.push_back(entry(3, 11, EntryKind::retired));
  append.entries.back().retired = std::set<NodeId>{{"x"}, {"y"}};
  return {{{3}, append},
          {{9}, AppendResponse{AppendRefusal::mismatch, {4}, {{2}, {3}}, 5}},
          {{9}, RequestPreVote{{{2}, {3}}}},
          {{9}, RequestVote{{{2}, {3}}}},
          {{9}, PreVoteResponse{true}},
          {{9}, VoteResponse{false}},
          {{9}, ProposeVote{}},
          {{9}, RemovedNotice{{{2}, {30}}, {1, 2, 3}}}};
}

Bytes encoded(const Message& message) {
  Bytes out;
  encode(message, out);
  return out;
}

TEST(MessagesCodec, EveryKindReadsBackTheSame) {
  for (const Message& message : samples()) {
    const auto back = decode(encoded(message));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, message);
  }
}

TEST(MessagesCodec, EveryPrefixAndEveryExtensionIsRefused) {
  for (const Message& message : samples()) {
    Bytes bytes = encoded(message);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode(BytesView(bytes).first(size)));
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode(bytes));
  }
}

TEST(MessagesCodec, WhatIsReadIsTheOnlyFormOfIt) {
  const auto all = samples();
  EXPECT_TRUE(rc::check([&all] {
    Bytes bytes = encoded(all[*rc::gen::inRange<size_t>(0, all.size())]);
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<uint8_t>();
    }
    const auto message = decode(bytes);
    if (message) RC_ASSERT(encoded(*message) == bytes);
  }));
}

TEST(MessagesCodec, LimitsHold) {
  Bytes bytes = encoded({{2}, AppendEntries{}});
  // The number of entries is the last thing in an empty heartbeat.
  bytes[bytes.size() - 2] = 0xff;
  bytes[bytes.size() - 1] = 0xff;
  const auto message = decode(bytes);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().message, "consensus message: too many entries");
  EXPECT_FALSE(decode(Bytes{200, 0, 0, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace entente::consensus
