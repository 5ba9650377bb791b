// The states of bodies, of known length and chunked, and of the end of a connection.

#include <algorithm>

#include "net/http1_grammar.h"

namespace entente::net {
namespace {

using Kind = Http1Error::Kind;

/// What a chunked body may cost beyond its content: sizes, extensions and line ends of chunks.
uint64_t max_framing(const HttpLimits& limits) {
  return limits.max_body_size + (64u << 10);
}

}  // namespace

Http1Parser::Step Http1Parser::Grammar::body_limit(Http1Parser& p) {
  return p.fail_limit(Kind::body_too_large, body_too_large(*p.limits_), p.at_);
}

Http1Parser::Step Http1Parser::Grammar::fixed_body(Http1Parser& p, std::string_view text) {
  if (text.size() - p.body_begin_ < p.length_) return Step::more;
  p.at_ = p.body_begin_ + p.length_;
  return Step::done;
}

Http1Parser::Step Http1Parser::Grammar::bad_chunk(Http1Parser& p) {
  return p.fail("HPE_INVALID_CHUNK_SIZE", "Invalid character in chunk size", p.at_);
}

Http1Parser::Step Http1Parser::Grammar::chunk_start(Http1Parser& p, std::string_view text) {
  if (p.at_ == text.size()) return Step::more;
  if (hex_digit(text[p.at_]) < 0) return bad_chunk(p);
  p.length_ = 0;
  return to(p, State::chunk_size);
}

Http1Parser::Step Http1Parser::Grammar::chunk_size(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::chunk_cr(Http1Parser& p) {
  ++p.at_;
  p.framing_ += 4;
  return to(p, State::chunk_lf);
}

Http1Parser::Step Http1Parser::Grammar::next_extension(Http1Parser& p, State state) {
  ++p.at_;
  p.begin_ = p.at_;
  if (++p.framing_ > max_framing(*p.limits_)) return body_limit(p);
  return to(p, state);
}

Http1Parser::Step Http1Parser::Grammar::chunk_lf(Http1Parser& p, std::string_view text) {
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
Http1Parser::Step Http1Parser::Grammar::take_extension(Http1Parser& p, size_t end) {
  p.framing_ += end - p.at_;
  p.at_ = end;
  return p.framing_ > max_framing(*p.limits_) ? body_limit(p) : Step::more;
}

Http1Parser::Step Http1Parser::Grammar::extension_name(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::extension_value(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::extension_quoted(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::extension_escape(Http1Parser& p, std::string_view text) {
  if (p.at_ == text.size()) return Step::more;
  if (!is(text[p.at_], character::quoted)) {
    return p.fail("HPE_STRICT", "Invalid quoted-pair in chunk extensions quoted value", p.at_);
  }
  return next_extension(p, State::extension_quoted);
}

Http1Parser::Step Http1Parser::Grammar::extension_end(Http1Parser& p, std::string_view text) {
  if (p.at_ == text.size()) return Step::more;
  const char c = text[p.at_];
  if (c == ';') return next_extension(p, State::extension_name);
  if (c == '\r') return chunk_cr(p);
  if (c == '\n') {
    return p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk extension value", p.at_);
  }
  return p.fail("HPE_STRICT", "Invalid character in chunk extensions quote value", p.at_);
}

Http1Parser::Step Http1Parser::Grammar::chunk_data(Http1Parser& p, std::string_view text) {
  const uint64_t there = std::min<uint64_t>(p.length_, text.size() - p.at_);
  append(p.chunks_, as_bytes(text.substr(p.at_, there)));
  p.at_ += there;
  p.length_ -= there;
  return p.length_ != 0 ? Step::more : to(p, State::chunk_data_cr);
}

Http1Parser::Step Http1Parser::Grammar::chunk_data_cr(Http1Parser& p, std::string_view text) {
  if (p.at_ < text.size() && text[p.at_] == '\n') {
    return p.fail("HPE_CR_EXPECTED", "Missing expected CR after chunk data", p.at_);
  }
  return expect(p, text, '\r', State::chunk_data_lf, "HPE_STRICT", "Expected LF after chunk data");
}

Http1Parser::Step Http1Parser::Grammar::chunk_data_lf(Http1Parser& p, std::string_view text) {
  return expect(p, text, '\n', State::chunk_start, "HPE_STRICT", "Expected LF after chunk data");
}

/// The last message said that no other follows.
Http1Parser::Step Http1Parser::Grammar::closed(Http1Parser& p, std::string_view text) {
  while (p.at_ < text.size() && (text[p.at_] == '\r' || text[p.at_] == '\n')) ++p.at_;
  if (p.at_ == text.size()) return Step::more;
  return p.fail("HPE_CLOSED_CONNECTION", "Data after `Connection: close`", p.at_);
}

}  // namespace entente::net
