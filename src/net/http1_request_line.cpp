// The states of the request line: method, target, protocol and version.

#include <optional>
#include <utility>

#include "net/http1_grammar.h"

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

constexpr bool known_version(int major, int minor) {
  return (major == 1 && minor <= 1) || (major == 0 && minor == 9) || (major == 2 && minor == 0);
}

}  // namespace

Http1Parser::Step Http1Parser::Grammar::start(Http1Parser& p, std::string_view text) {
  while (p.at_ < text.size() && (text[p.at_] == '\r' || text[p.at_] == '\n')) ++p.at_;
  if (p.at_ == text.size()) return Step::more;
  p.begin_ = p.at_;
  return to(p, State::method);
}

Http1Parser::Step Http1Parser::Grammar::method(Http1Parser& p, std::string_view text) {
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
bool Http1Parser::Grammar::common_method(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::start_method(Http1Parser& p, std::string_view text) {
  if (p.at_ == p.begin_ && common_method(p, text)) return to(p, State::target_start);
  return method(p, text);
}

Http1Parser::Step Http1Parser::Grammar::bad_target(Http1Parser& p, const char* reason) {
  return p.fail("HPE_INVALID_URL", reason, p.at_);
}

Http1Parser::Step Http1Parser::Grammar::target_start(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::check_target_size(Http1Parser& p) {
  if (p.at_ - p.begin_ <= p.limits_->max_target_size) return Step::more;
  return p.fail_limit(Kind::header_too_large, target_too_large(*p.limits_), p.at_);
}

Http1Parser::Step Http1Parser::Grammar::target_schema(Http1Parser& p, std::string_view text) {
  p.at_ = skip(text, p.at_, character::alpha);
  if (check_target_size(p) == Step::failed) return Step::failed;
  if (p.at_ == text.size()) return Step::more;
  if (text[p.at_] != ':') return bad_target(p, "Unexpected char in url schema");
  ++p.at_;
  return to(p, State::target_slash1);
}

Http1Parser::Step Http1Parser::Grammar::target_slash1(Http1Parser& p, std::string_view text) {
  return expect(p, text, '/', State::target_slash2, "HPE_INVALID_URL",
                "Unexpected char in url schema");
}

Http1Parser::Step Http1Parser::Grammar::target_slash2(Http1Parser& p, std::string_view text) {
  return expect(p, text, '/', State::target_server, "HPE_INVALID_URL",
                "Unexpected char in url schema");
}

Http1Parser::Step Http1Parser::Grammar::target_server(Http1Parser& p, std::string_view text) {
  for (; p.at_ < text.size() && is(text[p.at_], character::server); ++p.at_) {
    if (text[p.at_] != '@') continue;
    if (p.server_at_seen_) {
      // What comes first counts, however the bytes were cut: the limit may lie before.
      if (check_target_size(p) == Step::failed) return Step::failed;
      return bad_target(p, "Double @ in url");
    }
    p.server_at_seen_ = true;
  }
  if (check_target_size(p) == Step::failed) return Step::failed;
  if (p.at_ == text.size()) return Step::more;
  const char c = text[p.at_];
  if (c == '/' || c == '?') return to(p, State::target);
  if (c == ' ' || c == '\r') return target_done(p);
  return bad_target(p, "Unexpected char in url server");
}

Http1Parser::Step Http1Parser::Grammar::target(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::target_done(Http1Parser& p) {
  p.target_begin_ = p.begin_;
  p.target_size_ = p.at_ - p.begin_;
  return to(p, State::target_end);
}

/// Behind the target: spaces and the protocol, or the end of the line (then it is HTTP/0.9).
Http1Parser::Step Http1Parser::Grammar::target_end(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::target_lf(Http1Parser& p, std::string_view text) {
  return expect(p, text, '\n', State::header_start, "HPE_INVALID_URL", "Expected CRLF");
}

Http1Parser::Step Http1Parser::Grammar::protocol(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::major(Http1Parser& p, std::string_view text) {
  if (p.at_ == text.size()) return Step::more;
  const char c = text[p.at_];
  if (c < '0' || c > '9') return p.fail("HPE_INVALID_VERSION", "Invalid major version", p.at_);
  p.major_ = static_cast<uint8_t>(c - '0');
  ++p.at_;
  return to(p, State::dot);
}

Http1Parser::Step Http1Parser::Grammar::dot(Http1Parser& p, std::string_view text) {
  return expect(p, text, '.', State::minor, "HPE_INVALID_VERSION", "Expected dot");
}

Http1Parser::Step Http1Parser::Grammar::minor(Http1Parser& p, std::string_view text) {
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

Http1Parser::Step Http1Parser::Grammar::version_cr(Http1Parser& p, std::string_view text) {
  return expect(p, text, '\r', State::version_lf, "HPE_INVALID_VERSION",
                "Expected CRLF after version");
}

Http1Parser::Step Http1Parser::Grammar::version_lf(Http1Parser& p, std::string_view text) {
  return expect(p, text, '\n', State::header_start, "HPE_STRICT", "Expected CRLF after version");
}

}  // namespace entente::net
