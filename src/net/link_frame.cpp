#include "net/link_frame.h"

#include <algorithm>

namespace entente::net {
namespace {

/// Up to here the announced size is believed and allocated at once.
constexpr size_t trusted_size = 256 << 10;

bool is_known(uint8_t kind) {
  return kind >= static_cast<uint8_t>(MessageKind::consensus) &&
         kind <= static_cast<uint8_t>(MessageKind::introduction);
}

}  // namespace

std::array<uint8_t, frame_header_size> frame_header(MessageKind kind, size_t payload_size) {
  return {static_cast<uint8_t>(payload_size), static_cast<uint8_t>(payload_size >> 8),
          static_cast<uint8_t>(payload_size >> 16), static_cast<uint8_t>(payload_size >> 24),
          static_cast<uint8_t>(kind)};
}

FrameReader::Outcome FrameReader::next(BytesView& input) {
  if (header_filled_ < header_.size()) {
    const size_t taken = std::min(header_.size() - header_filled_, input.size());
    std::copy_n(input.begin(), taken, header_.begin() + static_cast<ptrdiff_t>(header_filled_));
    input = input.subspan(taken);
    header_filled_ += taken;
    if (header_filled_ < header_.size()) return Outcome::need_more;
    size_ = size_t{header_[0]} | size_t{header_[1]} << 8 | size_t{header_[2]} << 16 |
            size_t{header_[3]} << 24;
    if (!is_known(header_[4])) return Outcome::unknown_kind;
    if (size_ > max_payload_) return Outcome::oversized;
    payload_ = Bytes();
    payload_.reserve(std::min(size_, trusted_size));
  }
  const size_t taken = std::min(missing_payload(), input.size());
  const size_t filled = payload_.size() + taken;
  if (filled > payload_.capacity()) payload_.reserve(std::min(size_, 2 * filled));
  payload_.insert(payload_.end(), input.begin(), input.begin() + static_cast<ptrdiff_t>(taken));
  input = input.subspan(taken);
  if (missing_payload() > 0) return Outcome::need_more;
  header_filled_ = 0;
  return Outcome::message;
}

}  // namespace entente::net
