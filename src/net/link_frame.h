#pragma once
// Frames: u32 length of the payload (little-endian), u8 kind, payload. Source:
// docs/node-to-node.md (messages).

#include <array>
#include <cstddef>

#include "entente/bytes.h"
#include "net/link_message.h"

namespace entente::net {

inline constexpr size_t frame_header_size = 5;

/// `payload_size` below 2^32.
std::array<uint8_t, frame_header_size> frame_header(MessageKind kind, size_t payload_size);

/// Takes frames out of a stream that comes in pieces. Memory: one payload, which grows with what
/// was received, not with what was announced.
class FrameReader {
 public:
  explicit FrameReader(size_t max_payload) : max_payload_(max_payload) {}

  enum class Outcome : uint8_t {
    need_more,  ///< took all of the input
    message,    ///< kind() and take_payload() are valid; the rest of the input is left
    unknown_kind,
    oversized  ///< both of these: the stream cannot be read any further
  };
  /// Moves the beginning of `input` past what it took.
  Outcome next(BytesView& input);

  MessageKind kind() const { return static_cast<MessageKind>(header_[4]); }
  Bytes take_payload() { return std::move(payload_); }

 private:
  size_t missing_payload() const { return size_ - payload_.size(); }

  const size_t max_payload_;
  std::array<uint8_t, frame_header_size> header_{};
  size_t header_filled_ = 0;
  size_t size_ = 0;
  Bytes payload_;
};

}  // namespace entente::net
