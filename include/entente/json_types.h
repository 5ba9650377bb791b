#pragma once
// C++ types to and from JSON, and their schemas, out of Boost.Describe:
//
//   struct Record { uint64_t id; std::string msg; std::optional<bool> claim; };
//   BOOST_DESCRIBE_STRUCT(Record, (), (id, msg, claim))
//   Record r = json::to<Record>(document);     // throws JsonException "At #/msg: …"
//   json::value v = json::from(r);
//
// Rules: unknown fields are ignored; std::optional fields are optional and left out when empty;
// Nullable fields are required and may be null; every other field is required, unless the struct
// has `static constexpr std::array optional_fields{"a"sv}`: then it is left out when it equals the
// default. `static constexpr std::string_view json_name(std::string_view member)` renames members,
// `static constexpr std::string_view schema_name` names the schema. Byte vectors are base64, ids
// and digests their text, enums the text of `to_text(e)` where that exists and else their name.

#include <array>
#include <boost/describe.hpp>
#include <boost/mp11/algorithm.hpp>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "entente/bytes.h"
#include "entente/errors.h"
#include "entente/json.h"
#include "entente/schema.h"
#include "entente/types.h"

namespace entente {

/// A required field that may be null.
template <typename T>
struct Nullable : std::optional<T> {
  using std::optional<T>::optional;
};

/// Specialise to name the schema of a type that cannot have a member of that name (an enum).
template <typename T>
inline constexpr std::string_view schema_name_of = {};

BOOST_DESCRIBE_ENUM(TxStatus, unknown, pending, committed, invalid)
template <>
inline constexpr std::string_view schema_name_of<TxStatus> = "TxStatus";

namespace json {

/// Where below the root of a document a value stands; a chain of stack frames. The root is null.
struct Path {
  const Path* parent = nullptr;
  std::string_view key = {};  ///< of a member; no data: an element of an array
  size_t index = 0;           ///< of an element
  std::string pointer() const;  ///< `#/a/0/b`
};
/// Throws JsonException `At {pointer}: {reason}`.
[[noreturn]] void refuse(const Path* path, std::string_view reason);
[[noreturn]] void refuse_missing(const Path* path, std::string_view field, const value& document);

namespace detail {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsSet : std::false_type {};
template <typename T, typename C>
struct IsSet<std::set<T, C>> : std::true_type {};
template <typename T>
struct IsMap : std::false_type {};
template <typename K, typename V, typename C>
struct IsMap<std::map<K, V, C>> : std::true_type {};
template <typename T>
struct IsPair : std::false_type {};
template <typename A, typename B>
struct IsPair<std::pair<A, B>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsNullable : std::false_type {};
template <typename T>
struct IsNullable<Nullable<T>> : std::true_type {};

template <typename T>
concept DescribedEnum = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;
template <typename T>
concept DescribedStruct = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;
template <typename T>
concept TextLike =
    std::same_as<T, std::string> || std::same_as<T, NodeId> || std::same_as<T, TxId> ||
    std::same_as<T, Digest>;

std::string read_text(const value& document, const Path* path);
Bytes read_bytes(const value& document, const Path* path);
TxId read_tx_id(const value& document, const Path* path);
Digest read_digest(const value& document, const Path* path);
bool read_bool(const value& document, const Path* path);
uint64_t read_unsigned(const value& document, uint64_t maximum, const Path* path);
int64_t read_signed(const value& document, int64_t minimum, int64_t maximum, const Path* path);
double read_number(const value& document, const Path* path);
const object& read_object(const value& document, const Path* path);
const array& read_array(const value& document, const Path* path);
value bytes_value(const Bytes& bytes);

template <typename E>
std::string_view enum_text(E e, const char* name) {
  if constexpr (requires { { to_text(e) } -> std::convertible_to<std::string_view>; }) {
    return to_text(e);
  } else {
    return name;
  }
}
template <typename T>
constexpr bool is_optional_field(std::string_view member) {
  if constexpr (requires { T::optional_fields; }) {
    for (const std::string_view field : T::optional_fields) {
      if (field == member) return true;
    }
  }
  return false;
}
template <typename T>
constexpr std::string_view field_name(std::string_view member) {
  if constexpr (requires { T::json_name(member); }) {
    return T::json_name(member);
  } else {
    return member;
  }
}
template <typename T>
using Members =
    boost::describe::describe_members<T, boost::describe::mod_public |
                                             boost::describe::mod_inherited>;

}  // namespace detail

template <typename T>
void read(const value& document, T& out, const Path* path = nullptr) {
  using namespace detail;
  if constexpr (std::same_as<T, value>) {
    out = document;
  } else if constexpr (std::same_as<T, object>) {
    out = read_object(document, path);
  } else if constexpr (std::same_as<T, bool>) {
    out = read_bool(document, path);
  } else if constexpr (std::unsigned_integral<T>) {
    out = static_cast<T>(read_unsigned(document, std::numeric_limits<T>::max(), path));
  } else if constexpr (std::signed_integral<T>) {
    out = static_cast<T>(read_signed(document, std::numeric_limits<T>::min(),
                                     std::numeric_limits<T>::max(), path));
  } else if constexpr (std::floating_point<T>) {
    out = static_cast<T>(read_number(document, path));
  } else if constexpr (std::same_as<T, std::string>) {
    out = read_text(document, path);
  } else if constexpr (std::same_as<T, NodeId>) {
    out.value = read_text(document, path);
  } else if constexpr (std::same_as<T, TxId>) {
    out = read_tx_id(document, path);
  } else if constexpr (std::same_as<T, Digest>) {
    out = read_digest(document, path);
  } else if constexpr (std::same_as<T, Bytes>) {
    out = read_bytes(document, path);
  } else if constexpr (IsOptional<T>::value || IsNullable<T>::value) {
    if (document.is_null()) {
      out.reset();
    } else {
      read(document, out.emplace(), path);
    }
  } else if constexpr (IsVector<T>::value || IsSet<T>::value) {
    out.clear();
    size_t index = 0;
    for (const value& element : read_array(document, path)) {
      const Path here{path, {}, index++};
      typename T::value_type item{};
      read(element, item, &here);
      out.insert(out.end(), std::move(item));
    }
  } else if constexpr (IsPair<T>::value) {
    const array& both = read_array(document, path);
    if (both.size() != 2) refuse(path, "Expected an array of two elements");
    const Path first{path, {}, 0}, second{path, {}, 1};
    read(both[0], out.first, &first);
    read(both[1], out.second, &second);
  } else if constexpr (IsMap<T>::value) {
    out.clear();
    if constexpr (TextLike<typename T::key_type>) {
      for (const auto& member : read_object(document, path)) {
        const Path here{path, member.key(), 0};
        typename T::key_type key{};
        read(value(member.key()), key, &here);
        read(member.value(), out[std::move(key)], &here);
      }
    } else {
      size_t index = 0;
      for (const value& element : read_array(document, path)) {
        const Path here{path, {}, index++};
        std::pair<typename T::key_type, typename T::mapped_type> item{};
        read(element, item, &here);
        out.insert(std::move(item));
      }
    }
  } else if constexpr (DescribedEnum<T>) {
    const std::string text = read_text(document, path);
    bool known = false;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) {
      if (!known && enum_text(e.value, e.name) == text) {
        out = e.value;
        known = true;
      }
    });
    if (!known) refuse(path, "Unknown enum value: \"" + text + "\"");
  } else {
    static_assert(DescribedStruct<T>, "describe the type with BOOST_DESCRIBE_STRUCT");
    const object& members = read_object(document, path);
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(out.*member.pointer)>;
      const std::string_view name = field_name<T>(member.name);
      const value* found = members.if_contains(name);
      if (found == nullptr) {
        if constexpr (!IsOptional<Field>::value) {
          if (!is_optional_field<T>(member.name)) refuse_missing(path, name, document);
        }
        return;
      }
      const Path here{path, name, 0};
      read(*found, out.*member.pointer, &here);
    });
  }
}

/// Throws JsonException.
template <typename T>
T to(const value& document) {
  T out{};
  read(document, out);
  return out;
}

template <typename T>
value from(const T& in) {
  using namespace detail;
  if constexpr (std::same_as<T, value> || std::same_as<T, bool> || std::same_as<T, object> ||
                std::same_as<T, array>) {
    return in;
  } else if constexpr (std::unsigned_integral<T>) {
    return static_cast<uint64_t>(in);
  } else if constexpr (std::signed_integral<T>) {
    return static_cast<int64_t>(in);
  } else if constexpr (std::floating_point<T>) {
    return static_cast<double>(in);
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return value(std::string_view(in));
  } else if constexpr (std::same_as<T, NodeId>) {
    return value(std::string_view(in.value));
  } else if constexpr (std::same_as<T, TxId>) {
    return value(std::string_view(in.text()));
  } else if constexpr (std::same_as<T, Digest>) {
    return value(std::string_view(in.hex()));
  } else if constexpr (std::same_as<T, Bytes>) {
    return bytes_value(in);
  } else if constexpr (IsOptional<T>::value || IsNullable<T>::value) {
    return in.has_value() ? from(*in) : value(nullptr);
  } else if constexpr (IsVector<T>::value || IsSet<T>::value) {
    array out;
    out.reserve(in.size());
    for (const auto& element : in) out.push_back(from(element));
    return out;
  } else if constexpr (IsPair<T>::value) {
    array out;
    out.push_back(from(in.first));
    out.push_back(from(in.second));
    return out;
  } else if constexpr (IsMap<T>::value) {
    if constexpr (TextLike<typename T::key_type>) {
      object out;
      for (const auto& [key, element] : in) {
        const value name = from(key);
        out.insert_or_assign(std::string_view(name.get_string()), from(element));
      }
      return out;
    } else {
      array out;
      for (const auto& [key, element] : in) {
        array both;
        both.push_back(from(key));
        both.push_back(from(element));
        out.push_back(std::move(both));
      }
      return out;
    }
  } else if constexpr (DescribedEnum<T>) {
    std::string_view text;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto e) {
      if (e.value == in) text = enum_text(e.value, e.name);
    });
    return value(text);
  } else {
    static_assert(DescribedStruct<T>, "describe the type with BOOST_DESCRIBE_STRUCT");
    object out;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      const auto& field = in.*member.pointer;
      using Field = std::remove_cvref_t<decltype(field)>;
      if constexpr (IsOptional<Field>::value) {
        if (!field.has_value()) return;
      } else if constexpr (is_optional_field<T>(decltype(member)::name)) {
        if (field == T{}.*member.pointer) return;
      }
      out.insert_or_assign(field_name<T>(member.name), from(field));
    });
    return out;
  }
}

namespace detail {

/// `ns::Outer<int>` → unqualified name of a type, from the compiler's own text.
std::string unqualified_type_name(std::string_view function_text);
template <typename T>
std::string type_name() {
  return unqualified_type_name(__PRETTY_FUNCTION__);
}

value integer_schema(uint64_t maximum);
value signed_schema(int64_t minimum, int64_t maximum);
value text_schema(std::string_view format, std::string_view pattern);

}  // namespace detail

template <typename T>
std::string schema_name() {
  using namespace detail;
  if constexpr (!schema_name_of<T>.empty()) {
    return std::string(schema_name_of<T>);
  } else if constexpr (requires { T::schema_name; }) {
    return std::string(T::schema_name);
  } else if constexpr (std::same_as<T, value> || std::same_as<T, object>) {
    return "json";
  } else if constexpr (std::same_as<T, bool>) {
    return "boolean";
  } else if constexpr (std::integral<T>) {
    return (std::unsigned_integral<T> ? "uint" : "int") + std::to_string(sizeof(T) * 8);
  } else if constexpr (std::floating_point<T>) {
    return "number";
  } else if constexpr (std::same_as<T, std::string>) {
    return "string";
  } else if constexpr (std::same_as<T, TxId>) {
    return "TransactionId";
  } else if constexpr (std::same_as<T, NodeId>) {
    return "NodeId";
  } else if constexpr (std::same_as<T, Digest>) {
    return "Sha256Digest";
  } else if constexpr (std::same_as<T, Bytes>) {
    return "base64string";
  } else if constexpr (IsOptional<T>::value || IsNullable<T>::value) {
    return schema_name<typename T::value_type>();
  } else if constexpr (IsVector<T>::value) {
    return schema_name<typename T::value_type>() + "_array";
  } else if constexpr (IsSet<T>::value) {
    return schema_name<typename T::value_type>() + "_set";
  } else if constexpr (IsMap<T>::value) {
    return schema_name<typename T::key_type>() + "_to_" + schema_name<typename T::mapped_type>();
  } else if constexpr (IsPair<T>::value) {
    return schema_name<typename T::first_type>() + "_and_" + schema_name<typename T::second_type>();
  } else {
    return type_name<T>();
  }
}

/// The schema itself, not a reference; adds what it refers to.
template <typename T>
value schema_body(SchemaSet& schemas) {
  using namespace detail;
  if constexpr (std::same_as<T, value>) {
    return object{};
  } else if constexpr (std::same_as<T, object>) {
    return object{};
  } else if constexpr (std::same_as<T, bool>) {
    return object{{"type", "boolean"}};
  } else if constexpr (std::unsigned_integral<T>) {
    return integer_schema(std::numeric_limits<T>::max());
  } else if constexpr (std::integral<T>) {
    return signed_schema(std::numeric_limits<T>::min(), std::numeric_limits<T>::max());
  } else if constexpr (std::floating_point<T>) {
    return object{{"type", "number"}};
  } else if constexpr (std::same_as<T, std::string>) {
    return text_schema("", "");
  } else if constexpr (std::same_as<T, TxId>) {
    return text_schema("", "^[0-9]+\\.[0-9]+$");
  } else if constexpr (std::same_as<T, NodeId> || std::same_as<T, Digest>) {
    return text_schema("hex", "^[a-f0-9]{64}$");
  } else if constexpr (std::same_as<T, Bytes>) {
    return text_schema("base64", "");
  } else if constexpr (IsVector<T>::value || IsSet<T>::value) {
    return object{{"items", schema_of<typename T::value_type>(schemas)}, {"type", "array"}};
  } else if constexpr (IsPair<T>::value) {
    return object{{"items", array{schema_of<typename T::first_type>(schemas),
                                  schema_of<typename T::second_type>(schemas)}},
                  {"type", "array"}};
  } else if constexpr (IsMap<T>::value) {
    if constexpr (TextLike<typename T::key_type>) {
      return object{{"additionalProperties", schema_of<typename T::mapped_type>(schemas)},
                    {"type", "object"}};
    } else {
      using Pair = std::pair<typename T::key_type, typename T::mapped_type>;
      return object{{"items", schema_of<Pair>(schemas)}, {"type", "array"}};
    }
  } else if constexpr (DescribedEnum<T>) {
    array names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
        [&](auto e) { names.emplace_back(enum_text(e.value, e.name)); });
    return object{{"enum", std::move(names)}, {"type", "string"}};
  } else {
    static_assert(DescribedStruct<T>, "describe the type with BOOST_DESCRIBE_STRUCT");
    object properties;
    array required;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using Field = std::remove_cvref_t<decltype(std::declval<T&>().*member.pointer)>;
      const std::string_view name = field_name<T>(member.name);
      properties.insert_or_assign(name, schema_of<Field>(schemas));
      if (!IsOptional<Field>::value && !is_optional_field<T>(member.name)) {
        required.emplace_back(name);
      }
    });
    object out{{"properties", std::move(properties)}, {"type", "object"}};
    if (!required.empty()) out.emplace("required", std::move(required));
    return out;
  }
}

}  // namespace json

template <typename T>
json::value schema_of(SchemaSet& schemas) {
  if constexpr (json::detail::IsOptional<T>::value || json::detail::IsNullable<T>::value) {
    return schema_of<typename T::value_type>(schemas);
  } else {
    const std::string name = json::schema_name<T>();
    if (!schemas.begin(name, std::type_index(typeid(T)))) return SchemaSet::reference(name);
    return schemas.add(name, json::schema_body<T>(schemas));
  }
}

}  // namespace entente
