#pragma once
// The query part of a target, and typed values out of untrusted text. Source: docs/http-api.md
// (URL and query). Nothing here keeps a view into the request.

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entente/result.h"

namespace entente::http {

/// `%HH` in either case becomes the byte; anything else, also a broken escape, stays as it is.
std::string percent_decode(std::string_view text);
/// The same, and `+` becomes a space.
std::string decode_query(std::string_view query);

/// Parameters in the order of the query, repeated keys kept. The text is decoded as a whole before
/// it is split at `&` and `=`: an encoded `&` separates, as it does in the reference system.
class QueryParameters {
 public:
  QueryParameters() = default;
  static QueryParameters parse(std::string_view query);  ///< as received, not decoded

  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }
  /// First value of the key, or null. Lives as long as this object.
  const std::string* find(std::string_view name) const;

  /// The first value as T: std::string, bool (`true` or `false`) or an integer (decimal, all of the
  /// text). The error is the message for 400 InvalidQueryParameterValue.
  template <typename T>
  Result<T> get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> all_;
};

namespace detail {
Error missing_parameter(std::string_view name);
Error bad_parameter(std::string_view value, std::string_view name);
Result<bool> parse_bool(std::string_view value, std::string_view name);
}  // namespace detail

template <typename T>
Result<T> QueryParameters::get(std::string_view name) const {
  const std::string* value = find(name);
  if (value == nullptr) return detail::missing_parameter(name);
  if constexpr (std::same_as<T, std::string>) {
    return *value;
  } else if constexpr (std::same_as<T, bool>) {
    return detail::parse_bool(*value, name);
  } else {
    static_assert(std::integral<T>);
    T number{};
    const char* end = value->data() + value->size();
    const auto [stop, code] = std::from_chars(value->data(), end, number);
    if (code != std::errc() || stop != end) return detail::bad_parameter(*value, name);
    return number;
  }
}

}  // namespace entente::http
