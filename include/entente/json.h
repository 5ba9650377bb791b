#pragma once
// JSON documents: Boost.JSON values, strict parsing, and the canonical text that goes into the
// ledger and into answers.

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

/// Strict RFC 8259; duplicate keys: the last wins; bounded nesting. The error names the offset.
Result<value> parse(std::string_view text);

/// Compact text, object keys in byte order, `/` and non-ASCII not escaped. Bytes that are not UTF-8
/// become U+FFFD.
std::string dump(const value& document);
/// The same with two spaces of indent.
std::string dump_indented(const value& document);

}  // namespace entente::json
