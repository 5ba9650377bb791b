// What a TLS scanner sees of a server.

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "net/test_support.h"

namespace entente::net {
namespace {

using test::Identity;
using test::TestServer;

struct Offer {
  int version = 0;  ///< 0: any
  const char* suites12 = nullptr;
  const char* suites13 = nullptr;
  const char* groups = nullptr;
  std::vector<std::string> alpn;
};

struct Agreed {
  bool ok = false;
  std::string version, suite, alpn;
  int group = 0;
  bool resumable = false;
  int chain_length = 0;
};

/// One handshake by OpenSSL's own client on a blocking socket.
Agreed handshake(const TestServer& server, const Offer& offer) {
  HttpClientOptions tcp = server.client_options();
  tcp.tls = false;
  auto link = HttpClient::connect(tcp);
  Agreed agreed;
  if (!link) return agreed;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (offer.version != 0) {
    SSL_CTX_set_min_proto_version(context, offer.version);
    SSL_CTX_set_max_proto_version(context, offer.version);
  }
  if (offer.version != 0 && offer.version < TLS1_2_VERSION) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  }
  if (offer.suites12 != nullptr) SSL_CTX_set_cipher_list(context, offer.suites12);
  if (offer.suites13 != nullptr) SSL_CTX_set_ciphersuites(context, offer.suites13);
  if (offer.groups != nullptr) SSL_CTX_set1_groups_list(context, offer.groups);
  std::string names;
  for (const auto& name : offer.alpn) names += static_cast<char>(name.size()) + name;
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(names.data()),
                          static_cast<unsigned int>(names.size()));
  SSL* ssl = SSL_new(context);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in, out);
  SSL_set_connect_state(ssl);
  for (int turn = 0; turn < 20 && !agreed.ok; ++turn) {
    agreed.ok = SSL_do_handshake(ssl) == 1;
    char buffer[16384];
    const int produced = BIO_read(out, buffer, sizeof buffer);
    if (produced > 0 && !link->send_raw({buffer, static_cast<size_t>(produced)})) break;
    if (agreed.ok) break;
    const auto got = link->receive_some();
    if (!got) break;
    BIO_write(in, got->data(), static_cast<int>(got->size()));
  }
  if (agreed.ok) {
    // A request and its answer, so that a ticket would have come with it.
    const std::string request = format_request(http::Method::get, "/", "x", "", {});
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    char buffer[16384];
    const int produced = BIO_read(out, buffer, sizeof buffer);
    EXPECT_TRUE(link->send_raw({buffer, static_cast<size_t>(produced)}).ok());
    if (const auto got = link->receive_some(); got.ok()) {
      BIO_write(in, got->data(), static_cast<int>(got->size()));
      SSL_read(ssl, buffer, sizeof buffer);
    }
    agreed.version = SSL_get_version(ssl);
    agreed.suite = SSL_get_cipher_name(ssl);
    agreed.group = static_cast<int>(SSL_get_negotiated_group(ssl));
    agreed.chain_length = sk_X509_num(SSL_get_peer_cert_chain(ssl));
    agreed.resumable = SSL_SESSION_is_resumable(SSL_get_session(ssl)) == 1;
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    agreed.alpn.assign(reinterpret_cast<const char*>(name), size);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  return agreed;
}

TEST(Tls, VersionsAndSuitesInTheServersOrder) {
  TestServer server;
  EXPECT_FALSE(handshake(server, {.version = TLS1_VERSION}).ok);
  EXPECT_FALSE(handshake(server, {.version = TLS1_1_VERSION}).ok);
  // The client prefers the other order; the server's wins.
  EXPECT_EQ(handshake(server, {.version = TLS1_2_VERSION,
                               .suites12 = "ECDHE-ECDSA-CHACHA20-POLY1305:"
                                           "ECDHE-ECDSA-AES128-GCM-SHA256:"
                                           "ECDHE-ECDSA-AES256-GCM-SHA384"})
                .suite,
            "ECDHE-ECDSA-AES256-GCM-SHA384");
  EXPECT_EQ(
      handshake(server, {.version = TLS1_2_VERSION, .suites12 = "ECDHE-ECDSA-AES128-GCM-SHA256"})
          .suite,
      "ECDHE-ECDSA-AES128-GCM-SHA256");
  EXPECT_EQ(handshake(server, {.version = TLS1_3_VERSION,
                               .suites13 = "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:"
                                           "TLS_AES_256_GCM_SHA384"})
                .suite,
            "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(handshake(server, {}).version, "TLSv1.3");
  for (const char* refused : {"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-SHA384",
                              "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"}) {
    EXPECT_FALSE(handshake(server, {.version = TLS1_2_VERSION, .suites12 = refused}).ok) << refused;
  }
  EXPECT_FALSE(
      handshake(server, {.version = TLS1_3_VERSION, .suites13 = "TLS_CHACHA20_POLY1305_SHA256"})
          .ok);
}

TEST(Tls, GroupsInTheServersOrder) {
  TestServer server;
  struct Row {
    int version;
    const char* offered;
    int agreed;  ///< 0: none
  };
  // In TLS 1.2 the list must also name the group of the server's key, P-384 here.
  const Row rows[] = {
      {TLS1_3_VERSION, "P-521", NID_secp521r1},
      {TLS1_3_VERSION, "P-384", NID_secp384r1},
      {TLS1_3_VERSION, "P-256", NID_X9_62_prime256v1},
      {TLS1_3_VERSION, "X25519:P-256", NID_X9_62_prime256v1},
      {TLS1_3_VERSION, "X25519", 0},
      {TLS1_3_VERSION, "ffdhe2048", 0},
      {TLS1_2_VERSION, "P-256:P-384:P-521", NID_secp521r1},
      {TLS1_2_VERSION, "P-256:P-384", NID_secp384r1},
      {TLS1_2_VERSION, "X25519:P-384", NID_secp384r1},
      {TLS1_2_VERSION, "X25519", 0},
  };
  for (const Row& row : rows) {
    const Agreed agreed = handshake(server, {.version = row.version, .groups = row.offered});
    EXPECT_EQ(agreed.ok, row.agreed != 0) << row.offered;
    EXPECT_EQ(agreed.group, row.agreed) << row.offered;
  }
}

TEST(Tls, AlpnFollowsTheInterface) {
  struct Row {
    AppProtocol protocol;
    std::vector<std::string> offered;
    const char* selected;
  };
  const Row rows[] = {
      {AppProtocol::http1, {"h2", "http/1.1"}, "http/1.1"},
      {AppProtocol::http1, {"h2"}, ""},
      {AppProtocol::http1, {}, ""},
      {AppProtocol::http2, {"http/1.1", "h2"}, "h2"},
      {AppProtocol::http2, {"http/1.1"}, ""},
      {AppProtocol::both, {"http/1.1", "h2"}, "h2"},
      {AppProtocol::both, {"http/1.1"}, "http/1.1"},
      {AppProtocol::both, {"spdy"}, ""},
  };
  for (const Row& row : rows) {
    InterfaceConfig config;
    config.app_protocol = row.protocol;
    TestServer server(config);
    const Agreed agreed = handshake(server, {.alpn = row.offered});
    EXPECT_TRUE(agreed.ok);  // never an alert
    EXPECT_EQ(agreed.alpn, row.selected);
  }
}

TEST(Tls, NoResumptionAndExactlyTheConfiguredChain) {
  TestServer server;
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Agreed agreed = handshake(server, {.version = version});
    ASSERT_TRUE(agreed.ok);
    EXPECT_FALSE(agreed.resumable);
    EXPECT_EQ(agreed.chain_length, 1);
  }
  const Identity& own = test::server_identity();
  const Identity other = test::make_identity("issuer");
  ASSERT_TRUE(
      server.server.set_certificate(0, own.certificate_pem + other.certificate_pem, own.key_pem)
          .ok());
  EXPECT_EQ(handshake(server, {}).chain_length, 2);
}

TEST(Tls, AnyClientCertificateIsTakenAndItsLeafKept) {
  TestServer server({}, {}, [](size_t, Exchange& exchange) {
    exchange.response().set_body(to_bytes(exchange.session().client_certificate_der),
                                 "application/octet-stream");
  });
  const Identity identities[] = {test::make_identity("user"),
                                 test::make_identity("expired", "P-256", -10, -5),
                                 test::make_identity("future", "P-521", 5, 10)};
  for (const Identity& identity : identities) {
    HttpClientOptions options = server.client_options();
    options.client_certificate_pem = identity.certificate_pem;
    options.client_key_pem = identity.key_pem;
    auto client = HttpClient::connect(options);
    ASSERT_TRUE(client.ok()) << client.error().message;
    const auto reply = client->get("/");
    ASSERT_TRUE(reply.ok()) << reply.error().message;
    BIO* text = BIO_new_mem_buf(identity.certificate_pem.data(), -1);
    X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    EXPECT_EQ(reply->body, std::string(reinterpret_cast<char*>(der), static_cast<size_t>(size)));
    OPENSSL_free(der);
    X509_free(certificate);
    BIO_free(text);
  }
  EXPECT_EQ(server.connect().get("/")->body, "");  // none is required
}

TEST(Tls, ClientPinsTheServer) {
  TestServer server;
  HttpClientOptions options = server.client_options();
  options.check_host = true;
  auto trusted = HttpClient::connect(options);
  ASSERT_TRUE(trusted.ok()) << trusted.error().message;
  EXPECT_EQ(trusted->server_certificate_pem(), test::server_identity().certificate_pem);
  options.trusted_pem = test::make_identity("server").certificate_pem;
  const auto refused = HttpClient::connect(options);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("not trusted"), std::string::npos)
      << refused.error().message;
}

}  // namespace
}  // namespace entente::net
