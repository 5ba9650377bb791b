#include "net/link_frame.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace entente::net {
namespace {

using Outcome = FrameReader::Outcome;

Bytes frame(MessageKind kind, BytesView payload) {
  const auto header = frame_header(kind, payload.size());
  Bytes bytes(header.begin(), header.end());
  append(bytes, payload);
  return bytes;
}

TEST(LinkFrame, HeaderIsLengthInLittleEndianAndKind) {
  const std::array<uint8_t, 5> expected{0x04, 0x03, 0x02, 0x01, 0x02};
  EXPECT_EQ(frame_header(MessageKind::forwarded_request, 0x01020304), expected);
}

RC_GTEST_PROP(LinkFrame, FramesComeOutAsTheyWentInWhereverTheStreamIsCut, ()) {
  const auto payloads = *rc::gen::container<std::vector<Bytes>>(
      rc::gen::container<Bytes>(rc::gen::arbitrary<uint8_t>()));
  const size_t step = *rc::gen::inRange<size_t>(1, 40);
  Bytes stream;
  for (const Bytes& payload : payloads) append(stream, frame(MessageKind::consensus, payload));
  FrameReader reader(1 << 20);
  std::vector<Bytes> read;
  for (size_t begin = 0; begin < stream.size(); begin += step) {
    BytesView input = BytesView(stream).subspan(begin, std::min(step, stream.size() - begin));
    while (reader.next(input) == Outcome::message) {
      RC_ASSERT(reader.kind() == MessageKind::consensus);
      read.push_back(reader.take_payload());
    }
    RC_ASSERT(input.empty());
  }
  RC_ASSERT(read == payloads);
}

TEST(LinkFrame, KindsOutsideTheListAreRefused) {
  for (int kind = 0; kind < 256; ++kind) {
    const Bytes bytes = frame(static_cast<MessageKind>(kind), {});
    BytesView input = bytes;
    FrameReader reader(10);
    EXPECT_EQ(reader.next(input), kind >= 1 && kind <= 4 ? Outcome::message : Outcome::unknown_kind)
        << kind;
  }
}

TEST(LinkFrame, TheLimitIsInclusive) {
  const Bytes payload(100, 7);
  for (const size_t limit : {99u, 100u}) {
    FrameReader reader(limit);
    const Bytes bytes = frame(MessageKind::consensus, payload);
    BytesView input = bytes;
    EXPECT_EQ(reader.next(input), limit < 100 ? Outcome::oversized : Outcome::message);
  }
}

TEST(LinkFrame, AnAnnouncedSizeIsNotAllocatedBeforeItComes) {
  FrameReader reader(UINT32_MAX);
  const auto header = frame_header(MessageKind::consensus, UINT32_MAX);
  BytesView input = header;
  EXPECT_EQ(reader.next(input), Outcome::need_more);
  const Bytes some(1 << 20, 1);
  input = some;
  EXPECT_EQ(reader.next(input), Outcome::need_more);
  EXPECT_LE(reader.take_payload().capacity(), 4u << 20);
}

}  // namespace
}  // namespace entente::net
