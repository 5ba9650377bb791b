#include "net/http2_stream.h"

#include <algorithm>

#include "net/limit_messages.h"

namespace entente::net {

std::optional<std::string> Http2Stream::add_field(std::string_view name, std::string_view value,
                                                  const HttpLimits& limits) {
  if (fields_.size() >= limits.max_headers_count) return too_many_headers(limits);
  if (name.size() > limits.max_header_size) return header_name_too_large(limits, name);
  if (value.size() > limits.max_header_size) return header_value_too_large(limits, name);
  fields_.push_back({text_.size(), name.size(), value.size()});
  text_.append(name).append(value);
  return std::nullopt;
}

bool Http2Stream::build_request(http::Request& request) const {
  request.headers.clear();
  const std::string_view text = text_;
  std::string_view method, target;
  for (const Field& field : fields_) {
    const std::string_view name = text.substr(field.begin, field.name_size);
    const std::string_view value = text.substr(field.begin + field.name_size, field.value_size);
    if (name == ":method") method = value;
    if (name == ":path") target = value;
    request.headers.push_back({name, value});
  }
  const auto known = http::parse_method(method);
  if (!known) return false;
  request.method = *known;
  request.target = target;
  const std::string_view visible = target.substr(0, std::min(target.find('#'), target.size()));
  const size_t question = std::min(visible.find('?'), visible.size());
  request.path = visible.substr(0, question);
  request.query = question < visible.size() ? visible.substr(question + 1) : std::string_view{};
  request.body = body;
  return true;
}

void Http2Stream::release_request() {
  std::string().swap(text_);
  std::vector<Field>().swap(fields_);
  Bytes().swap(body);
}

}  // namespace entente::net
