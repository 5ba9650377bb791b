#pragma once
// What is the same for responses of both protocols. Source: docs/http-api.md (responses).

#include <string>
#include <string_view>
#include <vector>

#include "entente/http.h"

namespace entente::net {

/// The header fields as they are sent: names in lower case and in byte order, `content-length`
/// always there (that of the body, or the handler's own on an answer to HEAD), no field about the
/// connection, no control characters in values. Reused from response to response.
class ResponseFields {
 public:
  /// Views into `response`, valid until it changes or prepare() is called again.
  void prepare(const http::Response& response, bool to_head);
  const std::vector<http::HeaderView>& fields() const { return fields_; }
  /// The body as sent: empty for HEAD and for statuses that have none.
  BytesView body() const { return body_; }

 private:
  void add(std::string_view name, std::string_view value);
  void sort_fields();

  std::vector<http::HeaderView> fields_;
  BytesView body_;
  char length_[24] = {};
  std::vector<std::string> cleaned_;  ///< names and values that had to be changed
};

/// Appends status line, headers and body of an HTTP/1.1 response.
void write_response(const http::Response& response, bool to_head, ResponseFields& scratch,
                    Bytes& out);

}  // namespace entente::net
