#pragma once
// Byte strings: the vocabulary in which keys, values, entries and messages are exchanged.

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace entente {

using Bytes = std::vector<uint8_t>;
using BytesView = std::span<const uint8_t>;

/// The bytes of a text, without terminator. The view lives as long as `text`.
inline BytesView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// The same bytes seen as text. No encoding is checked.
inline std::string_view as_text(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(BytesView view) { return {view.begin(), view.end()}; }
inline Bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }
inline std::string to_text(BytesView bytes) { return std::string(as_text(bytes)); }

/// Bytewise, unsigned, lexicographic; a prefix sorts first. The order of keys everywhere.
inline int compare(BytesView a, BytesView b) {
  const size_t shared = a.size() < b.size() ? a.size() : b.size();
  if (shared != 0) {
    const int order = std::memcmp(a.data(), b.data(), shared);
    if (order != 0) return order;
  }
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

inline bool equal(BytesView a, BytesView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

inline void append(Bytes& out, BytesView more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace entente
