#include "base/json.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <charconv>
#include <vector>

namespace entente::json {
namespace {

/// Length of the valid UTF-8 sequence at `text[at]`, or 0.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[at + i]); };
  const auto continuation = [&](size_t i) {
    return at + i < text.size() && (byte(i) & 0xc0) == 0x80;
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continuation(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!continuation(1) || !continuation(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogates
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!continuation(1) || !continuation(2) || !continuation(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

void dump_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x80) {
      const size_t length = utf8_length(text, i);
      if (length == 0) {
        out += "\xef\xbf\xbd";
        ++i;
      } else {
        out += text.substr(i, length);
        i += length;
      }
      continue;
    }
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (byte < 0x20) {
          out += "\\u00";
          out += digits[byte >> 4];
          out += digits[byte & 15];
        } else {
          out += c;
        }
    }
    ++i;
  }
  out += '"';
}

struct Dumper {
  std::string out;
  int indent;  // spaces a level; 0 for compact text

  void line(int depth) {
    if (indent == 0) return;
    out += '\n';
    out.append(static_cast<size_t>(depth * indent), ' ');
  }

  void dump(const value& document, int depth) {
    switch (document.kind()) {
      case boost::json::kind::string: dump_string(out, document.get_string()); return;
      case boost::json::kind::array: dump(document.get_array(), depth); return;
      case boost::json::kind::object: dump(document.get_object(), depth); return;
      case boost::json::kind::double_: dump(document.get_double()); return;
      default: out += boost::json::serialize(document);
    }
  }

  void dump(double number) {
    // Shortest text that reads back as the same number; whole numbers keep their ".0".
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
    std::string_view text(buffer, static_cast<size_t>(end - buffer));
    if (text.find_first_not_of("-0123456789.e+") != std::string_view::npos) text = "null";
    out += text;
    if (text.find_first_of(".en") == std::string_view::npos) out += ".0";
  }

  void dump(const array& elements, int depth) {
    out += '[';
    bool first = true;
    for (const value& element : elements) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      dump(element, depth + 1);
    }
    if (!first) line(depth);
    out += ']';
  }

  void dump(const object& members, int depth) {
    std::vector<const boost::json::key_value_pair*> sorted;
    sorted.reserve(members.size());
    for (const auto& member : members) sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
      return std::string_view(a->key()) < std::string_view(b->key());
    });
    out += '{';
    bool first = true;
    for (const auto* member : sorted) {
      if (!first) out += ',';
      first = false;
      line(depth + 1);
      dump_string(out, member->key());
      out += indent == 0 ? ":" : ": ";
      dump(member->value(), depth + 1);
    }
    if (!first) line(depth);
    out += '}';
  }
};

/// Escapes of RFC 6901.
std::string pointer_token(std::string_view key) {
  std::string out;
  for (const char c : key) {
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

}  // namespace

Result<value> parse(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = max_depth;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  const size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) {
    const size_t extra = text.find_first_not_of(" \t\r\n", used);
    if (extra != std::string_view::npos) error = boost::json::error::extra_data;
  }
  if (!error) parser.finish(error);
  if (error) {
    return Error{"invalid JSON near byte " + std::to_string(used) + ": " + error.message()};
  }
  return parser.release();
}

std::string dump(const value& document) {
  Dumper dumper{{}, 0};
  dumper.dump(document, 0);
  return std::move(dumper.out);
}

std::string dump_indented(const value& document) {
  Dumper dumper{{}, 2};
  dumper.dump(document, 0);
  return std::move(dumper.out);
}

Error Reader::error(std::string_view reason) const {
  return {"At " + path_ + ": " + std::string(reason)};
}

Result<const object*> Reader::as_object() const {
  if (const object* found = document_->if_object()) return found;
  return error("Expected object, found: " + dump(*document_));
}

Result<const array*> Reader::as_array() const {
  if (const array* found = document_->if_array()) return found;
  return error("Expected array, found: " + dump(*document_));
}

Result<std::string> Reader::as_string() const {
  if (const auto* found = document_->if_string()) return std::string(*found);
  return error("Expected string, found: " + dump(*document_));
}

Result<uint64_t> Reader::as_uint64() const {
  if (const auto* found = document_->if_uint64()) return *found;
  if (const auto* found = document_->if_int64(); found != nullptr && *found >= 0) {
    return static_cast<uint64_t>(*found);
  }
  return error("Expected unsigned integer, found: " + dump(*document_));
}

Result<int64_t> Reader::as_int64() const {
  if (const auto* found = document_->if_int64()) return *found;
  return error("Expected integer, found: " + dump(*document_));
}

Result<bool> Reader::as_bool() const {
  if (const bool* found = document_->if_bool()) return *found;
  return error("Expected boolean, found: " + dump(*document_));
}

bool Reader::has(std::string_view key) const {
  const object* members = document_->if_object();
  return members != nullptr && members->if_contains(key) != nullptr;
}

Result<Reader> Reader::member(std::string_view key) const {
  auto members = as_object();
  if (!members) return members.error();
  const value* found = (*members)->if_contains(key);
  if (found == nullptr) {
    return error("Missing required field '" + std::string(key) + "' in object: " + dump(*document_));
  }
  return Reader(*found, path_ + "/" + pointer_token(key));
}

Reader Reader::element(size_t index) const {
  return Reader(document_->get_array()[index], path_ + "/" + std::to_string(index));
}

}  // namespace entente::json
