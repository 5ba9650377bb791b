#pragma once
// A forward reader over bytes that nobody vouches for. Little-endian. Every read that would pass
// the end leaves its target alone and returns false; missing() then names the place.

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::ledger {

class ByteReader {
 public:
  /// `offset` is that of the first byte within whatever errors should refer to.
  explicit ByteReader(BytesView bytes, uint64_t offset = 0) : rest_(bytes), offset_(offset) {}

  uint64_t offset() const { return offset_; }
  size_t left() const { return rest_.size(); }
  bool at_end() const { return rest_.empty(); }

  bool u8(uint8_t& out) { return integer(out); }
  bool u32(uint32_t& out) { return integer(out); }
  bool u64(uint64_t& out) { return integer(out); }

  bool bytes(size_t count, BytesView& out) {
    if (count > rest_.size()) return false;
    out = rest_.first(count);
    skip(count);
    return true;
  }

  /// u64 length, then that many bytes.
  bool lp(BytesView& out) {
    if (rest_.size() < sizeof(uint64_t)) return false;
    uint64_t length = 0;
    std::memcpy(&length, rest_.data(), sizeof length);
    if (length > rest_.size() - sizeof length) return false;
    out = rest_.subspan(sizeof length, length);
    skip(sizeof length + length);
    return true;
  }

  bool digest(std::optional<Digest>& out) {
    BytesView raw;
    if (!bytes(Digest::size, raw)) return false;
    out.emplace();
    std::memcpy(out->bytes.data(), raw.data(), Digest::size);
    return true;
  }

  BytesView rest() {
    const BytesView all = rest_;
    skip(all.size());
    return all;
  }

  Error missing(const std::string& field) const {
    return {"byte " + std::to_string(offset_) + ": " + field + ": ends beyond the data"};
  }

 private:
  template <typename Integer>
  bool integer(Integer& out) {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    if (rest_.size() < sizeof out) return false;
    std::memcpy(&out, rest_.data(), sizeof out);
    skip(sizeof out);
    return true;
  }
  void skip(size_t count) {
    rest_ = rest_.subspan(count);
    offset_ += count;
  }

  BytesView rest_;
  uint64_t offset_;
};

}  // namespace entente::ledger
