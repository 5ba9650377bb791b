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
#include <boost/describe/members.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

namespace detail {

[[noreturn]] void throw_other_shape(const std::string& reason);

template <typename T>
concept Described = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;
template <typename T>
concept OwnConversion = requires(boost::json::value& out, const T& value) {
  tag_invoke(boost::json::value_from_tag{}, out, value);
};
template <typename T>
using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                         boost::describe::mod_inherited>;
// What is walked here rather than by Boost, because byte strings may be inside.
enum class Shape { list, optional, map };
template <typename T>
struct Inside {};
template <typename T>
struct Inside<std::vector<T>> {
  using Element = T;
  static constexpr Shape shape = Shape::list;
};
template <typename T>
struct Inside<std::optional<T>> {
  using Element = T;
  static constexpr Shape shape = Shape::optional;
};
template <typename T>
struct Inside<std::map<std::string, T>> {
  using Element = T;
  static constexpr Shape shape = Shape::map;
};
template <typename T, Shape shape>
concept Is = requires {
  requires Inside<T>::shape == shape;
};

template <typename T>
boost::json::value to_document(const T& value) {
  if constexpr (std::same_as<T, Bytes>) {
    return bytes_to_json(value);
  } else if constexpr (Described<T> && !OwnConversion<T>) {
    boost::json::object out;
    boost::mp11::mp_for_each<Members<T>>(
        [&](auto member) { out[member.name] = to_document(value.*member.pointer); });
    return out;
  } else if constexpr (Is<T, Shape::optional>) {
    return value ? to_document(*value) : boost::json::value(nullptr);
  } else if constexpr (Is<T, Shape::list>) {
    boost::json::array out;
    out.reserve(value.size());
    for (const auto& element : value) {
      out.push_back(to_document(static_cast<const typename Inside<T>::Element&>(element)));
    }
    return out;
  } else if constexpr (Is<T, Shape::map>) {
    boost::json::object out;
    for (const auto& [key, element] : value) out[key] = to_document(element);
    return out;
  } else {
    return boost::json::value_from(value);
  }
}

template <typename T>
T from_document(const boost::json::value& document) {
  if constexpr (std::same_as<T, Bytes>) {
    return bytes_from_json(document);
  } else if constexpr (std::same_as<T, boost::json::value>) {
    return document;
  } else if constexpr (Described<T> && !OwnConversion<T>) {
    if (!document.is_object()) throw_other_shape("not an object");
    T out{};
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using Member = std::remove_cvref_t<decltype(out.*member.pointer)>;
      if (const auto* found = document.get_object().if_contains(member.name)) {
        out.*member.pointer = from_document<Member>(*found);
      } else if constexpr (!Is<Member, Shape::optional>) {
        throw_other_shape(std::string("no member ") + member.name);
      }
    });
    return out;
  } else if constexpr (Is<T, Shape::optional>) {
    if (document.is_null()) return std::nullopt;
    return from_document<typename Inside<T>::Element>(document);
  } else if constexpr (Is<T, Shape::list>) {
    if (!document.is_array()) throw_other_shape("not an array");
    T out;
    out.reserve(document.get_array().size());
    for (const auto& element : document.get_array()) {
      out.push_back(from_document<typename Inside<T>::Element>(element));
    }
    return out;
  } else if constexpr (Is<T, Shape::map>) {
    if (!document.is_object()) throw_other_shape("not an object");
    T out;
    for (const auto& [key, element] : document.get_object()) {
      out.emplace(key, from_document<typename Inside<T>::Element>(element));
    }
    return out;
  } else {
    auto result = boost::json::try_value_to<T>(document);
    if (!result) throw_other_shape(result.error().message());
    return std::move(*result);
  }
}

}  // namespace detail

/// JSON text: arithmetic types, strings, containers, optionals (null when empty), structures and
/// enumerations described with Boost.Describe, types with tag_invoke. Byte strings are base64 text,
/// also as members of structures and as elements of vectors, optionals and maps by text.
template <typename T>
struct JsonSerialiser {
  static std::string to_serialised(const T& value) {
    return to_json_text(detail::to_document(value));
  }
  static T from_serialised(BytesView bytes) {
    return detail::from_document<T>(from_json_text(bytes));
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
