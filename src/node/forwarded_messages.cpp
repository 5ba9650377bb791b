#include "node/forwarded_messages.h"

#include <algorithm>

#include "base/wire.h"
#include "net/http1_characters.h"

namespace entente::node {
namespace {

// Of the format; a node of another one is not understood.
constexpr uint8_t format = 1;
constexpr uint8_t flag_close = 1;

// --------------------------------------------------------------------------------------- writing

template <typename Headers>
size_t size_of(const Headers& headers) {
  size_t size = 0;
  for (const auto& [name, value] : headers) size += 8 + name.size() + value.size();
  return size;
}

template <typename Headers>
void write_headers(wire::Writer& writer, const Headers& headers) {
  writer.integer(static_cast<uint16_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    writer.text(name);
    writer.text(value);
  }
}

// --------------------------------------------------------------------------------------- reading

size_t read_header_count(wire::Reader& reader) {
  return reader.count<uint16_t>(forwarded_limit::headers, "it has too many headers");
}

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
  Bytes out;
  out.reserve(size);
  wire::Writer writer(out);
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
  return out;
}

Result<ForwardedRequest> decode_forwarded_request(BytesView bytes) {
  wire::Reader reader(bytes);
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
  const size_t headers = read_header_count(reader);
  for (size_t i = 0; i < headers && reader.good(); ++i) {
    const std::string_view name = reader.text();
    request.headers.push_back({name, reader.text()});
  }
  request.body = reader.bytes();
  if (auto ended = reader.end("forwarded request"); !ended) return ended.error();
  split_target(request);
  return out;
}

std::optional<ForwardedRoute> route_of_forwarded_request(BytesView bytes) {
  wire::Reader reader(bytes);
  const auto correlation = reader.integer<uint64_t>();
  const ForwardedRoute route{correlation, reader.integer<uint64_t>()};
  if (!reader.good()) return std::nullopt;
  return route;
}

// ------------------------------------------------------------------------------------- responses

std::optional<Bytes> encode(const ForwardedResponse& forwarded, size_t max_bytes) {
  const http::Response& response = forwarded.response;
  if (response.headers.size() > forwarded_limit::headers) return std::nullopt;
  constexpr size_t fixed = 40;
  const size_t size = fixed + size_of(response.headers) + response.body.size();
  if (size > max_bytes) return std::nullopt;
  Bytes out;
  out.reserve(size);
  wire::Writer writer(out);
  writer.integer(forwarded.correlation);
  writer.integer(format);
  writer.id(forwarded.last_seen);
  writer.integer(static_cast<uint16_t>(response.status));
  writer.integer(response.close ? flag_close : uint8_t{0});
  write_headers(writer, response.headers);
  writer.bytes(response.body);
  return out;
}

Result<ForwardedResponse> decode_forwarded_response(BytesView bytes) {
  wire::Reader reader(bytes);
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
  const size_t headers = read_header_count(reader);
  for (size_t i = 0; i < headers && reader.good(); ++i) {
    const std::string_view name = reader.text();
    const std::string_view value = reader.text();
    if (!reader.good()) break;
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
  wire::Reader reader(bytes);
  const auto correlation = reader.integer<uint64_t>();
  if (!reader.good()) return std::nullopt;
  return correlation;
}

}  // namespace entente::node
