#include "net/http1_parser.h"

#include <algorithm>

#include "base/assert.h"
#include "net/http1_grammar.h"

namespace entente::net {

std::string_view trim_blanks(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  return text;
}

Http1Parser::Step Http1Parser::fail(const char* name, const char* reason, size_t position) {
  error_ = {Http1Error::Kind::parsing, name, reason, position};
  return Step::failed;
}

Http1Parser::Step Http1Parser::fail_limit(Http1Error::Kind kind, std::string message,
                                          size_t position) {
  error_ = {kind, "", std::move(message), position};
  return Step::failed;
}

Http1Parser::Step Http1Parser::Grammar::to(Http1Parser& p, State state) {
  p.state_ = state;
  return Step::advanced;
}

/// A state that accepts one certain byte.
Http1Parser::Step Http1Parser::Grammar::expect(Http1Parser& p, std::string_view text, char wanted,
                                               State then, const char* name, const char* reason) {
  if (p.at_ == text.size()) return Step::more;
  if (text[p.at_] != wanted) return p.fail(name, reason, p.at_);
  ++p.at_;
  return to(p, then);
}

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
