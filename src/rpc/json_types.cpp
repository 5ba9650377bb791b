#include "entente/json_types.h"

#include <cmath>

#include "base/encoding.h"

namespace entente::json {

std::string Path::pointer() const {
  std::string out = parent == nullptr ? "#" : parent->pointer();
  out += '/';
  if (key.data() == nullptr) return out + std::to_string(index);
  for (const char c : key) {  // RFC 6901
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

void refuse(const Path* path, std::string_view reason) {
  throw JsonException("At " + (path == nullptr ? "#" : path->pointer()) + ": " +
                      std::string(reason));
}

void refuse_missing(const Path* path, std::string_view field, const value& document) {
  refuse(path, "Missing required field '" + std::string(field) + "' in object: " + dump(document));
}

namespace detail {
namespace {

[[noreturn]] void refuse_type(const Path* path, std::string_view wanted, const value& document) {
  refuse(path, "Expected " + std::string(wanted) + ", found: " + dump(document));
}

}  // namespace

std::string read_text(const value& document, const Path* path) {
  if (!document.is_string()) refuse_type(path, "a string", document);
  return std::string(document.get_string());
}

Bytes read_bytes(const value& document, const Path* path) {
  if (!document.is_string()) refuse_type(path, "a base64 string", document);
  auto bytes = from_base64(document.get_string());
  if (!bytes) refuse_type(path, "a base64 string", document);
  return std::move(*bytes);
}

TxId read_tx_id(const value& document, const Path* path) {
  if (!document.is_string()) refuse_type(path, "a transaction id", document);
  const auto id = TxId::parse(document.get_string());
  if (!id) refuse_type(path, "a transaction id", document);
  return *id;
}

Digest read_digest(const value& document, const Path* path) {
  if (!document.is_string()) refuse_type(path, "a digest of 64 hex digits", document);
  const auto digest = Digest::from_hex(document.get_string());
  if (!digest) refuse_type(path, "a digest of 64 hex digits", document);
  return *digest;
}

bool read_bool(const value& document, const Path* path) {
  if (!document.is_bool()) refuse_type(path, "a boolean", document);
  return document.get_bool();
}

uint64_t read_unsigned(const value& document, uint64_t maximum, const Path* path) {
  uint64_t number = 0;
  if (document.is_uint64()) {
    number = document.get_uint64();
  } else if (document.is_int64() && document.get_int64() >= 0) {
    number = static_cast<uint64_t>(document.get_int64());
  } else {
    refuse_type(path, "an unsigned integer", document);
  }
  if (number > maximum) {
    refuse_type(path, "an unsigned integer of at most " + std::to_string(maximum), document);
  }
  return number;
}

int64_t read_signed(const value& document, int64_t minimum, int64_t maximum, const Path* path) {
  if (!document.is_int64()) refuse_type(path, "an integer", document);
  const int64_t number = document.get_int64();
  if (number < minimum || number > maximum) {
    refuse_type(path,
                "an integer between " + std::to_string(minimum) + " and " + std::to_string(maximum),
                document);
  }
  return number;
}

double read_number(const value& document, const Path* path) {
  if (document.is_double()) return document.get_double();
  if (document.is_int64()) return static_cast<double>(document.get_int64());
  if (document.is_uint64()) return static_cast<double>(document.get_uint64());
  refuse_type(path, "a number", document);
}

const object& read_object(const value& document, const Path* path) {
  if (!document.is_object()) refuse_type(path, "an object", document);
  return document.get_object();
}

const array& read_array(const value& document, const Path* path) {
  if (!document.is_array()) refuse_type(path, "an array", document);
  return document.get_array();
}

value bytes_value(const Bytes& bytes) {
  return value(std::string_view(to_base64(bytes)));
}

std::string unqualified_type_name(std::string_view function_text) {
  // `… type_name() [with T = ns::Name; …]` (g++) or `… [T = ns::Name]` (clang)
  const size_t start = function_text.find("T = ");
  std::string_view name = function_text.substr(start == std::string_view::npos ? 0 : start + 4);
  name = name.substr(0, name.find_first_of(";]"));
  const size_t qualifier = name.substr(0, name.find('<')).rfind("::");
  if (qualifier != std::string_view::npos) name.remove_prefix(qualifier + 2);
  return std::string(name);
}

value integer_schema(uint64_t maximum) {
  return object{{"maximum", maximum}, {"minimum", 0}, {"type", "integer"}};
}
value signed_schema(int64_t minimum, int64_t maximum) {
  return object{{"maximum", maximum}, {"minimum", minimum}, {"type", "integer"}};
}
value text_schema(std::string_view format, std::string_view pattern) {
  object out{{"type", "string"}};
  if (!format.empty()) out.emplace("format", format);
  if (!pattern.empty()) out.emplace("pattern", pattern);
  return out;
}

}  // namespace detail
}  // namespace entente::json
