#pragma once
// JSON over Boost.JSON: the canonical text that goes into the ledger, and typed reading of
// hostile documents with errors that name the place.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "entente/result.h"

namespace entente::json {

using boost::json::array;
using boost::json::object;
using boost::json::value;

inline constexpr size_t max_depth = 64;

/// Strict RFC 8259; duplicate keys: the last wins; at most max_depth nested containers.
/// The error names the byte offset.
Result<value> parse(std::string_view text);

/// Compact text, object keys in byte order, `/` and non-ASCII not escaped, control characters as
/// \b \f \n \r \t or \u00xx. Bytes that are not UTF-8 become U+FFFD. See docs/ledger-format.md.
std::string dump(const value& document);
/// The same with two spaces of indent, for people and for golden files.
std::string dump_indented(const value& document);

/// Reading of one object's fields. Each error is "At #/a/b: reason".
class Reader {
 public:
  explicit Reader(const value& document, std::string path = "#") : document_(&document), path_(std::move(path)) {}

  const value& document() const { return *document_; }
  const std::string& path() const { return path_; }
  Error error(std::string_view reason) const;

  Result<const object*> as_object() const;
  Result<const array*> as_array() const;
  Result<std::string> as_string() const;
  Result<uint64_t> as_uint64() const;
  Result<int64_t> as_int64() const;
  Result<bool> as_bool() const;

  /// nullopt-like: an absent member or null gives a Reader on null. Only on objects.
  bool has(std::string_view key) const;
  Result<Reader> member(std::string_view key) const;  ///< Missing required field: error.
  Reader element(size_t index) const;                  ///< Only within range of an array.

 private:
  const value* document_;
  std::string path_;
};

}  // namespace entente::json
