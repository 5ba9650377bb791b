#include "net/http_response.h"

#include <algorithm>
#include <charconv>

#include "net/http1_characters.h"

namespace entente::net {
namespace {

/// Fields that describe the connection are the transport's own (RFC 9110 section 7.6.1).
constexpr std::string_view connection_fields[] = {"connection", "keep-alive", "transfer-encoding",
                                                  "upgrade", "content-length"};

bool of_connection(std::string_view name) {
  return std::find(std::begin(connection_fields), std::end(connection_fields), name) !=
         std::end(connection_fields);
}

bool clean_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is(c, character::token) && !(c >= 'A' && c <= 'Z'); });
}

bool has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

void append_text(Bytes& out, std::string_view text) {
  append(out, as_bytes(text));
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
  if (fields_.size() > 1) {
    std::stable_sort(fields_.begin(), fields_.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
  }
}

void write_response(const http::Response& response, bool to_head, ResponseFields& scratch,
                    Bytes& out) {
  scratch.prepare(response, to_head);
  char status[4];
  const int code = response.status >= 100 && response.status <= 999 ? response.status : 500;
  std::to_chars(status, status + 3, code);
  append_text(out, "HTTP/1.1 ");
  append_text(out, {status, 3});
  append_text(out, " ");
  append_text(out, http::reason(code));
  append_text(out, "\r\n");
  for (const http::HeaderView& field : scratch.fields()) {
    append_text(out, field.name);
    append_text(out, ": ");
    append_text(out, field.value);
    append_text(out, "\r\n");
  }
  append_text(out, "\r\n");
  append(out, scratch.body());
}

}  // namespace entente::net
