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
  const char* name = "";  ///< `HPE_INVALID_METHOD` …; only for parsing errors
  std::string reason;     ///< of a parsing error, or the whole message of a limit
  size_t position = 0;    ///< of the offending byte, from the start of the message
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
  /// Length of the message, trailers included; between messages the bytes that belong to none.
  size_t consumed() const { return at_; }
  /// True while part of a message was seen. Between messages consumed() bytes (blank lines) may be
  /// dropped, with next(), so that they need no memory.
  bool within_message() const { return state_ != State::start && state_ != State::closed; }
  /// Ready for the message that starts behind the consumed bytes.
  void next();

  const Http1Error& error() const { return error_; }

 private:
  enum class State : uint8_t {
    start,
    method,
    target_start,
    target_schema,
    target_slash1,
    target_slash2,
    target_server,
    target,
    target_end,
    target_lf,
    protocol,
    major,
    dot,
    minor,
    version_cr,
    version_lf,
    header_start,
    header_name,
    value_start,
    value,
    value_lf,
    empty_value_lf,
    content_length,
    content_length_end,
    coding,
    headers_lf,
    fixed_body,
    chunk_start,
    chunk_size,
    chunk_lf,
    extension_name,
    extension_value,
    extension_quoted,
    extension_escape,
    extension_end,
    chunk_data,
    chunk_data_cr,
    chunk_data_lf,
    closed,
    count
  };
  enum class Step : uint8_t { more, advanced, done, failed };
  struct Field {
    size_t name_begin = 0, name_size = 0;    ///< in names_
    size_t value_begin = 0, value_size = 0;  ///< in the message
  };
  /// Headers that the framing of messages depends on.
  enum class Known : uint8_t { other, content_length, transfer_encoding, connection };
  struct Grammar;  ///< the function of each state

  Step fail(const char* name, const char* reason, size_t position);
  Step fail_limit(Http1Error::Kind kind, std::string message, size_t position);
  void build_request(std::string_view text);

  const HttpLimits* limits_;
  State state_ = State::start;
  size_t at_ = 0;     ///< first byte not yet interpreted
  size_t begin_ = 0;  ///< of the method, target, name or value that is being read

  http::Method method_ = http::Method::get;
  uint8_t major_ = 0, minor_ = 9;
  size_t target_begin_ = 0, target_size_ = 0;
  bool server_at_seen_ = false;  ///< an @ in the authority
  Known known_ = Known::other;   ///< the header that is being read
  bool after_value_ = false;     ///< a header value stands before this line

  std::string names_;  ///< header names in lower case, one after the other
  std::vector<Field> fields_;
  size_t trailers_ = 0;  ///< counted as headers, not delivered
  bool within_trailers_ = false;
  bool content_length_seen_ = false, coding_seen_ = false, chunked_ = false, coding_named_ = false;
  bool close_ = false, keep_alive_ = false;  ///< tokens of `connection`
  uint64_t length_ = 0;                      ///< of the body, or what is left of the chunk
  uint64_t framing_ = 0;                     ///< bytes of a chunked body that are not its content
  Bytes chunks_;                             ///< a chunked body, put together
  size_t body_begin_ = 0;

  http::Request request_;
  Http1Error error_;
};

}  // namespace entente::net
