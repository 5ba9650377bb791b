#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <set>

#include "net/test_support.h"

namespace entente::net {
namespace {

using test::eventually;
using test::TestServer;

InterfaceConfig http2_config(bool tls = true) {
  InterfaceConfig config;
  config.app_protocol = AppProtocol::http2;
  config.tls = tls;
  return config;
}

struct Answer {
  std::map<std::string, std::string> headers;
  std::string body;
  uint32_t closed_with = 0xffffffff;  ///< HTTP/2 error code
  bool done = false;
  int status() const { return headers.contains(":status") ? std::stoi(headers.at(":status")) : 0; }
};

/// A client over nghttp2's own client session.
class Http2Client {
 public:
  explicit Http2Client(HttpClientOptions options) : link_(open(std::move(options))) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
           const uint8_t* value, size_t value_size, uint8_t, void* user) {
          static_cast<Http2Client*>(user)->answers[frame->hd.stream_id].headers.emplace(
              std::string(reinterpret_cast<const char*>(name), name_size),
              std::string(reinterpret_cast<const char*>(value), value_size));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
          static_cast<Http2Client*>(user)->answers[id].body.append(
              reinterpret_cast<const char*>(data), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t code, void* user) {
          Answer& answer = static_cast<Http2Client*>(user)->answers[id];
          answer.closed_with = code;
          answer.done = true;
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          auto& self = *static_cast<Http2Client*>(user);
          if (frame->hd.type == NGHTTP2_GOAWAY) self.goaway = frame->goaway.error_code;
          if (frame->hd.type == NGHTTP2_SETTINGS && frame->hd.flags == 0) {
            for (size_t i = 0; i < frame->settings.niv; ++i) {
              self.settings[frame->settings.iv[i].settings_id] = frame->settings.iv[i].value;
            }
          }
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Client() { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  int32_t submit(const std::string& method, const std::string& path, const std::string& body = {},
                 const ClientHeaders& headers = {}) {
    ClientHeaders all{
        {":method", method}, {":scheme", "https"}, {":authority", "x"}, {":path", path}};
    all.insert(all.end(), headers.begin(), headers.end());
    std::vector<nghttp2_nv> pairs;
    for (auto& [name, value] : all) {
      pairs.push_back({reinterpret_cast<uint8_t*>(name.data()),
                       reinterpret_cast<uint8_t*>(value.data()), name.size(), value.size(), 0});
    }
    auto* left = new std::string(body);
    bodies_.emplace_back(left);
    nghttp2_data_provider provider{};
    provider.source.ptr = left;
    provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* out, size_t size,
                                uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
      auto& text = *static_cast<std::string*>(source->ptr);
      const size_t now = std::min(size, text.size());
      std::copy_n(text.data(), now, out);
      text.erase(0, now);
      if (text.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(now);
    };
    const int32_t id = nghttp2_submit_request(session_, nullptr, pairs.data(), pairs.size(),
                                              body.empty() ? nullptr : &provider, nullptr);
    answers[id];
    return id;
  }

  bool send() {
    const uint8_t* data = nullptr;
    for (;;) {
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size <= 0) return size == 0;
      if (!link_.send_raw({reinterpret_cast<const char*>(data), static_cast<size_t>(size)})) {
        return false;
      }
    }
  }
  /// Until all submitted requests are answered, or the server closes (false).
  bool run() {
    const auto all_done = [this] {
      return std::all_of(answers.begin(), answers.end(),
                         [](const auto& item) { return item.second.done; });
    };
    bool sending = send();
    while (!all_done()) {
      const auto got = link_.receive_some();
      if (!got) return false;
      if (nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(got->data()),
                                   got->size()) < 0) {
        return false;
      }
      if (sending) sending = send();
    }
    return true;
  }
  const Answer& get(const std::string& path, const ClientHeaders& headers = {}) {
    const int32_t id = submit("GET", path, "", headers);
    run();
    return answers[id];
  }

  std::map<int32_t, Answer> answers;
  std::map<int32_t, uint32_t> settings;
  std::optional<uint32_t> goaway;
  HttpClient& link() { return link_; }
  nghttp2_session* session() { return session_; }

 private:
  static HttpClient open(HttpClientOptions options) {
    options.alpn = {"h2"};
    auto link = HttpClient::connect(options);
    if (!link) throw std::runtime_error(link.error().message);
    return std::move(*link);
  }

  HttpClient link_;
  nghttp2_session* session_ = nullptr;
  std::vector<std::unique_ptr<std::string>> bodies_;
};

TEST(Http2, AnswersOverTlsAndPriorKnowledge) {
  for (const bool tls : {true, false}) {
    TestServer server(http2_config(tls));
    Http2Client client(server.client_options());
    EXPECT_EQ(client.link().alpn(), tls ? "h2" : "");
    const int32_t posted = client.submit("POST", "/a?b=c", "body", {{"x", "y"}});
    const int32_t got = client.submit("GET", "/g");
    ASSERT_TRUE(client.run());
    // Pseudo-headers are among the headers.
    EXPECT_EQ(client.answers[posted].body, "POST /a?b=c 5 body");
    EXPECT_EQ(client.answers[got].body, "GET /g 4 ");
    EXPECT_EQ(client.answers[got].status(), 200);
    EXPECT_EQ(client.answers[got].headers["content-length"], "9");
    EXPECT_EQ(server.metrics().active, 1u);
    EXPECT_EQ(server.metrics().errors, ErrorCounts{});
  }
}

TEST(Http2, BothProtocolsOnOneInterfaceByAlpn) {
  InterfaceConfig config;
  config.app_protocol = AppProtocol::both;
  TestServer server(config);
  Http2Client two(server.client_options());
  EXPECT_EQ(two.get("/2").body, "GET /2 4 ");
  EXPECT_EQ(server.connect().get("/1")->body, "GET /1 1 ");
}

TEST(Http2, SettingsComeFromTheConfiguration) {
  InterfaceConfig config = http2_config();
  config.limits.max_concurrent_streams_count = 7;
  config.limits.initial_window_size = 100000;
  config.limits.max_frame_size = 32768;
  config.limits.max_header_size = 1000;
  config.limits.max_headers_count = 10;
  TestServer server(config);
  Http2Client client(server.client_options());
  client.get("/");
  EXPECT_EQ(client.settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], 7u);
  EXPECT_EQ(client.settings[NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE], 100000u);
  EXPECT_EQ(client.settings[NGHTTP2_SETTINGS_MAX_FRAME_SIZE], 32768u);
  EXPECT_EQ(client.settings[NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE], 10000u);
}

TEST(Http2, ManyStreamsAndLargeBodies) {
  InterfaceConfig config = http2_config();
  config.limits.max_body_size = 8 << 20;
  ServerOptions options;
  options.max_unsent_bytes = 32 << 10;
  TestServer server(config, options);
  Http2Client client(server.client_options());
  const std::string body(3 << 20, 'b');
  std::vector<int32_t> posts, larges;
  for (int i = 0; i < 3; ++i) {
    posts.push_back(client.submit("POST", "/", body));
    larges.push_back(client.submit("GET", "/large?2000000"));
  }
  for (int i = 0; i < 300; ++i) client.submit("GET", "/small");
  ASSERT_TRUE(client.run());
  for (const int32_t id : posts) {
    EXPECT_TRUE(client.answers[id].body == "POST / 4 " + body) << client.answers[id].body.size();
  }
  for (const int32_t id : larges) EXPECT_EQ(client.answers[id].body.size(), 2000000u);
  EXPECT_EQ(server.handler.handled, 306u);
}

TEST(Http2, SessionsArePerStream) {
  TestServer server(http2_config(), {}, [](size_t, Exchange& exchange) {
    SessionInfo& session = exchange.session();
    EXPECT_TRUE(session.http2);
    auto shared = std::static_pointer_cast<int>(*session.connection_user);
    if (!shared) *session.connection_user = shared = std::make_shared<int>(0);
    exchange.response().set_body(
        std::string(session.user ? "old" : "new") + std::to_string(++*shared), "text/plain");
    session.user = shared;
  });
  Http2Client client(server.client_options());
  EXPECT_EQ(client.get("/").body, "new1");
  EXPECT_EQ(client.get("/").body, "new2");
}

TEST(Http2, LimitsAreAnsweredCountedOnceAndClose) {
  InterfaceConfig config = http2_config();
  config.limits.max_body_size = 1024;
  config.limits.max_header_size = 200;
  config.limits.max_headers_count = 10;
  TestServer server(config);
  struct Row {
    size_t body, name, value, count;
    int status;
    const char* text;
  };
  const Row rows[] = {
      {1024, 1, 1, 1, 200, ""},
      {1, 200, 1, 1, 200, ""},
      {1, 1, 200, 1, 200, ""},
      {1, 1, 1, 6, 200, ""},
      {1025, 1, 1, 1, 413, "HTTP request body is too large (max size allowed: 1KB)"},
      {1, 201, 1, 1, 431, "Header key for 'nnn"},
      {1, 1, 201, 1, 431, "Header value for 'n' is too large"},
      {1, 1, 1, 7, 431, "Too many headers (max number allowed: 10)"},
  };
  ErrorCounts expected;
  for (const Row& row : rows) {
    Http2Client client(server.client_options());
    ClientHeaders headers;
    for (size_t i = 0; i < row.count; ++i) {
      headers.emplace_back(std::string(row.name, 'n'), std::string(row.value, 'v'));
    }
    const int32_t id = client.submit("POST", "/", std::string(row.body, 'b'), headers);
    client.run();
    EXPECT_EQ(client.answers[id].status(), row.status) << row.text;
    if (row.status == 413) ++expected.request_payload_too_large;
    if (row.status == 431) ++expected.request_header_too_large;
    EXPECT_EQ(server.metrics().errors, expected);
    if (row.status == 200) continue;
    EXPECT_NE(client.answers[id].body.find(row.text), std::string::npos) << client.answers[id].body;
    EXPECT_TRUE(client.link().closed_within(std::chrono::seconds(10)));
  }
}

TEST(Http2, Http1ClientSeesAnEmptyReply) {
  TestServer server(http2_config());
  HttpClient client = server.connect();
  ASSERT_TRUE(client.send_raw("GET / HTTP/1.1\r\nhost: x\r\n\r\n").ok());
  EXPECT_EQ(client.receive_until_closed().value(), "");
  EXPECT_EQ(server.metrics().errors.parsing, 1u);
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
  std::string text;
  for (const int shift : {16, 8, 0}) text += static_cast<char>(payload.size() >> shift);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) text += static_cast<char>(stream >> shift);
  return text + std::string(payload);
}

/// :method GET, :scheme https, :path / from the static table, and :authority x.
constexpr std::string_view get_root("\x82\x87\x84\x01\x01x", 6);
constexpr uint8_t end_stream_and_headers = 0x5;

TEST(Http2, BrokenFramesEndTheConnectionAndAreCountedOnce) {
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "");
  const std::string get1 = frame(1, end_stream_and_headers, 1, get_root);
  const std::string streams[] = {
      preface + frame(4, 0, 0, "x"),                            // SETTINGS of a wrong size
      preface + frame(0, 0, 0, "data"),                         // DATA on stream 0
      preface + frame(1, end_stream_and_headers, 2, get_root),  // even stream
      preface + frame(1, end_stream_and_headers, 1, "\xff\xff\xff\xff\xff\xff\xff"),  // HPACK
      preface + frame(6, 0, 0, "short"),                  // PING of a wrong size
      preface + frame(9, 4, 1, get_root),                 // CONTINUATION of nothing
      preface + frame(8, 0, 0, std::string(4, '\0')),     // WINDOW_UPDATE by 0
      preface + frame(0, 0, 1, std::string(20000, 'x')),  // too large
      preface + frame(1, end_stream_and_headers, 5, get_root) +
          frame(1, end_stream_and_headers, 3, get_root),  // ids go back
  };
  for (const std::string& stream : streams) {
    TestServer server(http2_config(false));
    HttpClient client = server.connect();
    ASSERT_TRUE(client.send_raw(stream).ok());
    EXPECT_TRUE(client.closed_within(std::chrono::seconds(10)));
    EXPECT_EQ(server.metrics().errors.parsing, 1u) << ::testing::PrintToString(stream);
    EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  }
}

TEST(Http2, LowerStreamIdIsAProtocolError) {
  TestServer server(http2_config(false));
  HttpClient client = server.connect();
  ASSERT_TRUE(client
                  .send_raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "") +
                            frame(1, end_stream_and_headers, 5, get_root) +
                            frame(1, end_stream_and_headers, 3, get_root))
                  .ok());
  const auto all = client.receive_until_closed();
  ASSERT_TRUE(all.ok());
  const size_t goaway = all->find(std::string("\0\0\x08\x07\0\0\0\0\0", 9));
  ASSERT_NE(goaway, std::string::npos);
  EXPECT_EQ((*all)[goaway + 9 + 7], NGHTTP2_PROTOCOL_ERROR);
}

TEST(Http2, SplitAnywhereIsTheSame) {
  TestServer server(http2_config(false));
  const std::string stream = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, "") +
                             frame(1, end_stream_and_headers, 1, get_root);
  for (size_t cut = 1; cut < stream.size(); ++cut) {
    HttpClient client = server.connect();
    ASSERT_TRUE(client.send_raw(stream.substr(0, cut)).ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(client.send_raw(stream.substr(cut)).ok());
    std::string got;
    while (got.find("GET / 4 ") == got.npos) {
      const auto some = client.receive_some();
      ASSERT_TRUE(some.ok()) << cut << ": " << some.error().message;
      got += *some;
    }
  }
  EXPECT_EQ(server.metrics().errors, ErrorCounts{});
}

TEST(Http2, LateAnswersAndVanishedStreams) {
  std::mutex lock;
  std::vector<std::pair<std::string, LaterAnswer>> promised;
  TestServer server(http2_config(), {}, [&](size_t, Exchange& exchange) {
    const std::lock_guard guard(lock);
    promised.emplace_back(std::string(exchange.request().path), exchange.answer_later());
  });
  Http2Client client(server.client_options());
  std::vector<int32_t> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(client.submit("GET", "/" + std::to_string(i)));
  ASSERT_TRUE(client.send());
  ASSERT_TRUE(eventually([&] { return server.handler.handled == 10; }));
  nghttp2_submit_rst_stream(client.session(), 0, ids[3], NGHTTP2_CANCEL);
  ASSERT_TRUE(client.send());
  std::thread keeper([&] {
    const std::lock_guard guard(lock);
    for (auto promise = promised.rbegin(); promise != promised.rend(); ++promise) {
      if (promise->first == "/5") continue;  // dropped below
      http::Response response;
      response.set_body(promise->first, "text/plain");
      promise->second.complete(std::move(response));
    }
    promised.clear();
  });
  ASSERT_TRUE(client.run());
  keeper.join();
  for (size_t i = 0; i < ids.size(); ++i) {
    const Answer& answer = client.answers[ids[i]];
    if (i == 3) continue;
    EXPECT_EQ(answer.status(), i == 5 ? 500 : 200) << i;
    EXPECT_TRUE(i == 5 || answer.body == "/" + std::to_string(i)) << answer.body;
  }
}

TEST(Http2, HandlerThatClosesAndSoftCap) {
  InterfaceConfig config = http2_config();
  config.max_open_sessions_soft = 1;
  TestServer server(config);
  Http2Client first(server.client_options());
  EXPECT_EQ(first.get("/").status(), 200);
  {
    Http2Client refused(server.client_options());
    EXPECT_EQ(refused.get("/").status(), 503);
    EXPECT_TRUE(refused.link().closed_within(std::chrono::seconds(10)));
  }
  EXPECT_EQ(first.get("/close").status(), 200);
  EXPECT_TRUE(first.link().closed_within(std::chrono::seconds(10)));
}

TEST(Http2, HeadAndUnknownMethods) {
  TestServer server(http2_config());
  Http2Client client(server.client_options());
  const int32_t head = client.submit("HEAD", "/");
  const int32_t unknown = client.submit("NOTAVERB", "/");
  ASSERT_TRUE(client.run());
  EXPECT_EQ(client.answers[head].status(), 200);
  EXPECT_EQ(client.answers[head].body, "");
  EXPECT_EQ(client.answers[head].headers["content-length"], "9");
  EXPECT_EQ(client.answers[unknown].closed_with, NGHTTP2_PROTOCOL_ERROR);
  EXPECT_EQ(server.metrics().errors.parsing, 1u);
  EXPECT_EQ(client.get("/").status(), 200);
}

}  // namespace
}  // namespace entente::net
