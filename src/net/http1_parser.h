#pragma once
// Incremental HTTP/1.x request parser: a state machine over character classes.
//
// Why not Boost.Beast's: the interface (docs/http-api.md, "Accepting requests") requires that an
// error is raised at the offending byte, before the line or the headers are complete, with its
// name and position. Beast's parser waits for the end of the line, and of all headers, first.
// Grammar: RFC 9112, as strict as llhttp's default mode, whose error names are the interface.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "entente/bytes.h"
#include "entente/http.h"
#include "net/interface.h"

namespace entente::net {

/// Why a request was refused. `kind` says which counter and which answer.
struct Http1Error {
  enum class Kind { parsing, body_too_large, header_too_large };
  Kind kind = Kind::parsing;
  const char* name = "";    ///< `HPE_INVALID_METHOD` …; only for parsing errors
  std::string reason;       ///< of a parsing error, or the whole message of a limit
  size_t position = 0;      ///< of the offending byte, from the start of the message
};

/// Parses one message after the other. Not thread-safe.
///
/// The caller keeps the bytes: `parse(message)` is handed everything received since the first
/// byte of the current message, so the part that it has seen is the same at each call, at
/// whatever address. Bytes are not modified. Memory held: names and chunked bodies, within limits.
class Http1Parser {
 public:
  enum class Outcome { need_more, request, failed };

  /// `limits` must outlive the parser.
  explicit Http1Parser(const HttpLimits& limits) : limits_(&limits) {}

  /// After `request`: request() and consumed() are valid; call next() before the next parse().
  /// After `failed`: error() is valid and the connection must end.
  Outcome parse(BytesView message);

  /// Views into the last `message` and into the parser; valid until either changes.
  const http::Request& request() const { return request_; }
  /// Length of the message, trailers included.
  size_t consumed() const { return at_; }
  /// True while part of a message was seen.
  bool within_message() const { return state_ != State::start && state_ != State::closed; }
  /// Ready for the message that starts behind the consumed bytes.
  void next();

  const Http1Error& error() const { return error_; }

 private:
  enum class State : uint8_t;
  enum class Step : uint8_t { more, advanced, done, failed };
  struct Field {
    size_t name_begin = 0, name_size = 0;  ///< in names_
    size_t value_begin = 0, value_size = 0;  ///< in the message
  };

  Step step(std::string_view text);
  Step start(std::string_view text);
  Step method(std::string_view text);
  Step target(std::string_view text);
  Step protocol(std::string_view text);
  Step version(std::string_view text);
  Step header_start(std::string_view text);
  Step header_name(std::string_view text);
  Step value_start(std::string_view text);
  Step header_value(std::string_view text);
  Step content_length(std::string_view text);
  Step transfer_encoding(std::string_view text);
  Step line_end(std::string_view text);
  Step headers_done();
  Step fixed_body(std::string_view text);
  Step chunk_size(std::string_view text);
  Step chunk_extension(std::string_view text);
  Step chunk_data(std::string_view text);
  Step closed(std::string_view text);

  Step fail(const char* name, const char* reason, size_t position);
  Step fail_limit(Http1Error::Kind kind, std::string message, size_t position);
  Step end_header_value(size_t end);
  Step body_limit_exceeded(size_t position);
  void build_request(std::string_view text);

  const HttpLimits* limits_;
  State state_{};
  size_t at_ = 0;  ///< first byte not yet interpreted

  http::Request request_;
  std::string names_;          ///< header names in lower case, one after the other
  std::vector<Field> fields_;
  Bytes chunks_;               ///< a chunked body, put together
  Http1Error error_;
};

}  // namespace entente::net
