#include "node/forwarded_messages.h"

#include <algorithm>

#include "net/http1_characters.h"

namespace entente::node {
namespace {

// Of the format; a node of another one is not understood.
constexpr uint8_t format = 1;
constexpr uint8_t flag_close = 1;

// --------------------------------------------------------------------------------------- writing

struct Writer {
  Bytes out;

  template <typename Integer>
  void integer(Integer value) {
    for (size_t i = 0; i < sizeof value; ++i) {
      out.push_back(static_cast<uint8_t>(uint64_t{value} >> (8 * i)));
    }
  }
  void id(TxId value) {
    integer(value.view.value);
    integer(value.seqno.value);
  }
  void bytes(BytesView content) {
    integer(static_cast<uint32_t>(content.size()));
    append(out, content);
  }
  void text(std::string_view content) { bytes(as_bytes(content)); }
};

template <typename Headers>
size_t size_of(const Headers& headers) {
  size_t size = 0;
  for (const auto& [name, value] : headers) size += 8 + name.size() + value.size();
  return size;
}

template <typename Headers>
void write_headers(Writer& writer, const Headers& headers) {
  writer.integer(static_cast<uint16_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    writer.text(name);
    writer.text(value);
  }
}

// --------------------------------------------------------------------------------------- reading

// Stops at the first thing that is wrong; what was read after it is meaningless.
struct Reader {
  BytesView rest;
  const char* wrong = nullptr;

  void fail(const char* why) {
    if (wrong == nullptr) wrong = why;
  }
  void expect(bool holds, const char* otherwise) {
    if (!holds) fail(otherwise);
  }
  BytesView take(size_t size) {
    if (wrong != nullptr || rest.size() < size) {
      fail("it ends early");
      return {};
    }
    const BytesView taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  }
  template <typename Integer>
  Integer integer() {
    uint64_t value = 0;
    size_t shift = 0;
    for (const uint8_t byte : take(sizeof(Integer))) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return static_cast<Integer>(value);
  }
  TxId id() {
    const View view{integer<uint64_t>()};
    return {view, SeqNo{integer<uint64_t>()}};
  }
  BytesView bytes() { return take(integer<uint32_t>()); }
  BytesView bytes(size_t limit, const char* otherwise) {
    const auto size = integer<uint32_t>();
    expect(size <= limit, otherwise);
    return take(size);
  }
  std::string_view text() { return as_text(bytes()); }
  size_t header_count() {
    const size_t count = integer<uint16_t>();
    expect(count <= forwarded_limit::headers, "it has too many headers");
    return wrong == nullptr ? count : 0;
  }
  Result<void> end(const char* what) {
    expect(rest.empty(), "something follows it");
    if (wrong == nullptr) return {};
    return Error{std::string(what) + ": " + wrong};
  }
};

/// As the HTTP parser does: the fragment belongs to neither.
void split_target(http::Request& request) {
  const std::string_view visible = request.target.substr(0, request.target.find('#'));
  const size_t question = std::min(visible.find('?'), visible.size());
  request.path = visible.substr(0, question);
  if (question < visible.size()) request.query = visible.substr(question + 1);
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return net::is(c, net::character::token) && net::lower(c) == c;
  });
}
bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return net::is(c, net::character::value); });
}

}  // namespace

// -------------------------------------------------------------------------------------- requests

std::optional<Bytes> encode(const ForwardedRequest& forwarded, size_t max_bytes) {
  const http::Request& request = forwarded.request;
  if (request.headers.size() > forwarded_limit::headers ||
      request.target.size() > forwarded_limit::target ||
      forwarded.interface.size() > forwarded_limit::interface ||
      forwarded.certificate.size() > forwarded_limit::certificate) {
    return std::nullopt;
  }
  constexpr size_t fixed = 64;
  const size_t size = fixed + forwarded.interface.size() + forwarded.certificate.size() +
                      request.target.size() + size_of(request.headers) + request.body.size();
  if (size > max_bytes) return std::nullopt;
  Writer writer;
  writer.out.reserve(size);
  writer.integer(forwarded.correlation);
  writer.integer(forwarded.session);
  writer.integer(format);
  writer.integer(forwarded.pinned_view.value);
  writer.id(forwarded.last_seen);
  writer.text(forwarded.interface);
  writer.bytes(forwarded.certificate);
  writer.integer(static_cast<uint8_t>(request.method));
  writer.text(request.target);
  write_headers(writer, request.headers);
  writer.bytes(request.body);
  return std::move(writer.out);
}

Result<ForwardedRequest> decode_forwarded_request(BytesView bytes) {
  Reader reader{bytes};
  ForwardedRequest out;
  http::Request& request = out.request;
  out.correlation = reader.integer<uint64_t>();
  out.session = reader.integer<uint64_t>();
  reader.expect(reader.integer<uint8_t>() == format, "its format is not known");
  out.pinned_view = View{reader.integer<uint64_t>()};
  out.last_seen = reader.id();
  out.interface = as_text(reader.bytes(forwarded_limit::interface, "a long interface name"));
  out.certificate = reader.bytes(forwarded_limit::certificate, "a long certificate");
  const auto method = reader.integer<uint8_t>();
  reader.expect(method < http::method_count, "its method is not known");
  request.method = static_cast<http::Method>(method);
  request.target = as_text(reader.bytes(forwarded_limit::target, "a long target"));
  const size_t headers = reader.header_count();
  for (size_t i = 0; i < headers && reader.wrong == nullptr; ++i) {
    const std::string_view name = reader.text();
    request.headers.push_back({name, reader.text()});
  }
  request.body = reader.bytes();
  if (auto ended = reader.end("forwarded request"); !ended) return ended.error();
  split_target(request);
  return out;
}

std::optional<ForwardedRoute> route_of_forwarded_request(BytesView bytes) {
  Reader reader{bytes};
  const auto correlation = reader.integer<uint64_t>();
  const ForwardedRoute route{correlation, reader.integer<uint64_t>()};
  if (reader.wrong != nullptr) return std::nullopt;
  return route;
}

// ------------------------------------------------------------------------------------- responses

std::optional<Bytes> encode(const ForwardedResponse& forwarded, size_t max_bytes) {
  const http::Response& response = forwarded.response;
  if (response.headers.size() > forwarded_limit::headers) return std::nullopt;
  constexpr size_t fixed = 40;
  const size_t size = fixed + size_of(response.headers) + response.body.size();
  if (size > max_bytes) return std::nullopt;
  Writer writer;
  writer.out.reserve(size);
  writer.integer(forwarded.correlation);
  writer.integer(format);
  writer.id(forwarded.last_seen);
  writer.integer(static_cast<uint16_t>(response.status));
  writer.integer(response.close ? flag_close : uint8_t{0});
  write_headers(writer, response.headers);
  writer.bytes(response.body);
  return std::move(writer.out);
}

Result<ForwardedResponse> decode_forwarded_response(BytesView bytes) {
  Reader reader{bytes};
  ForwardedResponse out;
  http::Response& response = out.response;
  out.correlation = reader.integer<uint64_t>();
  reader.expect(reader.integer<uint8_t>() == format, "its format is not known");
  out.last_seen = reader.id();
  response.status = reader.integer<uint16_t>();
  reader.expect(response.status >= 200 && response.status <= 599, "its status is no final one");
  const auto flags = reader.integer<uint8_t>();
  reader.expect(flags <= flag_close, "a flag is not known");
  response.close = flags == flag_close;
  const size_t headers = reader.header_count();
  for (size_t i = 0; i < headers && reader.wrong == nullptr; ++i) {
    const std::string_view name = reader.text();
    const std::string_view value = reader.text();
    if (reader.wrong != nullptr) break;
    reader.expect(is_header_name(name), "the name of a header is none");
    reader.expect(is_header_value(value), "the value of a header has control characters");
    response.headers.emplace_back(name, value);
  }
  const BytesView body = reader.bytes();
  if (auto ended = reader.end("forwarded response"); !ended) return ended.error();
  response.body = to_bytes(body);
  return out;
}

std::optional<uint64_t> correlation_of_forwarded_response(BytesView bytes) {
  Reader reader{bytes};
  const auto correlation = reader.integer<uint64_t>();
  if (reader.wrong != nullptr) return std::nullopt;
  return correlation;
}

}  // namespace entente::node
