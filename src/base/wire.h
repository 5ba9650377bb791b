#pragma once
// Small binary messages between nodes: integers in little-endian order, bytes behind their length.
// Whoever reads from others reads with wire::Reader: it never reads beyond the end, and one check
// at the end tells of everything that was wrong.

#include <cstdint>
#include <string>

#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::wire {

class Writer {
 public:
  /// Appends.
  explicit Writer(Bytes& out) : out_(out) {}

  template <typename Integer>
  void integer(Integer value) {
    for (size_t i = 0; i < sizeof value; ++i) {
      out_.push_back(static_cast<uint8_t>(uint64_t{value} >> (8 * i)));
    }
  }
  void id(TxId value) {
    integer(value.view.value);
    integer(value.seqno.value);
  }
  /// Behind a u32 length; the caller knows that it suffices.
  void bytes(BytesView content) {
    integer(static_cast<uint32_t>(content.size()));
    append(out_, content);
  }
  void text(std::string_view content) { bytes(as_bytes(content)); }

 private:
  Bytes& out_;
};

/// Stops at the first thing that is wrong; what is read after it is empty or zero. Views point into
/// what is read.
class Reader {
 public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}

  bool good() const { return wrong_ == nullptr; }
  void fail(const char* why) {
    if (good()) wrong_ = why;
  }
  void expect(bool holds, const char* otherwise) {
    if (!holds) fail(otherwise);
  }
  BytesView take(size_t size) {
    expect(size <= rest_.size(), "it ends early");
    if (!good()) return {};
    const BytesView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  template <typename Integer>
  Integer integer() {
    uint64_t value = 0;
    size_t shift = 0;
    for (const uint8_t byte : take(sizeof(Integer))) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return static_cast<Integer>(value);
  }
  /// An integer that is at most `limit`; 0 if anything is wrong.
  template <typename Integer>
  size_t count(size_t limit, const char* otherwise) {
    const auto value = integer<Integer>();
    expect(value <= limit, otherwise);
    return good() ? value : 0;
  }
  bool boolean() { return count<uint8_t>(1, "a flag is neither 0 nor 1") == 1; }
  TxId id() {
    const View view{integer<uint64_t>()};
    return {view, SeqNo{integer<uint64_t>()}};
  }
  BytesView bytes(size_t limit = UINT32_MAX, const char* otherwise = "") {
    return take(count<uint32_t>(limit, otherwise));
  }
  std::string_view text() { return as_text(bytes()); }
  BytesView rest() const { return rest_; }

  /// Nothing may follow. The error says `what: ` and what was wrong first.
  Result<void> end(const char* what) {
    expect(rest_.empty(), "something follows it");
    if (good()) return {};
    return Error{std::string(what) + ": " + wrong_};
  }

 private:
  BytesView rest_;
  const char* wrong_ = nullptr;
};

}  // namespace entente::wire
