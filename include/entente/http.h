#pragma once
// The HTTP vocabulary that transports, endpoints and applications share. Requests are views into
// the transport's read buffer: they live until the handler returns (a handler that answers later
// must copy what it needs). Sources: RFC 9110, docs/http-api.md.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entente/bytes.h"

namespace entente::http {

/// In the order in which `allow` lists them (that of the llhttp method table).
enum class Method : uint8_t {
  del, get, head, post, put, connect, options, trace, copy, lock, mkcol, move, propfind, proppatch,
  search, unlock, bind, rebind, unbind, acl, report, mkactivity, checkout, merge, msearch, notify,
  subscribe, unsubscribe, patch, purge, mkcalendar, link, unlink, source, query
};
inline constexpr size_t method_count = static_cast<size_t>(Method::query) + 1;

std::string_view to_text(Method method);  ///< `GET`, `DELETE`, `M-SEARCH` …
std::optional<Method> parse_method(std::string_view token);  ///< case-sensitive

/// The standard reason phrase (RFC 9110), or "" for an unassigned code.
std::string_view reason(int status);

namespace status {
inline constexpr int ok = 200, accepted = 202, no_content = 204, partial_content = 206,
                     not_modified = 304, temporary_redirect = 307, permanent_redirect = 308,
                     bad_request = 400, unauthorized = 401, forbidden = 403, not_found = 404,
                     method_not_allowed = 405, not_acceptable = 406, precondition_failed = 412,
                     payload_too_large = 413, unsupported_media_type = 415,
                     request_header_fields_too_large = 431, internal_server_error = 500,
                     not_implemented = 501, service_unavailable = 503, gateway_timeout = 504;
}

struct HeaderView {
  std::string_view name;  ///< lower case
  std::string_view value;
};

struct Request {
  Method method = Method::get;
  std::string_view target;  ///< as received: path, `?` and query
  std::string_view path;    ///< before `?`, not percent-decoded
  std::string_view query;   ///< between `?` and `#`, not percent-decoded
  std::vector<HeaderView> headers;  ///< on duplicates the first value counts
  BytesView body;

  /// First value of a header; `name` in lower case.
  std::optional<std::string_view> header(std::string_view name) const {
    for (const HeaderView& header : headers) {
      if (header.name == name) return header.value;
    }
    return std::nullopt;
  }
};

struct Response {
  int status = status::ok;
  std::vector<std::pair<std::string, std::string>> headers;  ///< lower-case names, any order
  Bytes body;
  /// The transport flushes this answer and then closes the connection.
  bool close = false;

  void set_header(std::string_view name, std::string_view value) {
    for (auto& [known, old] : headers) {
      if (known == name) {
        old.assign(value);
        return;
      }
    }
    headers.emplace_back(name, value);
  }
  const std::string* header(std::string_view name) const {
    for (const auto& [known, value] : headers) {
      if (known == name) return &value;
    }
    return nullptr;
  }
  void set_body(std::string_view text, std::string_view content_type) {
    body.assign(text.begin(), text.end());
    set_header("content-type", content_type);
  }
  void set_body(Bytes bytes, std::string_view content_type) {
    body = std::move(bytes);
    set_header("content-type", content_type);
  }
  /// Ready for the next request; keeps the memory.
  void reset() {
    status = status::ok;
    headers.clear();
    body.clear();
    close = false;
  }
};

}  // namespace entente::http
