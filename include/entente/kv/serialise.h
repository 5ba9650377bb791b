#pragma once
// How typed keys and values become bytes. A serialiser is a type with two static functions:
//
//   to_serialised(const T&)      -> Bytes, std::string, BytesView or std::array<uint8_t, N>
//   from_serialised(BytesView)   -> T; throws SerialisationError on bytes that are not a T
//
// A returned BytesView may point into the argument. Source: docs/ledger-format.md (encodings).

#include <array>
#include <bit>
#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <concepts>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::kv {

class SerialisationError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Compact JSON text, object keys in byte order, non-ASCII not escaped.
std::string to_json_text(const boost::json::value& document);
/// Strict. Throws SerialisationError.
boost::json::value from_json_text(BytesView text);
/// Byte strings are base64 text in JSON.
boost::json::value bytes_to_json(BytesView bytes);
Bytes bytes_from_json(const boost::json::value& document);

/// JSON text, by boost::json::value_from and value_to: arithmetic types, strings, containers,
/// optionals, structures and enumerations described with Boost.Describe, types with tag_invoke.
template <typename T>
struct JsonSerialiser {
  static std::string to_serialised(const T& value) {
    if constexpr (std::is_same_v<T, Bytes>) {
      return to_json_text(bytes_to_json(value));
    } else {
      return to_json_text(boost::json::value_from(value));
    }
  }
  static T from_serialised(BytesView bytes) {
    const boost::json::value document = from_json_text(bytes);
    if constexpr (std::is_same_v<T, Bytes>) {
      return bytes_from_json(document);
    } else if constexpr (std::is_same_v<T, boost::json::value>) {
      return document;
    } else {
      auto result = boost::json::try_value_to<T>(document);
      if (!result) {
        throw SerialisationError("stored JSON has another shape: " + result.error().message());
      }
      return std::move(*result);
    }
  }
};

namespace detail {
template <typename T>
struct IsByteArray : std::false_type {};
template <size_t N>
struct IsByteArray<std::array<uint8_t, N>> : std::true_type {};
[[noreturn]] void throw_size_mismatch(size_t expected, size_t found);
}  // namespace detail

/// The bytes as they are in memory: integers and enumerations little-endian in their own width,
/// strings, byte vectors, byte arrays and digests as they are.
template <typename T>
struct RawCopySerialiser {
  static_assert(std::endian::native == std::endian::little);
  static constexpr bool is_number = std::integral<T> || std::is_enum_v<T>;
  static constexpr bool is_text = std::is_same_v<T, std::string> || std::is_same_v<T, Bytes>;
  static_assert(is_number || is_text || detail::IsByteArray<T>::value || std::is_same_v<T, Digest>,
                "no raw copy of this type is defined");

  static auto to_serialised(const T& value) {
    if constexpr (is_number) {
      return std::bit_cast<std::array<uint8_t, sizeof(T)>>(value);
    } else if constexpr (std::is_same_v<T, std::string>) {
      return as_bytes(value);
    } else {
      return BytesView(value);
    }
  }
  static T from_serialised(BytesView bytes) {
    if constexpr (is_text) {
      return T(bytes.begin(), bytes.end());
    } else {
      T value{};
      if (bytes.size() != sizeof(T)) detail::throw_size_mismatch(sizeof(T), bytes.size());
      std::memcpy(&value, bytes.data(), sizeof(T));
      return value;
    }
  }
};

/// The only key of a Value and the only value of a Set: eight zero bytes.
struct ZeroBlockUnit {
  static constexpr std::array<uint8_t, 8> bytes{};
};
/// The alternative: no bytes at all.
struct EmptyUnit {
  static constexpr std::array<uint8_t, 0> bytes{};
};

namespace detail {
inline BytesView serialised_view(const std::string& text) {
  return as_bytes(text);
}
inline BytesView serialised_view(BytesView bytes) {
  return bytes;
}
}  // namespace detail

}  // namespace entente::kv
