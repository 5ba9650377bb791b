// Who and what is refused: strangers, impostors, other protocols, broken frames.

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "net/link_address.h"
#include "net/link_frame.h"
#include "net/link_test_support.h"
#include "net/link_tls.h"
#include "net/tls_context.h"

namespace entente::net {
namespace {

using test::in_time;
using test::LinkNode;
using test::quick;
using test::start_both;

/// A blocking socket, so that a test can say anything on it.
class RawSocket {
 public:
  explicit RawSocket(int fd) : fd_(fd) {
    const timeval patience{.tv_sec = 120, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  static RawSocket connect(const std::string& address) {
    const auto target = numeric_address(*parse_address(address));
    const int fd = ::socket(target->family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(fd, target->get(), target->size), 0);
    return RawSocket(fd);
  }
  RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawSocket& operator=(RawSocket&&) = delete;
  ~RawSocket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  void send(std::string_view text) const {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// Reads until the other side closes; false if it does not.
  bool closed() const {
    char buffer[4096];
    ssize_t got;
    while ((got = ::recv(fd_, buffer, sizeof buffer, 0)) > 0) {
    }
    return got == 0 || errno == ECONNRESET;
  }

 private:
  int fd_;
};

struct RawOptions {
  std::optional<LinkIdentity> identity = test::make_link_identity();
  int version = TLS1_3_VERSION;
  std::string protocol = std::string(link_protocol);  ///< empty: no ALPN
};

/// OpenSSL's own idea of one side of a link, on a blocking socket.
class RawTls {
 public:
  RawTls(RawSocket socket, const RawOptions& options, bool client = true)
      : socket_(std::move(socket)),
        context_(SSL_CTX_new(client ? TLS_client_method() : TLS_server_method()), SSL_CTX_free) {
    SSL_CTX_set_min_proto_version(context_.get(), options.version);
    SSL_CTX_set_max_proto_version(context_.get(), options.version);
    if (options.identity) {
      SSL_CTX_use_certificate(context_.get(), options.identity->certificate.native_handle());
      SSL_CTX_use_PrivateKey(context_.get(), options.identity->key.native_handle());
    }
    begin(options, client);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own sockets raise it
  }
  RawTls(const std::string& address, const RawOptions& options)
      : RawTls(RawSocket::connect(address), options) {}

  ~RawTls() { SSL_free(ssl_); }
  RawTls(const RawTls&) = delete;
  RawTls& operator=(const RawTls&) = delete;

  bool established() const { return established_; }
  bool send(BytesView bytes) {
    ERR_clear_error();
    return SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  bool send_frame(MessageKind kind, BytesView payload) {
    const auto header = frame_header(kind, payload.size());
    Bytes frame(header.begin(), header.end());
    append(frame, payload);
    return send(frame);
  }
  bool closed() const { return socket_.closed(); }

 private:
  void begin(const RawOptions& options, bool client) {
    if (!options.protocol.empty()) {
      const std::string list = static_cast<char>(options.protocol.size()) + options.protocol;
      SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(list.data()),
                              static_cast<unsigned>(list.size()));
      SSL_CTX_set_alpn_select_cb(
          context_.get(),
          [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
             unsigned, void*) {
            *out = in + 1;
            *size = *in;
            return SSL_TLSEXT_ERR_OK;
          },
          nullptr);
    }
    ssl_ = SSL_new(context_.get());
    SSL_set_fd(ssl_, socket_.get());
    established_ = (client ? SSL_connect(ssl_) : SSL_accept(ssl_)) == 1;
  }

  RawSocket socket_;
  std::shared_ptr<SSL_CTX> context_;
  SSL* ssl_ = nullptr;
  bool established_ = false;
};

/// A listening node, and an honest dialler whose link must survive whatever happens.
class LinkRefusalTest : public ::testing::Test {
 protected:
  LinkRefusalTest() : node(quick()), honest(quick()) { start_both(honest, node); }
  void TearDown() override {
    EXPECT_TRUE(honest.send(node, "still here"));
    EXPECT_TRUE(in_time([&] {
      const std::lock_guard guard(node.lock);
      return std::any_of(node.received.begin(), node.received.end(), [&](const auto& message) {
        return message.from == honest.id && message.text() == "still here";
      });
    }));
    EXPECT_EQ(honest.peer(node.id).failures, 0u);
    EXPECT_EQ(node.peer(honest.id).failures, 0u);
  }
  bool refuses(LinkRefusal reason, uint64_t times = 1) {
    return in_time([&] { return node.refused(reason) == times; });
  }
  RawOptions known_node() {
    RawOptions options;
    node.know(NodeId{options.identity->key.public_key().id()});
    return options;
  }

  LinkNode node, honest;
};

TEST_F(LinkRefusalTest, AStrangerUntilItIsKnown) {
  LinkNode stranger(quick());
  stranger.start();
  stranger.links->set_peers({{node.id, node.links->address()}});
  stranger.send(node, "let me in");
  EXPECT_TRUE(in_time([&] { return node.refused(LinkRefusal::unknown_node) > 2; }));
  EXPECT_TRUE(in_time([&] { return stranger.peer(node.id).failures > 2; }));
  EXPECT_EQ(node.received_count(), 0u);
  node.know(stranger.id);
  EXPECT_TRUE(in_time([&] {
    stranger.send(node, "let me in");
    return node.received_count() > 0;
  }));
}

/// A node that this one has not heard of yet, with a certificate of the service.
TEST_F(LinkRefusalTest, AStrangerThatTheServiceVouchesForMayOnlySpeakOfConsensus) {
  const LinkIdentity service = test::make_link_identity();
  LinkNode backup(quick());
  backup.issuer = service.certificate;
  backup.start();
  LinkIdentity identity = test::make_issued_identity(service);
  identity.address = "127.0.0.1:4711";
  LinkNode primary(quick(), identity);
  primary.start();
  primary.links->set_peers({{backup.id, backup.links->address()}});
  primary.send(backup, "entries");
  ASSERT_TRUE(in_time([&] { return backup.received_count() == 1; }));
  {
    const std::lock_guard guard(backup.lock);
    EXPECT_EQ(backup.introductions[primary.id], "127.0.0.1:4711");
  }
  primary.send(backup, "a request", MessageKind::forwarded_request);
  EXPECT_TRUE(in_time([&] { return backup.refused(LinkRefusal::unknown_node) == 1; }));
  EXPECT_EQ(backup.received_count(), 1u);

  // Once it is known, it depends on that alone.
  EXPECT_TRUE(in_time([&] {
    primary.send(backup, "entries");
    return backup.received_count() > 1;
  }));
  backup.know(primary.id);
  primary.send(backup, "a request", MessageKind::forwarded_request);
  ASSERT_TRUE(in_time([&] {
    const std::lock_guard guard(backup.lock);
    return backup.received.back().kind == MessageKind::forwarded_request;
  }));
  backup.forget(primary.id);
  primary.send(backup, "entries");
  EXPECT_TRUE(in_time([&] { return backup.refused(LinkRefusal::unknown_node) == 2; }));
}

TEST_F(LinkRefusalTest, ACertificateOfAnotherServiceVouchesForNobody) {
  LinkNode backup(quick());
  backup.issuer = test::make_link_identity().certificate;
  backup.start();
  LinkNode stranger(quick(), test::make_issued_identity(test::make_link_identity()));
  stranger.start();
  stranger.links->set_peers({{backup.id, backup.links->address()}});
  stranger.send(backup, "entries");
  EXPECT_TRUE(in_time([&] { return backup.refused(LinkRefusal::unknown_node) > 1; }));
  EXPECT_EQ(backup.received_count(), 0u);
}

TEST_F(LinkRefusalTest, IntroductionsThatAreNoneOrComeLate) {
  const RawOptions speaker = known_node();
  uint64_t refused = 0;
  for (const std::string_view text : {"", "nowhere", "host:port", "a:1:2"}) {
    RawTls tls(node.links->address(), speaker);
    EXPECT_TRUE(tls.send_frame(MessageKind::introduction, as_bytes(text)));
    EXPECT_TRUE(tls.closed());
    EXPECT_TRUE(refuses(LinkRefusal::bad_introduction, ++refused));
  }
  RawTls tls(node.links->address(), speaker);
  EXPECT_TRUE(tls.send_frame(MessageKind::introduction, as_bytes("host:1")));
  EXPECT_TRUE(tls.send_frame(MessageKind::introduction, as_bytes("host:2")));
  EXPECT_TRUE(tls.closed());
  EXPECT_TRUE(refuses(LinkRefusal::bad_introduction, ++refused));
  EXPECT_EQ(node.received_count(), 0u);
}

TEST_F(LinkRefusalTest, ANodeThatIsNoLongerKnownIsCutOff) {
  LinkNode expelled(quick());
  node.know(expelled.id);
  expelled.start();
  expelled.links->set_peers({{node.id, node.links->address()}});
  expelled.send(node, "1");
  ASSERT_TRUE(in_time([&] { return node.received_count() == 1; }));
  node.forget(expelled.id);
  expelled.send(node, "2");
  EXPECT_TRUE(in_time([&] { return node.refused(LinkRefusal::unknown_node) > 1; }))
      << "the message, and the next handshake";
  EXPECT_FALSE(node.peer(expelled.id).receiving);
  EXPECT_EQ(node.take_received().size(), 1u);
}

TEST_F(LinkRefusalTest, AListenerWithAnotherKeyThanTheDialledNodes) {
  LinkNode impostor(quick());
  impostor.know(node.id);
  impostor.start();
  const NodeId wanted{std::string(64, 'a')};
  node.links->set_peers(
      {{wanted, impostor.links->address()}, {honest.id, honest.links->address()}});
  node.links->send(wanted, MessageKind::consensus, to_bytes("secret"));
  EXPECT_TRUE(in_time([&] { return node.refused(LinkRefusal::wrong_node) > 1; }));
  EXPECT_FALSE(node.peer(wanted).connected);
  EXPECT_NE(node.peer(wanted).last_error.find(impostor.id.value), std::string::npos);
  EXPECT_EQ(impostor.received_count(), 0u);
}

TEST_F(LinkRefusalTest, AListenerThatSpeaks) {
  LinkOptions options;
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const RawOptions speaker;
  node.links->set_peers({{NodeId{speaker.identity->key.public_key().id()},
                          "127.0.0.1:" + std::to_string(ntohs(address.sin_port))},
                         {honest.id, honest.links->address()}});
  {
    RawTls tls(RawSocket(::accept(listener, nullptr, nullptr)), speaker, false);
    ASSERT_TRUE(tls.established());
    EXPECT_TRUE(tls.send_frame(MessageKind::consensus, as_bytes("listen to me")));
    EXPECT_TRUE(refuses(LinkRefusal::unexpected_data));
    EXPECT_TRUE(tls.closed());
  }
  {
    RawOptions other = speaker;
    other.protocol.clear();
    RawTls tls(RawSocket(::accept(listener, nullptr, nullptr)), other, false);
    EXPECT_TRUE(refuses(LinkRefusal::protocol));
    EXPECT_TRUE(tls.closed());
  }
  ::close(listener);
  EXPECT_EQ(node.received_count(), 0u);
  node.links->set_peers({{honest.id, honest.links->address()}});
}

TEST_F(LinkRefusalTest, WhatIsNotTls) {
  for (const std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\0\0\0\1\1x", 6),
        std::string_view("\x16\x03\x01\xff\xff\xff\xff\xff\xff", 9)}) {
    const uint64_t before = node.refused(LinkRefusal::not_tls);
    const RawSocket socket = RawSocket::connect(node.links->address());
    socket.send(garbage);
    EXPECT_TRUE(socket.closed());
    EXPECT_TRUE(refuses(LinkRefusal::not_tls, before + 1));
  }
}

TEST_F(LinkRefusalTest, OlderTls) {
  RawOptions options = known_node();
  options.version = TLS1_2_VERSION;
  EXPECT_FALSE(RawTls(node.links->address(), options).established());
  EXPECT_TRUE(refuses(LinkRefusal::tls_version));
}

TEST_F(LinkRefusalTest, NoCertificate) {
  RawOptions options;
  options.identity.reset();
  RawTls tls(node.links->address(), options);
  EXPECT_TRUE(tls.closed());
  EXPECT_TRUE(refuses(LinkRefusal::no_certificate));
}

TEST_F(LinkRefusalTest, AnotherProtocolOrNone) {
  RawOptions options = known_node();
  options.protocol = "http/1.1";
  EXPECT_FALSE(RawTls(node.links->address(), options).established());
  EXPECT_TRUE(refuses(LinkRefusal::protocol));
  options.protocol.clear();
  RawTls tls(node.links->address(), options);
  EXPECT_TRUE(tls.closed());
  EXPECT_TRUE(refuses(LinkRefusal::protocol, 2));
}

TEST_F(LinkRefusalTest, ACertificateWithAKeyThatNoNodeHas) {
  // RawOptions only knows EC keys, so this one is put together by hand.
  EVP_PKEY* const key = EVP_RSA_gen(2048);
  X509* const certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  const std::string list = "\x0e" + std::string(link_protocol);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(list.data()), 15);
  const RawSocket socket = RawSocket::connect(node.links->address());
  SSL* const ssl = SSL_new(context);
  SSL_set_fd(ssl, socket.get());
  EXPECT_EQ(SSL_connect(ssl), 1);
  EXPECT_TRUE(socket.closed());
  EXPECT_TRUE(refuses(LinkRefusal::unusable_key));
  SSL_free(ssl);
  SSL_CTX_free(context);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST_F(LinkRefusalTest, BrokenFrames) {
  struct Row {
    Bytes bytes;
    LinkRefusal reason;
  };
  const auto oversized = frame_header(MessageKind::consensus, LinkOptions().max_payload + 1);
  const Row rows[] = {
      {{0, 0, 0, 0, 0}, LinkRefusal::unknown_kind},
      {{1, 0, 0, 0, 5, 'x'}, LinkRefusal::unknown_kind},
      {{0xff, 0xff, 0xff, 0xff, 1}, LinkRefusal::oversized},
      {Bytes(oversized.begin(), oversized.end()), LinkRefusal::oversized},
  };
  for (const Row& row : rows) {
    const uint64_t before = node.refused(row.reason);
    RawTls tls(node.links->address(), known_node());
    ASSERT_TRUE(tls.established());
    EXPECT_TRUE(tls.send_frame(MessageKind::consensus, as_bytes("good")));
    EXPECT_TRUE(tls.send(row.bytes));
    EXPECT_TRUE(tls.closed());
    EXPECT_TRUE(refuses(row.reason, before + 1));
    EXPECT_EQ(node.take_received().size(), 1u) << "what stood before it counts";
  }
}

TEST_F(LinkRefusalTest, ADamagedStream) {
  RawSocket socket = RawSocket::connect(node.links->address());
  const int same = ::dup(socket.get());
  RawTls tls(RawSocket(same), known_node());
  ASSERT_TRUE(tls.established());
  socket.send("\x17\x03\x03");
  socket.send(std::string_view("\x00\x20", 2));
  socket.send(std::string(0x20, 'x'));
  EXPECT_TRUE(socket.closed());
  EXPECT_TRUE(refuses(LinkRefusal::bad_record));
}

TEST_F(LinkRefusalTest, FramesInPiecesAreNone) {
  RawTls tls(node.links->address(), known_node());
  ASSERT_TRUE(tls.established());
  const auto header = frame_header(MessageKind::forwarded_request, 3);
  for (const uint8_t byte : header) EXPECT_TRUE(tls.send(BytesView(&byte, 1)));
  for (const char* piece : {"a", "b", "c"}) EXPECT_TRUE(tls.send(as_bytes(piece)));
  EXPECT_TRUE(in_time([&] { return node.received_count() == 1; }));
  EXPECT_EQ(node.take_received()[0].text(), "abc");
}

TEST_F(LinkRefusalTest, TheSecondConnectionOfAPeerReplacesTheFirst) {
  const RawOptions options = known_node();
  RawTls first(node.links->address(), options);
  EXPECT_TRUE(first.send_frame(MessageKind::consensus, as_bytes("first")));
  ASSERT_TRUE(in_time([&] { return node.received_count() == 1; }));
  RawTls second(node.links->address(), options);
  EXPECT_TRUE(first.closed());
  EXPECT_TRUE(second.send_frame(MessageKind::consensus, as_bytes("second")));
  EXPECT_TRUE(in_time([&] { return node.received_count() == 2; }));
  EXPECT_TRUE(node.peer(NodeId{options.identity->key.public_key().id()}).receiving);
}

TEST(LinkHandshakes, SilenceIsNotWaitedForLong) {
  LinkOptions options = quick();
  options.connect_timeout = std::chrono::milliseconds(50);
  LinkNode node(options);
  node.start();
  const RawSocket silent = RawSocket::connect(node.links->address());
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(in_time([&] { return node.refused(LinkRefusal::handshake_timeout) == 1; }));
}

TEST(LinkHandshakes, TooManyEndTheOldest) {
  LinkOptions options = quick();
  options.max_handshakes = 4;
  LinkNode node(options), honest(quick());
  std::vector<RawSocket> silent;
  node.know(honest.id);
  node.start();
  for (int i = 0; i < 10; ++i) silent.push_back(RawSocket::connect(node.links->address()));
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(silent[i].closed());
  EXPECT_TRUE(in_time([&] { return node.refused(LinkRefusal::too_many_handshakes) == 6; }));
  honest.start();
  honest.links->set_peers({{node.id, node.links->address()}});
  honest.send(node, "x");
  EXPECT_TRUE(in_time([&] { return node.received_count() == 1; }));
}

TEST(LinkHandshakes, MoreThanTheRateWaitForTheirTurn) {
  LinkOptions options = quick();
  options.handshakes_per_second = 5;
  LinkNode node(options);
  node.start();
  std::vector<RawSocket> crowd;
  for (int i = 0; i < 8; ++i) {
    crowd.push_back(RawSocket::connect(node.links->address()));
    crowd.back().send("not TLS at all");
  }
  for (const RawSocket& one : crowd) EXPECT_TRUE(one.closed());
  EXPECT_TRUE(in_time([&] { return node.refused(LinkRefusal::not_tls) == 8; }));
}

}  // namespace
}  // namespace entente::net
