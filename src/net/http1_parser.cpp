#include "net/http1_parser.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "net/http1_characters.h"
#include "net/limit_messages.h"

namespace entente::net {
namespace {

using Kind = Http1Error::Kind;

struct MethodPrefix {
  bool possible = false;                 ///< some method starts with it
  std::optional<http::Method> complete;  ///< it is one
};

MethodPrefix match_method(std::string_view prefix) {
  MethodPrefix match;
  for (size_t i = 0; i < http::method_count; ++i) {
    const std::string_view name = http::to_text(static_cast<http::Method>(i));
    if (!name.starts_with(prefix)) continue;
    match.possible = true;
    if (name.size() == prefix.size()) match.complete = static_cast<http::Method>(i);
  }
  return match;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

constexpr bool known_version(int major, int minor) {
  return (major == 1 && minor <= 1) || (major == 0 && minor == 9) || (major == 2 && minor == 0);
}

/// What a chunked body may cost beyond its content: sizes, extensions and line ends of chunks.
uint64_t max_framing(const HttpLimits& limits) {
  return limits.max_body_size + (64u << 10);
}

}  // namespace

Http1Parser::Step Http1Parser::fail(const char* name, const char* reason, size_t position) {
  error_ = {Kind::parsing, name, reason, position};
  return Step::failed;
}

Http1Parser::Step Http1Parser::fail_limit(Kind kind, std::string message, size_t position) {
  error_ = {kind, "", std::move(message), position};
  return Step::failed;
}

/// One function per state. Each interprets what it can from at_ on, and says how it went: it needs
/// more bytes, it set another state, the message is complete, or it failed.
struct Http1Parser::Grammar {
  using Function = Step (*)(Http1Parser&, std::string_view);
  static const std::array<Function, static_cast<size_t>(State::count)> functions;

  static Step to(Http1Parser& p, State state) {
    p.state_ = state;
    return Step::advanced;
  }

  /// A state that accepts one certain byte.
  static Step expect(Http1Parser& p, std::string_view text, char wanted, State then,
                     const char* name, const char* reason) {
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] != wanted) return p.fail(name, reason, p.at_);
    ++p.at_;
    return to(p, then);
  }

  // --- request line -------------------------------------------------------------------------

  static Step start(Http1Parser& p, std::string_view text) {
    while (p.at_ < text.size() && (text[p.at_] == '\r' || text[p.at_] == '\n')) ++p.at_;
    if (p.at_ == text.size()) return Step::more;
    p.begin_ = p.at_;
    return to(p, State::method);
  }

  static Step method(Http1Parser& p, std::string_view text) {
    for (; p.at_ < text.size(); ++p.at_) {
      const std::string_view before = text.substr(p.begin_, p.at_ - p.begin_);
      if (text[p.at_] == ' ' && !before.empty()) {
        const auto known = match_method(before).complete;
        if (known) {
          p.method_ = *known;
          ++p.at_;
          return to(p, State::target_start);
        }
      } else if (match_method(text.substr(p.begin_, p.at_ + 1 - p.begin_)).possible) {
        continue;
      }
      const bool whole = match_method(before).complete.has_value();
      return p.fail("HPE_INVALID_METHOD",
                    whole ? "Expected space after method" : "Invalid method encountered", p.at_);
    }
    return Step::more;
  }

  /// The methods that nearly every request has, when all their bytes are there.
  static bool common_method(Http1Parser& p, std::string_view text) {
    static constexpr std::pair<std::string_view, http::Method> common[] = {
        {"GET ", http::Method::get}, {"POST ", http::Method::post}, {"PUT ", http::Method::put}};
    for (const auto& [name, method] : common) {
      if (text.substr(p.begin_).starts_with(name)) {
        p.method_ = method;
        p.at_ = p.begin_ + name.size();
        return true;
      }
    }
    return false;
  }

  static Step start_method(Http1Parser& p, std::string_view text) {
    if (p.at_ == p.begin_ && common_method(p, text)) return to(p, State::target_start);
    return method(p, text);
  }

  static Step bad_target(Http1Parser& p, const char* reason) {
    return p.fail("HPE_INVALID_URL", reason, p.at_);
  }

  static Step target_start(Http1Parser& p, std::string_view text) {
    while (p.at_ < text.size() && text[p.at_] == ' ') ++p.at_;
    if (p.at_ - p.begin_ > p.limits_->max_target_size + 64) {
      return p.fail_limit(Kind::header_too_large, target_too_large(*p.limits_), p.at_);
    }
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    p.begin_ = p.at_;
    if (p.method_ == http::Method::connect && c != '/') return to(p, State::target_server);
    if (c == '/' || c == '*') {
      ++p.at_;
      return to(p, State::target);
    }
    if (is(c, character::alpha)) return to(p, State::target_schema);
    return bad_target(p, c == '\t' || c == '\r' || c == '\n' || c == '\f'
                             ? "Invalid characters in url"
                             : "Unexpected start char in url");
  }

  static Step check_target_size(Http1Parser& p) {
    if (p.at_ - p.begin_ <= p.limits_->max_target_size) return Step::more;
    return p.fail_limit(Kind::header_too_large, target_too_large(*p.limits_), p.at_);
  }

  static Step target_schema(Http1Parser& p, std::string_view text) {
    p.at_ = skip(text, p.at_, character::alpha);
    if (check_target_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] != ':') return bad_target(p, "Unexpected char in url schema");
    ++p.at_;
    return to(p, State::target_slash1);
  }
  static Step target_slash1(Http1Parser& p, std::string_view text) {
    return expect(p, text, '/', State::target_slash2, "HPE_INVALID_URL",
                  "Unexpected char in url schema");
  }
  static Step target_slash2(Http1Parser& p, std::string_view text) {
    return expect(p, text, '/', State::target_server, "HPE_INVALID_URL",
                  "Unexpected char in url schema");
  }

  static Step target_server(Http1Parser& p, std::string_view text) {
    for (; p.at_ < text.size() && is(text[p.at_], character::server); ++p.at_) {
      if (text[p.at_] != '@') continue;
      if (p.server_at_seen_) return bad_target(p, "Double @ in url");
      p.server_at_seen_ = true;
    }
    if (check_target_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c == '/' || c == '?') return to(p, State::target);
    if (c == ' ' || c == '\r') return target_done(p);
    return bad_target(p, "Unexpected char in url server");
  }

  static Step target(Http1Parser& p, std::string_view text) {
    p.at_ = skip_target(text, p.at_);
    if (check_target_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c == ' ' || c == '\r') return target_done(p);
    if (c == '\n') return bad_target(p, "Expected CRLF");
    const std::string_view seen = text.substr(p.begin_, p.at_ - p.begin_);
    const size_t question = seen.find('?'), hash = seen.find('#');
    return bad_target(p, hash != seen.npos       ? "Invalid char in url fragment start"
                         : question != seen.npos ? "Invalid char in url query"
                                                 : "Invalid char in url path");
  }

  static Step target_done(Http1Parser& p) {
    p.target_begin_ = p.begin_;
    p.target_size_ = p.at_ - p.begin_;
    return to(p, State::target_end);
  }

  /// Behind the target: spaces and the protocol, or the end of the line (then it is HTTP/0.9).
  static Step target_end(Http1Parser& p, std::string_view text) {
    if (p.at_ == p.target_begin_ + p.target_size_ && text[p.at_] == '\r') {
      ++p.at_;
      return to(p, State::target_lf);
    }
    while (p.at_ < text.size() && text[p.at_] == ' ') ++p.at_;
    if (p.at_ - p.begin_ > p.limits_->max_target_size + 64) {
      return p.fail_limit(Kind::header_too_large, target_too_large(*p.limits_), p.at_);
    }
    if (p.at_ == text.size()) return Step::more;
    p.begin_ = p.at_;
    return to(p, State::protocol);
  }
  static Step target_lf(Http1Parser& p, std::string_view text) {
    return expect(p, text, '\n', State::header_start, "HPE_INVALID_URL", "Expected CRLF");
  }

  static Step protocol(Http1Parser& p, std::string_view text) {
    static constexpr std::string_view name = "HTTP/";
    for (; p.at_ < text.size(); ++p.at_) {
      const size_t index = p.at_ - p.begin_;
      if (index == name.size()) return to(p, State::major);
      if (text[p.at_] != name[index]) {
        return p.fail("HPE_INVALID_CONSTANT", "Expected HTTP/", p.at_);
      }
    }
    return Step::more;
  }

  static Step major(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c < '0' || c > '9') return p.fail("HPE_INVALID_VERSION", "Invalid major version", p.at_);
    p.major_ = static_cast<uint8_t>(c - '0');
    ++p.at_;
    return to(p, State::dot);
  }
  static Step dot(Http1Parser& p, std::string_view text) {
    return expect(p, text, '.', State::minor, "HPE_INVALID_VERSION", "Expected dot");
  }
  static Step minor(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c < '0' || c > '9') return p.fail("HPE_INVALID_VERSION", "Invalid minor version", p.at_);
    p.minor_ = static_cast<uint8_t>(c - '0');
    if (!known_version(p.major_, p.minor_)) {
      return p.fail("HPE_INVALID_VERSION", "Invalid HTTP version", p.at_);
    }
    ++p.at_;
    return to(p, State::version_cr);
  }
  static Step version_cr(Http1Parser& p, std::string_view text) {
    return expect(p, text, '\r', State::version_lf, "HPE_INVALID_VERSION",
                  "Expected CRLF after version");
  }
  static Step version_lf(Http1Parser& p, std::string_view text) {
    return expect(p, text, '\n', State::header_start, "HPE_STRICT", "Expected CRLF after version");
  }

  // --- headers and trailers -----------------------------------------------------------------

  static Step header_start(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c == '\r') {
      ++p.at_;
      return to(p, State::headers_lf);
    }
    if (c == '\n') {
      return p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header field char", p.at_);
    }
    if (c == ' ' || c == '\t') {
      return p.after_value_
                 ? p.fail("HPE_INVALID_HEADER_TOKEN", "Unexpected whitespace after header value",
                          p.at_)
                 : p.fail("HPE_UNEXPECTED_SPACE", "Unexpected space after start line", p.at_);
    }
    if (!is(c, character::token)) return bad_name(p);
    if (p.fields_.size() + p.trailers_ >= p.limits_->max_headers_count) {
      return p.fail_limit(Kind::header_too_large, too_many_headers(*p.limits_), p.at_);
    }
    p.begin_ = p.at_;
    return to(p, State::header_name);
  }

  static Step bad_name(Http1Parser& p) {
    return p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header token", p.at_);
  }

  static Step header_name(Http1Parser& p, std::string_view text) {
    p.at_ = skip(text, p.at_, character::token);
    const std::string_view name = text.substr(p.begin_, p.at_ - p.begin_);
    if (name.size() > p.limits_->max_header_size) {
      return p.fail_limit(Kind::header_too_large, header_name_too_large(*p.limits_, name), p.at_);
    }
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] != ':') return bad_name(p);
    const size_t colon = p.at_++;
    if (p.within_trailers_) {
      ++p.trailers_;
      p.known_ = Known::other;
      return to(p, State::value_start);
    }
    const size_t stored = p.names_.size();
    p.names_.resize(stored + name.size());
    copy_lower(p.names_.data() + stored, name);
    p.fields_.push_back({stored, name.size(), 0, 0});
    p.known_ = known(std::string_view(p.names_).substr(stored));
    return framing_conflict(p, colon);
  }

  static Known known(std::string_view name) {
    switch (name.size()) {
      case 10:
        return name == "connection" ? Known::connection : Known::other;
      case 14:
        return name == "content-length" ? Known::content_length : Known::other;
      case 17:
        return name == "transfer-encoding" ? Known::transfer_encoding : Known::other;
      default:
        return Known::other;
    }
  }

  /// A message whose length is told twice is refused: two parsers could disagree on its end.
  static Step framing_conflict(Http1Parser& p, size_t colon) {
    if (p.known_ == Known::content_length && p.coding_seen_) {
      return p.fail("HPE_INVALID_CONTENT_LENGTH",
                    "Content-Length can't be present with Transfer-Encoding", colon);
    }
    if (p.known_ == Known::transfer_encoding) {
      if (p.content_length_seen_) {
        return p.fail("HPE_INVALID_TRANSFER_ENCODING",
                      "Transfer-Encoding can't be present with Content-Length", colon);
      }
      p.coding_seen_ = true;
    }
    return to(p, State::value_start);
  }

  static std::string_view current_name(const Http1Parser& p) {
    if (p.within_trailers_) return {};
    const Field& field = p.fields_.back();
    return std::string_view(p.names_).substr(field.name_begin, field.name_size);
  }

  static Step value_start(Http1Parser& p, std::string_view text) {
    while (p.at_ < text.size() && (text[p.at_] == ' ' || text[p.at_] == '\t')) ++p.at_;
    // Blanks before a value are not part of it, but they are not for free either.
    if (p.at_ - p.begin_ > 2 * p.limits_->max_header_size + 64) {
      return p.fail_limit(Kind::header_too_large,
                          header_value_too_large(*p.limits_, current_name(p)), p.at_);
    }
    if (p.at_ == text.size()) return Step::more;
    p.begin_ = p.at_;
    if (text[p.at_] == '\r') {
      if (p.known_ == Known::content_length) {
        return p.fail("HPE_INVALID_CONTENT_LENGTH", "Empty Content-Length", p.at_);
      }
      ++p.at_;
      return to(p, State::empty_value_lf);
    }
    if (p.known_ == Known::content_length) {
      if (p.content_length_seen_) {
        return p.fail("HPE_UNEXPECTED_CONTENT_LENGTH", "Duplicate Content-Length", p.at_);
      }
      p.content_length_seen_ = true;
      p.length_ = 0;
      return to(p, State::content_length);
    }
    if (p.known_ == Known::transfer_encoding) {
      if (p.chunked_) return bad_coding(p);
      p.coding_named_ = true;
      return to(p, State::coding);
    }
    return to(p, State::value);
  }

  static Step check_value_size(Http1Parser& p) {
    if (p.at_ - p.begin_ <= p.limits_->max_header_size) return Step::more;
    return p.fail_limit(Kind::header_too_large, header_value_too_large(*p.limits_, current_name(p)),
                        p.at_);
  }

  static Step end_of_value(Http1Parser& p, std::string_view text) {
    if (text[p.at_] == '\n') {
      return p.at_ == p.begin_
                 ? p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header value char", p.at_)
                 : p.fail("HPE_CR_EXPECTED", "Missing expected CR after header value", p.at_);
    }
    if (text[p.at_] != '\r') {
      return p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header value char", p.at_);
    }
    if (!p.within_trailers_) {
      const std::string_view value = trim(text.substr(p.begin_, p.at_ - p.begin_));
      p.fields_.back().value_begin = p.begin_;
      p.fields_.back().value_size = value.size();
      if (p.known_ == Known::connection) note_connection(p, value);
    }
    ++p.at_;
    return to(p, State::value_lf);
  }

  static void note_connection(Http1Parser& p, std::string_view list) {
    while (!list.empty()) {
      const size_t comma = std::min(list.find(','), list.size());
      const std::string_view option = trim(list.substr(0, comma));
      if (equals_ignoring_case(option, "close")) p.close_ = true;
      if (equals_ignoring_case(option, "keep-alive")) p.keep_alive_ = true;
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }

  static Step value(Http1Parser& p, std::string_view text) {
    p.at_ = skip_value(text, p.at_);
    if (check_value_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    return end_of_value(p, text);
  }
  static Step value_lf(Http1Parser& p, std::string_view text) {
    p.after_value_ = true;
    return expect(p, text, '\n', State::header_start, "HPE_LF_EXPECTED",
                  "Missing expected LF after header value");
  }
  static Step empty_value_lf(Http1Parser& p, std::string_view text) {
    p.after_value_ = true;
    return expect(p, text, '\n', State::header_start, "HPE_STRICT", "Expected LF after CR");
  }

  static Step content_length(Http1Parser& p, std::string_view text) {
    for (; p.at_ < text.size(); ++p.at_) {
      const char c = text[p.at_];
      if (c < '0' || c > '9') break;
      const uint64_t digit = static_cast<uint64_t>(c - '0');
      if (p.length_ > (UINT64_MAX - digit) / 10) {
        return p.fail("HPE_INVALID_CONTENT_LENGTH", "Content-Length overflow", p.at_);
      }
      p.length_ = p.length_ * 10 + digit;
    }
    if (check_value_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    if (p.at_ == p.begin_) return bad_length(p);
    return to(p, State::content_length_end);
  }
  static Step content_length_end(Http1Parser& p, std::string_view text) {
    while (p.at_ < text.size() && text[p.at_] == ' ') ++p.at_;
    if (check_value_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] != '\r' && text[p.at_] != '\n') return bad_length(p);
    return end_of_value(p, text);
  }
  static Step bad_length(Http1Parser& p) {
    return p.fail("HPE_INVALID_CONTENT_LENGTH", "Invalid character in Content-Length", p.at_);
  }

  /// `transfer-encoding`: `chunked` must be the last coding, over all such headers.
  static Step coding(Http1Parser& p, std::string_view text) {
    for (; p.at_ < text.size() && is(text[p.at_], character::value); ++p.at_) {
      if (text[p.at_] == ',' && last_coding(p, text) == "chunked") return bad_coding(p);
    }
    if (check_value_size(p) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    p.chunked_ = last_coding(p, text) == "chunked";
    return end_of_value(p, text);
  }
  static std::string last_coding(const Http1Parser& p, std::string_view text) {
    std::string_view value = text.substr(p.begin_, p.at_ - p.begin_);
    const size_t comma = value.rfind(',');
    if (comma != value.npos) value.remove_prefix(comma + 1);
    value = trim(value);
    std::string name(value.substr(0, 16));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    return name;
  }
  static Step bad_coding(Http1Parser& p) {
    return p.fail("HPE_INVALID_TRANSFER_ENCODING", "Invalid `Transfer-Encoding` header value",
                  p.at_);
  }

  static Step headers_lf(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] != '\n') {
      return p.fail("HPE_STRICT", "Expected LF after headers", p.at_);
    }
    ++p.at_;
    if (p.within_trailers_) return Step::done;
    if (p.coding_named_ && !p.chunked_) {
      return p.fail("HPE_INVALID_TRANSFER_ENCODING", "Request has invalid `Transfer-Encoding`",
                    p.at_ - 1);
    }
    p.body_begin_ = p.at_;
    if (p.chunked_) return to(p, State::chunk_start);
    if (!p.content_length_seen_ || p.length_ == 0) return Step::done;
    if (p.length_ > p.limits_->max_body_size) return body_limit(p);
    return to(p, State::fixed_body);
  }

  // --- bodies -------------------------------------------------------------------------------

  static Step body_limit(Http1Parser& p) {
    return p.fail_limit(Kind::body_too_large, body_too_large(*p.limits_), p.at_);
  }

  static Step fixed_body(Http1Parser& p, std::string_view text) {
    if (text.size() - p.body_begin_ < p.length_) return Step::more;
    p.at_ = p.body_begin_ + p.length_;
    return Step::done;
  }

  static Step bad_chunk(Http1Parser& p) {
    return p.fail("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size", p.at_);
  }

  static Step chunk_start(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    if (hex_digit(text[p.at_]) < 0) return bad_chunk(p);
    p.length_ = 0;
    return to(p, State::chunk_size);
  }

  static Step chunk_size(Http1Parser& p, std::string_view text) {
    for (; p.at_ < text.size(); ++p.at_) {
      const int digit = hex_digit(text[p.at_]);
      if (digit < 0) break;
      if (p.length_ > UINT64_MAX >> 4) {
        return p.fail("HPE_INVALID_CHUNK_SIZE", "Chunk size overflow", p.at_);
      }
      p.length_ = p.length_ << 4 | static_cast<uint64_t>(digit);
      if (p.length_ > p.limits_->max_body_size - p.chunks_.size()) return body_limit(p);
      if (++p.framing_ > max_framing(*p.limits_)) return body_limit(p);
    }
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c != '\r' && c != ';') {
      return c == '\n' ? p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk size", p.at_)
                       : bad_chunk(p);
    }
    return c == ';' ? next_extension(p, State::extension_name) : chunk_cr(p);
  }

  static Step chunk_cr(Http1Parser& p) {
    ++p.at_;
    p.framing_ += 4;
    return to(p, State::chunk_lf);
  }
  static Step next_extension(Http1Parser& p, State state) {
    ++p.at_;
    p.begin_ = p.at_;
    if (++p.framing_ > max_framing(*p.limits_)) return body_limit(p);
    return to(p, state);
  }

  static Step chunk_lf(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] != '\n') {
      return p.fail("HPE_STRICT", "Expected LF after chunk size", p.at_);
    }
    ++p.at_;
    if (p.length_ != 0) return to(p, State::chunk_data);
    p.within_trailers_ = true;
    p.after_value_ = false;
    return to(p, State::header_start);
  }

  /// The bytes of an extension count against the limit on framing as they come.
  static Step take_extension(Http1Parser& p, size_t end) {
    p.framing_ += end - p.at_;
    p.at_ = end;
    return p.framing_ > max_framing(*p.limits_) ? body_limit(p) : Step::more;
  }

  static Step extension_name(Http1Parser& p, std::string_view text) {
    if (take_extension(p, skip(text, p.at_, character::token)) == Step::failed) {
      return Step::failed;
    }
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c == '=') return next_extension(p, State::extension_value);
    if (c == ';') return next_extension(p, State::extension_name);
    if (c == '\r' && p.at_ != p.begin_) return chunk_cr(p);
    if (c == '\n') {
      return p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk extension name", p.at_);
    }
    return p.fail("HPE_STRICT",
                  p.at_ == p.begin_ && (c == ' ' || c == '\r')
                      ? "Invalid character in chunk extensions"
                      : "Invalid character in chunk extensions name",
                  p.at_);
  }

  static Step extension_value(Http1Parser& p, std::string_view text) {
    if (take_extension(p, skip(text, p.at_, character::token)) == Step::failed) {
      return Step::failed;
    }
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c == '"' && p.at_ == p.begin_) return next_extension(p, State::extension_quoted);
    if (c == ';') return next_extension(p, State::extension_name);
    if (c == '\r') return chunk_cr(p);
    if (c == '\n') {
      return p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk extension value", p.at_);
    }
    return p.fail("HPE_STRICT", "Invalid character in chunk extensions value", p.at_);
  }

  static Step extension_quoted(Http1Parser& p, std::string_view text) {
    size_t end = p.at_;
    while (end < text.size() && text[end] != '"' && text[end] != '\\' &&
           is(text[end], character::quoted)) {
      ++end;
    }
    if (take_extension(p, end) == Step::failed) return Step::failed;
    if (p.at_ == text.size()) return Step::more;
    if (text[p.at_] == '"') return next_extension(p, State::extension_end);
    if (text[p.at_] == '\\') return next_extension(p, State::extension_escape);
    return p.fail("HPE_STRICT", "Invalid character in chunk extensions quoted value", p.at_);
  }
  static Step extension_escape(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    if (!is(text[p.at_], character::quoted)) {
      return p.fail("HPE_STRICT", "Invalid quoted-pair in chunk extensions quoted value", p.at_);
    }
    return next_extension(p, State::extension_quoted);
  }
  static Step extension_end(Http1Parser& p, std::string_view text) {
    if (p.at_ == text.size()) return Step::more;
    const char c = text[p.at_];
    if (c == ';') return next_extension(p, State::extension_name);
    if (c == '\r') return chunk_cr(p);
    if (c == '\n') {
      return p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk extension value", p.at_);
    }
    return p.fail("HPE_STRICT", "Invalid character in chunk extensions quote value", p.at_);
  }

  static Step chunk_data(Http1Parser& p, std::string_view text) {
    const uint64_t there = std::min<uint64_t>(p.length_, text.size() - p.at_);
    append(p.chunks_, as_bytes(text.substr(p.at_, there)));
    p.at_ += there;
    p.length_ -= there;
    return p.length_ != 0 ? Step::more : to(p, State::chunk_data_cr);
  }
  static Step chunk_data_cr(Http1Parser& p, std::string_view text) {
    if (p.at_ < text.size() && text[p.at_] == '\n') {
      return p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk data", p.at_);
    }
    return expect(p, text, '\r', State::chunk_data_lf, "HPE_STRICT",
                  "Expected LF after chunk data");
  }
  static Step chunk_data_lf(Http1Parser& p, std::string_view text) {
    return expect(p, text, '\n', State::chunk_start, "HPE_STRICT", "Expected LF after chunk data");
  }

  /// The last message said that no other follows.
  static Step closed(Http1Parser& p, std::string_view text) {
    while (p.at_ < text.size() && (text[p.at_] == '\r' || text[p.at_] == '\n')) ++p.at_;
    if (p.at_ == text.size()) return Step::more;
    return p.fail("HPE_CLOSED_CONNECTION", "Data after `Connection: close`", p.at_);
  }
};

// In the order of State.
const std::array<Http1Parser::Grammar::Function, static_cast<size_t>(Http1Parser::State::count)>
    Http1Parser::Grammar::functions = {start,
                                       start_method,
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
                                       closed};

Http1Parser::Outcome Http1Parser::parse(BytesView message) {
  const std::string_view text = as_text(message);
  ENTENTE_ASSERT(at_ <= text.size());
  for (;;) {
    switch (Grammar::functions[static_cast<size_t>(state_)](*this, text)) {
      case Step::advanced:
        continue;
      case Step::more:
        return Outcome::need_more;
      case Step::failed:
        return Outcome::failed;
      case Step::done:
        build_request(text);
        return Outcome::request;
    }
  }
}

void Http1Parser::build_request(std::string_view text) {
  request_.method = method_;
  request_.target = text.substr(target_begin_, target_size_);
  const size_t hash = std::min(request_.target.find('#'), request_.target.size());
  const std::string_view visible = request_.target.substr(0, hash);
  const size_t question = std::min(visible.find('?'), visible.size());
  request_.path = visible.substr(0, question);
  request_.query = question < visible.size() ? visible.substr(question + 1) : std::string_view{};
  request_.headers.clear();
  const std::string_view names = names_;
  for (const Field& field : fields_) {
    request_.headers.push_back({names.substr(field.name_begin, field.name_size),
                                text.substr(field.value_begin, field.value_size)});
  }
  request_.body = chunked_               ? BytesView(chunks_)
                  : content_length_seen_ ? as_bytes(text.substr(body_begin_, length_))
                                         : BytesView{};
}

void Http1Parser::next() {
  const bool between = state_ == State::start || state_ == State::closed;
  if (!between) {
    const bool persistent = major_ > 0 && minor_ > 0 ? !close_ : keep_alive_;
    state_ = persistent ? State::start : State::closed;
  }
  at_ = begin_ = 0;
  major_ = 0;
  minor_ = 9;
  server_at_seen_ = after_value_ = within_trailers_ = false;
  content_length_seen_ = coding_seen_ = chunked_ = coding_named_ = close_ = keep_alive_ = false;
  length_ = framing_ = 0;
  trailers_ = 0;
  names_.clear();
  fields_.clear();
  chunks_.clear();
  if (chunks_.capacity() > (64u << 10)) chunks_.shrink_to_fit();
}

}  // namespace entente::net
