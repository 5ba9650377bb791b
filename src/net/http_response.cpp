#include "net/http_response.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "net/http1_characters.h"

namespace entente::net {
namespace {

/// Fields that describe the connection are the transport's own (RFC 9110 section 7.6.1).
constexpr std::string_view connection_fields[] = {"connection", "keep-alive", "transfer-encoding",
                                                  "upgrade", "content-length"};

bool of_connection(std::string_view name) {
  // Most names differ in the first letter already.
  switch (name.front()) {
    case 'c':
    case 'k':
    case 't':
    case 'u':
      return std::find(std::begin(connection_fields), std::end(connection_fields), name) !=
             std::end(connection_fields);
    default:
      return false;
  }
}

bool clean_name(std::string_view name) {
  for (const char c : name) {
    if (!is(c, character::token) || (c >= 'A' && c <= 'Z')) return false;
  }
  return !name.empty();
}

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void ResponseFields::add(std::string_view name, std::string_view value) {
  if (!clean_name(name)) {
    std::string cleaned;
    for (const char c : name) {
      if (is(c, character::token)) cleaned.push_back(lower(c));
    }
    name = cleaned_.emplace_back(std::move(cleaned));
  }
  if (name.empty() || of_connection(name)) return;
  if (skip_value(value, 0) != value.size()) {
    // A line end in a value would let whoever chose it write headers and answers of their own.
    std::string cleaned(value);
    for (char& c : cleaned) {
      if (!is(c, character::value)) c = ' ';
    }
    value = cleaned_.emplace_back(std::move(cleaned));
  }
  fields_.push_back({name, value});
}

void ResponseFields::prepare(const http::Response& response, bool to_head) {
  fields_.clear();
  cleaned_.clear();
  cleaned_.reserve(2 * response.headers.size());  // views into it must stay valid
  body_ = !to_head && has_body(response.status) ? BytesView(response.body) : BytesView{};
  std::string_view own_length;
  for (const auto& [name, value] : response.headers) {
    if (to_head && name == "content-length") own_length = value;
    add(name, value);
  }
  if (own_length.empty() || skip_value(own_length, 0) != own_length.size()) {
    const size_t size = has_body(response.status) ? response.body.size() : 0;
    const auto end = std::to_chars(length_, length_ + sizeof length_, size).ptr;
    own_length = {length_, static_cast<size_t>(end - length_)};
  }
  fields_.push_back({"content-length", own_length});
  sort_fields();
}

/// By insertion: there are few, it keeps the order of equal names and needs no memory.
void ResponseFields::sort_fields() {
  for (size_t i = 1; i < fields_.size(); ++i) {
    const http::HeaderView field = fields_[i];
    size_t to = i;
    for (; to > 0 && field.name < fields_[to - 1].name; --to) fields_[to] = fields_[to - 1];
    fields_[to] = field;
  }
}

void write_response(const http::Response& response, bool to_head, ResponseFields& scratch,
                    Bytes& out) {
  static constexpr std::string_view protocol = "HTTP/1.1 ";
  scratch.prepare(response, to_head);
  const int code = response.status >= 100 && response.status <= 999 ? response.status : 500;
  const std::string_view reason = http::reason(code);
  size_t size = protocol.size() + 4 + reason.size() + 4 + scratch.body().size();
  for (const http::HeaderView& field : scratch.fields()) {
    size += field.name.size() + field.value.size() + 4;
  }
  // Room is made once, then everything is copied behind one another.
  const size_t begin = out.size();
  out.resize(begin + size);
  uint8_t* to = out.data() + begin;
  const auto put = [&to](std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    to += text.size();
  };
  put(protocol);
  std::to_chars(reinterpret_cast<char*>(to), reinterpret_cast<char*>(to) + 3, code);
  to[3] = ' ';
  to += 4;
  put(reason);
  put("\r\n");
  for (const http::HeaderView& field : scratch.fields()) {
    put(field.name);
    put(": ");
    put(field.value);
    put("\r\n");
  }
  put("\r\n");
  if (!scratch.body().empty()) put(as_text(scratch.body()));
  ENTENTE_ASSERT(to == out.data() + out.size());
}

}  // namespace entente::net
