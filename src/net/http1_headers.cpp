// The states of header and trailer fields, and what the framing takes from them.

#include <algorithm>

#include "net/http1_grammar.h"

namespace entente::net {
namespace {

using Kind = Http1Error::Kind;

}  // namespace

Http1Parser::Step Http1Parser::Grammar::header_start(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::bad_name(Http1Parser& p) {
  return p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header token", p.at_);
}

Http1Parser::Step Http1Parser::Grammar::header_name(Http1Parser& p, std::string_view text) {
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

Http1Parser::Known Http1Parser::Grammar::known(std::string_view name) {
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
Http1Parser::Step Http1Parser::Grammar::framing_conflict(Http1Parser& p, size_t colon) {
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

std::string_view Http1Parser::Grammar::current_name(const Http1Parser& p) {
  if (p.within_trailers_) return {};
  const Field& field = p.fields_.back();
  return std::string_view(p.names_).substr(field.name_begin, field.name_size);
}

Http1Parser::Step Http1Parser::Grammar::value_start(Http1Parser& p, std::string_view text) {
  while (p.at_ < text.size() && (text[p.at_] == ' ' || text[p.at_] == '\t')) ++p.at_;
  // Blanks before a value are not part of it, but they are not for free either.
  if (p.at_ - p.begin_ > 2 * p.limits_->max_header_size + 64) {
    return p.fail_limit(Kind::header_too_large, header_value_too_large(*p.limits_, current_name(p)),
                        p.at_);
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

Http1Parser::Step Http1Parser::Grammar::check_value_size(Http1Parser& p) {
  if (p.at_ - p.begin_ <= p.limits_->max_header_size) return Step::more;
  return p.fail_limit(Kind::header_too_large, header_value_too_large(*p.limits_, current_name(p)),
                      p.at_);
}

/// For errors found while a value is scanned: the limit may lie before, and what comes first counts,
/// however the bytes were cut.
Http1Parser::Step Http1Parser::Grammar::bad_value(Http1Parser& p, const char* name,
                                                  const char* reason) {
  return check_value_size(p) == Step::failed ? Step::failed : p.fail(name, reason, p.at_);
}

Http1Parser::Step Http1Parser::Grammar::end_of_value(Http1Parser& p, std::string_view text) {
  if (text[p.at_] == '\n') {
    return p.at_ == p.begin_
               ? p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header value char", p.at_)
               : p.fail("HPE_CR_EXPECTED", "Missing expected CR after header value", p.at_);
  }
  if (text[p.at_] != '\r') {
    return p.fail("HPE_INVALID_HEADER_TOKEN", "Invalid header value char", p.at_);
  }
  if (!p.within_trailers_) {
    const std::string_view value = trim_blanks(text.substr(p.begin_, p.at_ - p.begin_));
    p.fields_.back().value_begin = p.begin_;
    p.fields_.back().value_size = value.size();
    if (p.known_ == Known::connection) note_connection(p, value);
  }
  ++p.at_;
  return to(p, State::value_lf);
}

void Http1Parser::Grammar::note_connection(Http1Parser& p, std::string_view list) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view option = trim_blanks(list.substr(0, comma));
    if (equals_ignoring_case(option, "close")) p.close_ = true;
    if (equals_ignoring_case(option, "keep-alive")) p.keep_alive_ = true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

Http1Parser::Step Http1Parser::Grammar::value(Http1Parser& p, std::string_view text) {
  p.at_ = skip_value(text, p.at_);
  if (check_value_size(p) == Step::failed) return Step::failed;
  if (p.at_ == text.size()) return Step::more;
  return end_of_value(p, text);
}

Http1Parser::Step Http1Parser::Grammar::value_lf(Http1Parser& p, std::string_view text) {
  p.after_value_ = true;
  return expect(p, text, '\n', State::header_start, "HPE_LF_EXPECTED",
                "Missing expected LF after header value");
}

Http1Parser::Step Http1Parser::Grammar::empty_value_lf(Http1Parser& p, std::string_view text) {
  p.after_value_ = true;
  return expect(p, text, '\n', State::header_start, "HPE_STRICT", "Expected LF after CR");
}

Http1Parser::Step Http1Parser::Grammar::content_length(Http1Parser& p, std::string_view text) {
  for (; p.at_ < text.size(); ++p.at_) {
    const char c = text[p.at_];
    if (c < '0' || c > '9') break;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (p.length_ > (UINT64_MAX - digit) / 10) {
      return bad_value(p, "HPE_INVALID_CONTENT_LENGTH", "Content-Length overflow");
    }
    p.length_ = p.length_ * 10 + digit;
  }
  if (check_value_size(p) == Step::failed) return Step::failed;
  if (p.at_ == text.size()) return Step::more;
  if (p.at_ == p.begin_) return bad_length(p);
  return to(p, State::content_length_end);
}

Http1Parser::Step Http1Parser::Grammar::content_length_end(Http1Parser& p, std::string_view text) {
  while (p.at_ < text.size() && text[p.at_] == ' ') ++p.at_;
  if (check_value_size(p) == Step::failed) return Step::failed;
  if (p.at_ == text.size()) return Step::more;
  if (text[p.at_] != '\r' && text[p.at_] != '\n') return bad_length(p);
  return end_of_value(p, text);
}

Http1Parser::Step Http1Parser::Grammar::bad_length(Http1Parser& p) {
  return p.fail("HPE_INVALID_CONTENT_LENGTH", "Invalid character in Content-Length", p.at_);
}

/// `transfer-encoding`: `chunked` must be the last coding, over all such headers.
Http1Parser::Step Http1Parser::Grammar::coding(Http1Parser& p, std::string_view text) {
  for (; p.at_ < text.size() && is(text[p.at_], character::value); ++p.at_) {
    if (text[p.at_] == ',' && last_coding(p, text) == "chunked") return bad_coding(p);
  }
  if (check_value_size(p) == Step::failed) return Step::failed;
  if (p.at_ == text.size()) return Step::more;
  p.chunked_ = last_coding(p, text) == "chunked";
  return end_of_value(p, text);
}

std::string Http1Parser::Grammar::last_coding(const Http1Parser& p, std::string_view text) {
  std::string_view value = text.substr(p.begin_, p.at_ - p.begin_);
  const size_t comma = value.rfind(',');
  if (comma != value.npos) value.remove_prefix(comma + 1);
  value = trim_blanks(value);
  std::string name(value.substr(0, 16));
  std::transform(name.begin(), name.end(), name.begin(), lower);
  return name;
}

Http1Parser::Step Http1Parser::Grammar::bad_coding(Http1Parser& p) {
  return bad_value(p, "HPE_INVALID_TRANSFER_ENCODING", "Invalid `Transfer-Encoding` header value");
}

Http1Parser::Step Http1Parser::Grammar::headers_lf(Http1Parser& p, std::string_view text) {
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

}  // namespace entente::net
