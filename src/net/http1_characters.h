#pragma once
// The character classes of HTTP/1.1 messages (RFC 9110 section 5.6, RFC 9112, RFC 3986), and
// scanning over a run of one class eight bytes at a time.

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace entente::net {

namespace character {
inline constexpr uint8_t token = 1;   ///< of header names
inline constexpr uint8_t value = 2;   ///< of header values
inline constexpr uint8_t target = 4;  ///< of path, query and fragment
inline constexpr uint8_t server = 8;  ///< of the authority in a target
inline constexpr uint8_t alpha = 16;
inline constexpr uint8_t quoted = 32;  ///< within a quoted string of a chunk extension
}  // namespace character

constexpr std::array<uint8_t, 256> make_character_classes() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    const auto within = [c](std::string_view set) {
      return c < 0x80 && c != 0 && set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    uint8_t& of = classes[static_cast<size_t>(c)];
    if (letter) of |= character::alpha;
    if (letter || digit || within("!#$%&'*+-.^_`|~")) of |= character::token;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) of |= character::value | character::quoted;
    if (c > 0x20 && c < 0x7f) of |= character::target;
    if (letter || digit || within("!$%&'()*+,-.:;=@[]_~")) of |= character::server;
  }
  return classes;
}

inline constexpr std::array<uint8_t, 256> character_classes = make_character_classes();

constexpr bool is(char c, uint8_t of) {
  return (character_classes[static_cast<uint8_t>(c)] & of) != 0;
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// ASCII, `lower_case` is already lower.
inline bool equals_ignoring_case(std::string_view text, std::string_view lower_case) {
  if (text.size() != lower_case.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (lower(text[i]) != lower_case[i]) return false;
  }
  return true;
}

/// Hex digit to number, or -1.
constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// First position at or behind `at` whose character is not in the class.
inline size_t skip(std::string_view text, size_t at, uint8_t of) {
  while (at < text.size() && is(text[at], of)) ++at;
  return at;
}

namespace detail {
inline constexpr uint64_t ones = 0x0101010101010101u;
inline constexpr uint64_t tops = 0x8080808080808080u;
/// Non-zero if some byte is below n (n <= 0x80); never zero when one is.
constexpr uint64_t below(uint64_t word, uint64_t n) {
  return (word - ones * n) & ~word & tops;
}
}  // namespace detail

/// Copies a text of ASCII characters in lower case.
inline void copy_lower(char* to, std::string_view from) {
  size_t i = 0;
  for (; i + 8 <= from.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, from.data() + i, 8);
    // In each byte below 0x80 the top bit of the sum tells whether it is at least 'A', or above
    // 'Z'; where only the first holds, 0x20 is added.
    const uint64_t at_least_a = word + detail::ones * (0x80 - 'A');
    const uint64_t above_z = word + detail::ones * (0x80 - 'Z' - 1);
    word |= ((at_least_a & ~above_z) & detail::tops) >> 2;
    std::memcpy(to + i, &word, 8);
  }
  for (; i < from.size(); ++i) to[i] = lower(from[i]);
}

/// skip() for character::value: stops at control characters.
inline size_t skip_value(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if ((detail::below(word, 0x20) | detail::below(word ^ (detail::ones * 0x7f), 1)) != 0) break;
    at += 8;
  }
  return skip(text, at, character::value);
}

/// skip() for character::target: stops at control characters, space and bytes from 0x7f on.
inline size_t skip_target(std::string_view text, size_t at) {
  while (at + 8 <= text.size()) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if ((detail::below(word, 0x21) | detail::below(word ^ (detail::ones * 0x7f), 1) |
         (word & detail::tops)) != 0) {
      break;
    }
    at += 8;
  }
  return skip(text, at, character::target);
}

}  // namespace entente::net
