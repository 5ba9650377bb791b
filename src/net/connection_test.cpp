// Connections as such: caps, time limits, clients that vanish at any point, lack of descriptors.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/test_support.h"

namespace entente::net {
namespace {

using test::eventually;
using test::plain;
using test::TestServer;

/// A TCP connection without anything on it.
class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected =
        fd >= 0 && ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : fd(std::exchange(other.fd, -1)), connected(other.connected) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd >= 0) ::close(fd);
  }
  void send(std::string_view bytes) const {
    size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t some = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (some <= 0) return;
      sent += static_cast<size_t>(some);
    }
  }
  /// At most `most` bytes; stops at the end of the stream, or when nothing comes.
  std::string receive(size_t most, int wait_ms = 5000) const {
    std::string got;
    char buffer[4096];
    while (got.size() < most) {
      pollfd waited{fd, POLLIN, 0};
      if (::poll(&waited, 1, wait_ms) <= 0) break;
      const ssize_t some = ::recv(fd, buffer, std::min(sizeof buffer, most - got.size()), 0);
      if (some <= 0) break;
      got.append(buffer, static_cast<size_t>(some));
    }
    return got;
  }
  bool closed_by_server(int wait_ms = 10000) const {
    pollfd waited{fd, POLLIN, 0};
    char byte;
    return ::poll(&waited, 1, wait_ms) > 0 && ::recv(fd, &byte, 1, MSG_PEEK) <= 0;
  }
  void reset_on_close() const {
    const linger hard{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

  int fd;
  bool connected = false;
};

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

TEST(Connection, ClosedBeforeTheHandshakeUntilThereIsACertificate) {
  test::FunctionHandler handler;
  handler.on_request = test::echo;
  Server server({}, handler);
  ASSERT_TRUE(server.add_interface({.name = "main"}).ok());
  ASSERT_TRUE(server.start().ok());
  const uint16_t port = server.bound_address(0).port;
  const RawClient early(port);
  ASSERT_TRUE(early.connected);
  EXPECT_TRUE(early.closed_by_server());
  const auto& identity = test::server_identity();
  EXPECT_FALSE(server.set_certificate(0, "rubbish", identity.key_pem).ok());
  const auto other = test::make_identity("other");
  EXPECT_FALSE(server.set_certificate(0, identity.certificate_pem, other.key_pem).ok());
  ASSERT_TRUE(server.set_certificate(0, identity.certificate_pem, identity.key_pem).ok());
  HttpClientOptions options;
  options.port = port;
  options.trusted_pem = identity.certificate_pem;
  auto client = HttpClient::connect(options);
  ASSERT_TRUE(client.ok()) << client.error().message;
  EXPECT_TRUE(client->get("/").ok());
  // Another one for new connections; the old one goes on.
  ASSERT_TRUE(server.set_certificate(0, other.certificate_pem, other.key_pem).ok());
  EXPECT_FALSE(HttpClient::connect(options).ok());
  options.trusted_pem = other.certificate_pem;
  EXPECT_TRUE(HttpClient::connect(options).ok());
  EXPECT_TRUE(client->get("/").ok());
}

TEST(Connection, SoftCapAnswers503ThenCloses) {
  InterfaceConfig config;
  config.max_open_sessions_soft = 3;
  config.max_open_sessions_hard = 10;
  TestServer server(config);
  std::vector<HttpClient> healthy;
  for (int i = 0; i < 3; ++i) {
    healthy.push_back(server.connect());
    ASSERT_TRUE(healthy.back().get("/").ok());
  }
  for (int i = 0; i < 20; ++i) {
    HttpClient refused = server.connect();  // TLS completes
    const auto reply = refused.get("/");
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    EXPECT_EQ(reply->status, 503);
    EXPECT_EQ(reply->body,
              R"({"error":{"code":"SessionCapExhausted","message":"Service is currently busy )"
              R"(and unable to serve new connections"}})");
    EXPECT_TRUE(refused.closed_within(std::chrono::seconds(10)));
    EXPECT_TRUE(eventually([&] { return server.metrics().active == 3; }));
  }
  EXPECT_EQ(server.handler.handled, 3u);
  for (auto& client : healthy) EXPECT_TRUE(client.get("/").ok());
  healthy.pop_back();
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 2; }));
  HttpClient next = server.connect();
  EXPECT_EQ(next.get("/")->status, 200);
  EXPECT_EQ(server.metrics().peak, 4u);
}

TEST(Connection, TenThousandAgainstTheCaps) {
  InterfaceConfig config;  // 1000 and 1010
  ServerOptions options;
  options.workers = 2;
  TestServer server(config, options);
  // The client's ends need descriptors here too, and so do the server's, up to the hard cap.
  const uint64_t possible = raise_descriptor_limit();
  const size_t wanted = std::min<uint64_t>(10000, possible > 3000 ? possible - 2500 : possible / 2);
  if (wanted < 10000) {
    std::printf("only %zu connections: the limit of descriptors is %zu\n", wanted,
                static_cast<size_t>(possible));
  }
  const size_t healthy_count = std::min<size_t>(1000, wanted / 2);
  std::vector<HttpClient> healthy;
  for (size_t i = 0; i < healthy_count; ++i) healthy.push_back(server.connect());
  ASSERT_EQ(server.metrics().active, healthy_count);
  if (healthy_count < 1000) GTEST_SKIP() << "too few descriptors to reach the caps";

  std::vector<RawClient> crowd;
  for (size_t i = healthy_count; i < wanted; ++i) {
    crowd.emplace_back(server.server.bound_address(0).port);
    ASSERT_TRUE(crowd.back().connected) << i;
  }
  // All but those between the caps are closed without a byte.
  size_t open = 0;
  for (const RawClient& client : crowd) open += !client.closed_by_server(open < 9 ? 200 : 10000);
  EXPECT_EQ(open, 9u);
  EXPECT_EQ(server.metrics().active, 1009u);
  EXPECT_EQ(server.metrics().peak, 1009u);
  for (size_t i = 0; i < healthy_count; i += 50) EXPECT_TRUE(healthy[i].get("/").ok());
  crowd.clear();
  EXPECT_TRUE(eventually([&] { return server.metrics().active == healthy_count; }));
  healthy.clear();
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
}

TEST(Connection, IdleIsClosedWithoutAnswerAndBusyIsNot) {
  InterfaceConfig config;
  config.idle_timeout = std::chrono::milliseconds(1500);
  TestServer server(config);
  HttpClient busy = server.connect(), idle = server.connect();
  const RawClient silent(server.server.bound_address(0).port);  // not even a handshake
  ASSERT_TRUE(idle.get("/").ok());
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(busy.get("/").ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(idle.receive_until_closed().value(), "");
  EXPECT_TRUE(silent.closed_by_server());
  EXPECT_TRUE(busy.get("/").ok());
  EXPECT_EQ(server.metrics().active, 1u);
}

TEST(Connection, NoIdleTimeoutMeansNone) {
  InterfaceConfig config = plain();
  config.idle_timeout = std::nullopt;
  TestServer server(config);
  HttpClient client = server.connect();
  EXPECT_FALSE(client.closed_within(std::chrono::milliseconds(1200)));
  EXPECT_TRUE(client.get("/").ok());
}

TEST(Connection, PlainClientVanishesAtEveryByte) {
  TestServer server(plain());
  const uint16_t port = server.server.bound_address(0).port;
  const std::string request = format_request(http::Method::post, "/a?b", "host", "the body", {});
  std::string response;
  {
    const RawClient client(port);
    client.send(request);
    response = client.receive(SIZE_MAX, 200);
    ASSERT_GT(response.size(), 50u);
  }
  for (const bool reset : {false, true}) {
    for (size_t sent = 0; sent <= request.size(); ++sent) {
      const RawClient client(port);
      if (reset) client.reset_on_close();
      client.send(std::string_view(request).substr(0, sent));
    }
    for (size_t read = 1; read <= response.size(); ++read) {
      const RawClient client(port);
      if (reset) client.reset_on_close();
      client.send(request);
      ASSERT_EQ(client.receive(read), response.substr(0, read));
    }
  }
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  EXPECT_EQ(server.metrics().errors, ErrorCounts{});
  EXPECT_TRUE(server.connect().get("/").ok());
}

/// A TLS client of which only the first `budget` bytes ever reach the server. Returns how many it
/// wanted to send in all.
size_t handshake_and_request(uint16_t port, size_t budget, bool reset) {
  const RawClient tcp(port);
  if (reset) tcp.reset_on_close();
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set1_groups_list(context, "P-256");
  SSL* ssl = SSL_new(context);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in, out);
  SSL_set_connect_state(ssl);
  const std::string request = format_request(http::Method::get, "/", "host", "", {});
  size_t wanted = 0;
  bool asked = false, answered = false;
  char buffer[16384];
  while (!answered) {
    ERR_clear_error();
    if (!SSL_is_init_finished(ssl)) {
      SSL_do_handshake(ssl);
    } else if (!asked) {
      asked = SSL_write(ssl, request.data(), static_cast<int>(request.size())) > 0;
    } else {
      answered = SSL_read(ssl, buffer, sizeof buffer) > 0;
    }
    const int produced = BIO_read(out, buffer, sizeof buffer);
    if (produced > 0) {
      const size_t allowed =
          std::min(static_cast<size_t>(produced), budget - std::min(wanted, budget));
      tcp.send({buffer, allowed});
      wanted += static_cast<size_t>(produced);
      if (wanted > budget) break;
    } else if (!answered && (!SSL_is_init_finished(ssl) || asked)) {
      const std::string got = tcp.receive(1);
      if (got.empty()) break;
      BIO_write(in, got.data(), static_cast<int>(got.size()));
      const std::string more = tcp.receive(sizeof buffer, 0);
      BIO_write(in, more.data(), static_cast<int>(more.size()));
    }
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  return wanted;
}

TEST(Connection, TlsClientVanishesAtEveryByte) {
  TestServer server;
  const uint16_t port = server.server.bound_address(0).port;
  const size_t all = handshake_and_request(port, SIZE_MAX, false);
  ASSERT_GT(all, 200u);
  ASSERT_EQ(server.handler.handled, 1u);
  for (size_t budget = 0; budget < all; ++budget) {
    handshake_and_request(port, budget, budget % 2 == 0);
  }
  EXPECT_EQ(server.handler.handled, 1u);
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  EXPECT_TRUE(server.connect().get("/").ok());
}

TEST(Connection, GarbageInsteadOfTlsIsHarmless) {
  TestServer server;
  for (int i = 0; i < 200; ++i) {
    const RawClient client(server.server.bound_address(0).port);
    std::string garbage;
    for (int j = 0; j < 50; ++j) garbage += static_cast<char>(i * 7 + j * j * 31);
    client.send(i % 2 == 0 ? garbage : "\x16\x03\x01\x02" + garbage);
  }
  EXPECT_TRUE(eventually([&] { return server.metrics().active == 0; }));
  EXPECT_TRUE(server.connect().get("/").ok());
}

TEST(Connection, SurvivesTheLackOfDescriptors) {
  TestServer server(plain());
  HttpClient before = server.connect();
  ASSERT_TRUE(before.get("/").ok());
  const uint16_t port = server.server.bound_address(0).port;

  rlimit old{};
  getrlimit(RLIMIT_NOFILE, &old);
  // Few enough that all can be used up quickly.
  const int highest = ::open("/dev/null", O_RDONLY);
  rlimit low = old;
  low.rlim_cur = static_cast<rlim_t>(highest) + 20;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> hoard{highest};
  for (int fd; (fd = ::open("/dev/null", O_RDONLY)) >= 0;) hoard.push_back(fd);
  ::close(hoard.back());  // one for the client's end, none for the server's
  hoard.pop_back();
  {
    const RawClient unlucky(port);
    ASSERT_TRUE(unlucky.connected);
    EXPECT_TRUE(unlucky.closed_by_server());
    EXPECT_TRUE(before.get("/").ok());  // those that are open go on
  }
  for (const int fd : hoard) ::close(fd);
  setrlimit(RLIMIT_NOFILE, &old);
  EXPECT_TRUE(eventually([&] {
    auto after = server.try_connect();
    return after.ok() && after->get("/").ok();
  }));
}

}  // namespace
}  // namespace entente::net
