// Any bytes, cut anywhere, through the frame reader: the outcome must not depend on the cuts,
// payloads must lie within the limit, and nothing may be lost or invented.

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "net/link_frame.h"

namespace entente::net {
namespace {

constexpr size_t limit = 300;

/// A text of all that the reader said.
std::string read(BytesView stream, size_t step) {
  std::string said;
  FrameReader reader(limit);
  size_t taken = 0;
  for (size_t begin = 0; begin < stream.size(); begin += step) {
    BytesView input = stream.subspan(begin, std::min(step, stream.size() - begin));
    for (;;) {
      const auto outcome = reader.next(input);
      if (outcome == FrameReader::Outcome::need_more) {
        ENTENTE_ASSERT(input.empty());
        break;
      }
      said += static_cast<char>('0' + static_cast<int>(outcome));
      if (outcome != FrameReader::Outcome::message) return said;
      const Bytes payload = reader.take_payload();
      ENTENTE_ASSERT(payload.size() <= limit);
      taken += frame_header_size + payload.size();
      ENTENTE_ASSERT(taken <= stream.size());
      // The frame stands in the stream as it was read.
      const BytesView frame = stream.subspan(taken - payload.size() - frame_header_size);
      const auto header = frame_header(reader.kind(), payload.size());
      ENTENTE_ASSERT(equal(frame.first(header.size()), header));
      ENTENTE_ASSERT(equal(frame.subspan(header.size(), payload.size()), payload));
      said += as_text(payload);
    }
  }
  return said;
}

}  // namespace
}  // namespace entente::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const entente::BytesView stream(data, size);
  const std::string whole = entente::net::read(stream, std::max<size_t>(size, 1));
  ENTENTE_ASSERT(entente::net::read(stream, 1) == whole);
  ENTENTE_ASSERT(entente::net::read(stream, 7) == whole);
  return 0;
}
