#include "base/encoding.h"

#include <array>

namespace entente {
namespace {

constexpr std::string_view standard_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t invalid = 0xff;

constexpr std::array<uint8_t, 256> reverse(std::string_view alphabet) {
  std::array<uint8_t, 256> table{};
  table.fill(invalid);
  for (size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  }
  return table;
}

constexpr auto standard_values = reverse(standard_alphabet);
constexpr auto url_values = reverse(url_alphabet);

std::string encode(BytesView bytes, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t group = bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) out += alphabet[group >> shift & 63];
  }
  const size_t rest = bytes.size() - i;
  if (rest == 0) return out;
  const uint32_t group = bytes[i] << 16 | (rest == 2 ? bytes[i + 1] << 8 : 0);
  out += alphabet[group >> 18 & 63];
  out += alphabet[group >> 12 & 63];
  if (rest == 2) out += alphabet[group >> 6 & 63];
  if (padded) out.append(3 - rest, '=');
  return out;
}

std::optional<Bytes> decode(std::string_view text, const std::array<uint8_t, 256>& values) {
  const size_t rest = text.size() % 4;
  if (rest == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t value = values[static_cast<uint8_t>(text[i])];
    if (value == invalid) return std::nullopt;
    group = group << 6 | value;
    if (i % 4 == 3) {
      out.push_back(static_cast<uint8_t>(group >> 16));
      out.push_back(static_cast<uint8_t>(group >> 8));
      out.push_back(static_cast<uint8_t>(group));
      group = 0;
    }
  }
  // The bits that no byte uses must be zero, so that every byte string has one encoding only.
  if (rest == 2) {
    if ((group & 0xf) != 0) return std::nullopt;
    out.push_back(static_cast<uint8_t>(group >> 4));
  } else if (rest == 3) {
    if ((group & 0x3) != 0) return std::nullopt;
    out.push_back(static_cast<uint8_t>(group >> 10));
    out.push_back(static_cast<uint8_t>(group >> 2));
  }
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(BytesView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out(bytes.size() * 2, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  Bytes out(hex.size() / 2);
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return out;
}

std::string to_base64(BytesView bytes) { return encode(bytes, standard_alphabet, true); }

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(text, standard_values);
}

std::string to_base64url(BytesView bytes) { return encode(bytes, url_alphabet, false); }

std::optional<Bytes> from_base64url(std::string_view text) { return decode(text, url_values); }

}  // namespace entente
