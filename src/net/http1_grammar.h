#pragma once
// The inside of the HTTP/1.1 parser: what its states do. Included by its own files only.

#include <array>

#include "net/http1_characters.h"
#include "net/http1_parser.h"
#include "net/limit_messages.h"

namespace entente::net {

/// Without spaces and tabs around it.
std::string_view trim_blanks(std::string_view text);

/// One function per state. Each interprets what it can from at_ on, and says how it went: it needs
/// more bytes, it set another state, the message is complete, or it failed.
struct Http1Parser::Grammar {
  using Function = Step (*)(Http1Parser&, std::string_view);
  static const std::array<Function, static_cast<size_t>(State::count)> functions;

  static Step to(Http1Parser& p, State state);
  static Step expect(Http1Parser& p, std::string_view text, char wanted, State then,
                     const char* name, const char* reason);

  // The request line: http1_request_line.cpp
  static Step start(Http1Parser& p, std::string_view text);
  static Step method(Http1Parser& p, std::string_view text);
  static bool common_method(Http1Parser& p, std::string_view text);
  static Step start_method(Http1Parser& p, std::string_view text);
  static Step bad_target(Http1Parser& p, const char* reason);
  static Step target_start(Http1Parser& p, std::string_view text);
  static Step check_target_size(Http1Parser& p);
  static Step target_schema(Http1Parser& p, std::string_view text);
  static Step target_slash1(Http1Parser& p, std::string_view text);
  static Step target_slash2(Http1Parser& p, std::string_view text);
  static Step target_server(Http1Parser& p, std::string_view text);
  static Step target(Http1Parser& p, std::string_view text);
  static Step target_done(Http1Parser& p);
  static Step target_end(Http1Parser& p, std::string_view text);
  static Step target_lf(Http1Parser& p, std::string_view text);
  static Step protocol(Http1Parser& p, std::string_view text);
  static Step major(Http1Parser& p, std::string_view text);
  static Step dot(Http1Parser& p, std::string_view text);
  static Step minor(Http1Parser& p, std::string_view text);
  static Step version_cr(Http1Parser& p, std::string_view text);
  static Step version_lf(Http1Parser& p, std::string_view text);

  // Headers and trailers: http1_headers.cpp
  static Step header_start(Http1Parser& p, std::string_view text);
  static Step bad_name(Http1Parser& p);
  static Step header_name(Http1Parser& p, std::string_view text);
  static Known known(std::string_view name);
  static Step framing_conflict(Http1Parser& p, size_t colon);
  static std::string_view current_name(const Http1Parser& p);
  static Step value_start(Http1Parser& p, std::string_view text);
  static Step check_value_size(Http1Parser& p);
  static Step bad_value(Http1Parser& p, const char* name, const char* reason);
  static Step end_of_value(Http1Parser& p, std::string_view text);
  static void note_connection(Http1Parser& p, std::string_view list);
  static Step value(Http1Parser& p, std::string_view text);
  static Step value_lf(Http1Parser& p, std::string_view text);
  static Step empty_value_lf(Http1Parser& p, std::string_view text);
  static Step content_length(Http1Parser& p, std::string_view text);
  static Step content_length_end(Http1Parser& p, std::string_view text);
  static Step bad_length(Http1Parser& p);
  static Step coding(Http1Parser& p, std::string_view text);
  static std::string last_coding(const Http1Parser& p, std::string_view text);
  static Step bad_coding(Http1Parser& p);
  static Step headers_lf(Http1Parser& p, std::string_view text);

  // Bodies: http1_body.cpp
  static Step body_limit(Http1Parser& p);
  static Step fixed_body(Http1Parser& p, std::string_view text);
  static Step bad_chunk(Http1Parser& p);
  static Step chunk_start(Http1Parser& p, std::string_view text);
  static Step chunk_size(Http1Parser& p, std::string_view text);
  static Step chunk_cr(Http1Parser& p);
  static Step next_extension(Http1Parser& p, State state);
  static Step chunk_lf(Http1Parser& p, std::string_view text);
  static Step take_extension(Http1Parser& p, size_t end);
  static Step extension_name(Http1Parser& p, std::string_view text);
  static Step extension_value(Http1Parser& p, std::string_view text);
  static Step extension_quoted(Http1Parser& p, std::string_view text);
  static Step extension_escape(Http1Parser& p, std::string_view text);
  static Step extension_end(Http1Parser& p, std::string_view text);
  static Step chunk_data(Http1Parser& p, std::string_view text);
  static Step chunk_data_cr(Http1Parser& p, std::string_view text);
  static Step chunk_data_lf(Http1Parser& p, std::string_view text);
  static Step closed(Http1Parser& p, std::string_view text);
};

}  // namespace entente::net
