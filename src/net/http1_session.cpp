#include "net/http1_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/problem.h"

namespace entente::net {
namespace {

/// How much of a refused message its error answer repeats.
constexpr size_t max_echo = 64 << 10;

struct LimitAnswer {
  int status;
  std::string_view code;
  std::atomic<uint64_t> ErrorCounters::*counter;
};

// In the order of Http1Error::Kind. A parsing error has a text of its own.
constexpr LimitAnswer answers[] = {
    {http::status::bad_request, "", &ErrorCounters::parsing},
    {http::status::payload_too_large, "RequestBodyTooLarge",
     &ErrorCounters::request_payload_too_large},
    {http::status::request_header_fields_too_large, "RequestHeaderTooLarge",
     &ErrorCounters::request_header_too_large}};

}  // namespace

Http1Session::Http1Session(WorkerContext& worker, PeerContext& peer)
    : worker_(worker),
      peer_(peer),
      info_(make_session_info(peer, false)),
      parser_(peer.endpoint->config.limits) {}

bool Http1Session::blocked() const {
  return waiting_.size() >= worker_.options->max_outstanding_answers ||
         waiting_bytes_ > worker_.options->max_unsent_bytes;
}

size_t Http1Session::receive(BytesView input, size_t fresh, Bytes& out) {
  stopped_early_ = false;
  size_t at = 0;
  const size_t enough = out.size() + worker_.options->max_unsent_bytes;
  while (!closing_ && at < input.size()) {
    if (out.size() > enough || blocked()) {
      stopped_early_ = true;
      return at;
    }
    if (peer_.refused) {
      set_session_cap_exhausted(worker_.response);
      answer(worker_.response, false, out);
      break;
    }
    switch (parser_.parse(input.subspan(at))) {
      case Http1Parser::Outcome::need_more:
        if (!parser_.within_message()) {
          at += parser_.consumed();
          parser_.next();
        }
        return at;
      case Http1Parser::Outcome::failed:
        answer_error(input, at, fresh, out);
        return input.size();
      case Http1Parser::Outcome::request: {
        const http::Request& request = parser_.request();
        const bool to_head = request.method == http::Method::head;
        if (handle(worker_, request, info_, first_slot_ + waiting_.size())) {
          answer(worker_.response, to_head, out);
        } else {
          waiting_.push_back({false, to_head, false, {}});
        }
        at += parser_.consumed();
        parser_.next();
        break;
      }
    }
  }
  return closing_ ? input.size() : at;
}

void Http1Session::answer(const http::Response& response, bool to_head, Bytes& out) {
  if (response.close) closing_ = true;
  if (waiting_.empty()) {
    write_response(response, to_head, fields_, out);
    ++first_slot_;
    return;
  }
  Slot& slot = waiting_.emplace_back(Slot{true, to_head, response.close, {}});
  write_response(response, to_head, fields_, slot.bytes);
  waiting_bytes_ += slot.bytes.size();
}

void Http1Session::answer_error(BytesView input, size_t message_begin, size_t fresh, Bytes& out) {
  const Http1Error& error = parser_.error();
  const LimitAnswer& kind = answers[static_cast<size_t>(error.kind)];
  // Counted before the answer can be seen.
  (peer_.endpoint->errors.*kind.counter).fetch_add(1);
  http::Response response;
  if (error.kind == Http1Error::Kind::parsing) {
    // All of what came last is repeated, and the whole message if it began earlier.
    const size_t begin = std::min(message_begin, input.size() - std::min(fresh, input.size()));
    std::string text = fmt::format(
        "Unable to parse data as a HTTP request. Error message is: HTTP parsing failed ({}: {}) "
        "around byte {}\nError occurred while parsing fragment:\n",
        error.name, error.reason, message_begin - begin + error.position);
    text += as_text(input.subspan(begin, std::min(max_echo, input.size() - begin)));
    response.status = kind.status;
    response.set_body(text, "text/plain");
  } else {
    set_problem(response, kind.status, kind.code, error.reason);
  }
  response.close = true;
  answer(response, false, out);
}

void Http1Session::complete(uint64_t slot_number, http::Response&& response, Bytes& out) {
  const uint64_t index = slot_number - first_slot_;
  if (index >= waiting_.size() || waiting_[index].ready) return;
  Slot& slot = waiting_[index];
  slot.ready = true;
  slot.close = response.close;
  if (index == 0) {
    // Straight to the output: the usual case copies once.
    write_response(response, slot.to_head, fields_, out);
  } else {
    write_response(response, slot.to_head, fields_, slot.bytes);
    waiting_bytes_ += slot.bytes.size();
  }
  release_ready(out);
}

void Http1Session::release_ready(Bytes& out) {
  while (!waiting_.empty() && waiting_.front().ready) {
    Slot& slot = waiting_.front();
    append(out, slot.bytes);
    waiting_bytes_ -= slot.bytes.size();
    const bool close = slot.close;
    waiting_.pop_front();
    ++first_slot_;
    if (close) {
      // Nothing follows an answer that closes, not even answers to requests handled meanwhile.
      closing_ = true;
      first_slot_ += waiting_.size();
      waiting_.clear();
      waiting_bytes_ = 0;
    }
  }
}

void Http1Session::shut_down(Bytes&) {
  closing_ = true;
}

}  // namespace entente::net
