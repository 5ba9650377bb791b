#include "consensus/raft/messages_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace entente::consensus {
namespace {

using namespace message;

std::vector<Message> samples() {
  return {{{3}, AppendEntries{{{2}, {7}}, {11}, {3}, {6}, 42, {}}},
          {{9}, AppendResponse{AppendRefusal::mismatch, {4}, {{2}, {3}}, 5}},
          {{9}, RequestPreVote{{{2}, {3}}}},
          {{9}, RequestVote{{{2}, {3}}}},
          {{9}, PreVoteResponse{true}},
          {{9}, VoteResponse{false}},
          {{9}, ProposeVote{}},
          {{9}, RemovedNotice{{{2}, {30}}, {1, 2, 3}}}};
}

TEST(MessagesCodec, EveryKindReadsBackTheSame) {
  for (const Message& message : samples()) {
    const auto back = decode_head(encode_head(message));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, message);
  }
}

TEST(MessagesCodec, EveryPrefixAndEveryExtensionIsRefused) {
  for (const Message& message : samples()) {
    Bytes bytes = encode_head(message);
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_head(BytesView(bytes).first(size)));
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_head(bytes));
  }
}

TEST(MessagesCodec, WhatIsReadIsTheOnlyFormOfIt) {
  const auto all = samples();
  EXPECT_TRUE(rc::check([&all] {
    Bytes bytes = encode_head(all[*rc::gen::inRange<size_t>(0, all.size())]);
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<uint8_t>();
    }
    const auto message = decode_head(bytes);
    if (message) RC_ASSERT(encode_head(*message) == bytes);
  }));
}

TEST(MessagesCodec, LimitsHold) {
  const auto entries = [](uint64_t first, uint64_t end) {
    return decode_head(encode_head({{2}, AppendEntries{{{2}, {first}}, {end}, {2}, {}, 0, {}}}));
  };
  EXPECT_TRUE(entries(7, 7));
  EXPECT_TRUE(entries(7, 7 + message_limit::entries));
  EXPECT_FALSE(entries(7, 8 + message_limit::entries));
  EXPECT_FALSE(entries(7, 6));
  EXPECT_FALSE(decode_head(Bytes{200, 0, 0, 0, 0, 0, 0, 0, 0}));
  Bytes notice = encode_head({{2}, RemovedNotice{{{2}, {3}}, Bytes(message_limit::receipt_bytes)}});
  EXPECT_TRUE(decode_head(notice));
  ++notice[25];  // its length
  notice.push_back(0);
  EXPECT_FALSE(decode_head(notice));
}

}  // namespace
}  // namespace entente::consensus
