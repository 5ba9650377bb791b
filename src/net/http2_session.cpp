#include "net/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "base/assert.h"
#include "net/http2_stream.h"
#include "net/http_response.h"
#include "net/limit_messages.h"
#include "net/problem.h"

namespace entente::net {
namespace {

constexpr uint32_t smallest_max_frame = 16 << 10;
constexpr uint32_t largest_max_frame = (16 << 20) - 1;
constexpr uint32_t largest_window = 0x7fffffff;
/// Streams that were opened, remembered to tell a closed stream from one that was skipped.
constexpr size_t remembered_streams = 1024;

std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

class Http2Session final : public Session {
 public:
  Http2Session(WorkerContext& worker, PeerContext& peer);
  ~Http2Session() override { nghttp2_session_del(session_); }

  size_t receive(BytesView input, size_t fresh, Bytes& out) override;
  void complete(uint64_t slot, http::Response&& response, Bytes& out) override;
  void shut_down(Bytes& out) override;
  bool has_more() const override { return !failed_ && output_left_; }
  bool blocked() const override { return later_ >= worker_.options->max_outstanding_answers; }
  bool answers_due() const override { return later_ > 0 || output_left_; }
  bool finished() const override;

 private:
  struct Callbacks;  ///< nghttp2's, made once

  const HttpLimits& limits() const { return peer_.endpoint->config.limits; }
  Http2Stream* find(int32_t id);
  void open_stream(int32_t id);
  void request_complete(Http2Stream& stream);
  void refuse(Http2Stream& stream, int status, std::string_view code, const std::string& message,
              std::atomic<uint64_t>& counter);
  void answer(Http2Stream& stream, const http::Response& response);
  void count_malformed();
  void pump(Bytes& out);

  WorkerContext& worker_;
  PeerContext& peer_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, Http2Stream> streams_;
  std::deque<int32_t> opened_;  ///< ascending
  int32_t last_opened_ = 0;
  http::Request request_;
  ResponseFields fields_;
  std::vector<nghttp2_nv> pairs_;
  size_t later_ = 0;  ///< streams whose answer comes later
  bool output_left_ = false;
  bool closing_ = false;  ///< no more requests are handled; closed when all is sent
  bool failed_ = false;   ///< closed as it is
  bool malformed_ = false;
};

// --- what nghttp2 reports -----------------------------------------------------------------------

struct Http2Session::Callbacks {
  static Http2Session& of(void* user) { return *static_cast<Http2Session*>(user); }

  static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* header, void* user) {
    const Http2Session& self = of(user);
    if (header->type != NGHTTP2_HEADERS || header->stream_id > self.last_opened_) return 0;
    if (nghttp2_session_find_stream(session, header->stream_id) != nullptr) return 0;
    if (std::binary_search(self.opened_.begin(), self.opened_.end(), header->stream_id)) return 0;
    // A new stream below one that was opened before (RFC 9113 section 5.1.1).
    nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    return 0;
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) of(user).open_stream(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                    size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                    void* user) {
    Http2Session& self = of(user);
    Http2Stream* stream = self.find(frame->hd.stream_id);
    // Trailers are not delivered.
    if (stream == nullptr || stream->handled || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
      return 0;
    }
    const auto too_large =
        stream->add_field(text_of(name, name_size), text_of(value, value_size), self.limits());
    if (too_large) {
      self.refuse(*stream, http::status::request_header_fields_too_large, "RequestHeaderTooLarge",
                  *too_large, self.peer_.endpoint->errors.request_header_too_large);
    }
    return 0;
  }

  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size,
                  void* user) {
    Http2Session& self = of(user);
    Http2Stream* stream = self.find(id);
    if (stream == nullptr || stream->handled) return 0;
    if (size > self.limits().max_body_size - stream->body.size()) {
      self.refuse(*stream, http::status::payload_too_large, "RequestBodyTooLarge",
                  body_too_large(self.limits()),
                  self.peer_.endpoint->errors.request_payload_too_large);
      return 0;
    }
    append(stream->body, {bytes, size});
    return 0;
  }

  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const bool of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (!of_request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
    Http2Session& self = of(user);
    Http2Stream* stream = self.find(frame->hd.stream_id);
    if (stream != nullptr && !stream->handled) self.request_complete(*stream);
    return 0;
  }

  /// Every error that ends the connection is told to the peer: that is where it is counted.
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    const bool broken =
        frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR;
    if (broken) of(user).count_malformed();
    return 0;
  }

  static int stream_close(nghttp2_session*, int32_t id, uint32_t, void* user) {
    Http2Session& self = of(user);
    const Http2Stream* stream = self.find(id);
    if (stream == nullptr) return 0;
    if (stream->handled && !stream->answered) --self.later_;
    self.streams_.erase(id);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, int32_t, uint8_t* buffer, size_t size, uint32_t* flags,
                           nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    const size_t left = stream.response_body.size() - stream.response_sent;
    const size_t now = std::min(size, left);
    std::copy_n(stream.response_body.data() + stream.response_sent, now, buffer);
    stream.response_sent += now;
    if (now == left) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(now);
  }

  static nghttp2_session_callbacks* shared() {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      ENTENTE_ASSERT(nghttp2_session_callbacks_new(&made) == 0);
      nghttp2_session_callbacks_set_on_begin_frame_callback(made, begin_frame);
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(made, header);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, data);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_close);
      return made;
    }();
    return callbacks;
  }
};

// --- the session --------------------------------------------------------------------------------

Http2Session::Http2Session(WorkerContext& worker, PeerContext& peer)
    : worker_(worker), peer_(peer) {
  ENTENTE_ASSERT(nghttp2_session_server_new(&session_, Callbacks::shared(), this) == 0);
  const uint64_t list = limits().max_headers_count * limits().max_header_size;
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits().max_concurrent_streams_count},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
       std::min(limits().initial_window_size, largest_window)},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE,
       std::clamp(limits().max_frame_size, smallest_max_frame, largest_max_frame)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<uint32_t>(std::min<uint64_t>(list, UINT32_MAX))}};
  // Queued here, sent only behind the client's preface: who speaks no HTTP/2 sees no byte.
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
}

Http2Stream* Http2Session::find(int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : &found->second;
}

void Http2Session::open_stream(int32_t id) {
  last_opened_ = std::max(last_opened_, id);
  opened_.push_back(id);
  if (opened_.size() > remembered_streams) opened_.pop_front();
  Http2Stream& stream = streams_[id];
  stream.id = id;
  stream.info = make_session_info(peer_, true);
}

size_t Http2Session::receive(BytesView input, size_t, Bytes& out) {
  if (failed_) return input.size();
  if (!input.empty()) {
    const ssize_t taken = nghttp2_session_mem_recv(session_, input.data(), input.size());
    if (taken < 0) {
      count_malformed();
      failed_ = true;
      return input.size();
    }
  }
  pump(out);
  return input.size();
}

void Http2Session::count_malformed() {
  if (malformed_) return;
  malformed_ = true;
  peer_.endpoint->errors.parsing.fetch_add(1);
}

void Http2Session::pump(Bytes& out) {
  const size_t enough = out.size() + worker_.options->max_unsent_bytes;
  output_left_ = false;
  while (!failed_) {
    if (out.size() > enough) {
      output_left_ = true;
      return;
    }
    const uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) failed_ = true;
    if (size <= 0) return;
    append(out, {bytes, static_cast<size_t>(size)});
  }
}

bool Http2Session::finished() const {
  if (failed_) return true;
  const bool idle = nghttp2_session_want_write(session_) == 0 && !output_left_;
  if (closing_) return idle && later_ == 0;
  return idle && nghttp2_session_want_read(session_) == 0;
}

void Http2Session::request_complete(Http2Stream& stream) {
  stream.handled = true;
  ++later_;  // until it is answered
  if (!stream.build_request(request_)) {
    count_malformed();
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_PROTOCOL_ERROR);
    return;
  }
  stream.to_head = request_.method == http::Method::head;
  if (closing_) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_REFUSED_STREAM);
  } else if (peer_.refused) {
    set_session_cap_exhausted(worker_.response);
    answer(stream, worker_.response);
  } else if (handle(worker_, request_, stream.info, static_cast<uint64_t>(stream.id))) {
    answer(stream, worker_.response);
  }
  stream.release_request();
}

void Http2Session::refuse(Http2Stream& stream, int status, std::string_view code,
                          const std::string& message, std::atomic<uint64_t>& counter) {
  stream.handled = true;
  ++later_;
  if (closing_) return;
  counter.fetch_add(1);
  http::Response response;
  set_problem(response, status, code, message);
  response.close = true;
  answer(stream, response);
  stream.release_request();
}

void Http2Session::answer(Http2Stream& stream, const http::Response& response) {
  if (stream.answered) return;
  stream.answered = true;
  --later_;
  fields_.prepare(response, stream.to_head);
  const std::string status = std::to_string(response.status);
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
  };
  pairs_.clear();
  pairs_.push_back({bytes(":status"), bytes(status), 7, status.size(), NGHTTP2_NV_FLAG_NONE});
  for (const http::HeaderView& field : fields_.fields()) {
    pairs_.push_back({bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
                      NGHTTP2_NV_FLAG_NONE});
  }
  stream.response_body = to_bytes(fields_.body());
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = Callbacks::read_body;
  nghttp2_submit_response(session_, stream.id, pairs_.data(), pairs_.size(),
                          stream.response_body.empty() ? nullptr : &provider);
  if (response.close && !closing_) {
    closing_ = true;
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_opened_, NGHTTP2_NO_ERROR, nullptr, 0);
  }
}

void Http2Session::complete(uint64_t slot, http::Response&& response, Bytes& out) {
  Http2Stream* stream = find(static_cast<int32_t>(slot));
  if (failed_ || stream == nullptr || stream->answered) return;
  answer(*stream, response);
  pump(out);
}

void Http2Session::shut_down(Bytes& out) {
  if (closing_ || failed_) return;
  closing_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_opened_, NGHTTP2_NO_ERROR, nullptr, 0);
  pump(out);
}

}  // namespace

std::unique_ptr<Session> make_http2_session(WorkerContext& worker, PeerContext& peer) {
  return std::make_unique<Http2Session>(worker, peer);
}

}  // namespace entente::net
