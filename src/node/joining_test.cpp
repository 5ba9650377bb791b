#include "node/joining.h"

#include <gtest/gtest.h>

#include "crypto/x509_issue.h"
#include "net/test_support.h"
#include "tee/virtual_platform.h"

namespace entente::node {
namespace {

using net::test::TestServer;

TEST(Joining, GoesBackToItsTargetWhenThePrimaryThatItNamedDoesNotAnswer) {
  // Says first that the primary is where nobody listens, and then that the node is not wanted.
  std::atomic<int> asked{0};
  net::InterfaceConfig config;
  config.tls = true;
  TestServer backup(config, {}, [&](size_t, net::Exchange& exchange) {
    http::Response& response = exchange.response();
    if (++asked == 1) {
      response.status = http::status::permanent_redirect;
      response.set_header("location", "https://127.0.0.1:1/node/join");
    } else {
      response.status = http::status::bad_request;
    }
  });

  const auto key = crypto::KeyPair::generate(crypto::Curve::p384);
  const auto certificate =
      crypto::self_signed_identity(key, "CN=node", {system_clock().unix_time(), 10});
  ASSERT_TRUE(certificate.ok());
  Join target;
  target.target_rpc_address = {"127.0.0.1", backup.client_options().port};
  target.retry_timeout = std::chrono::milliseconds(1);
  const JoinParty party{target,
                        net::test::server_identity().certificate_pem,
                        certificate->pem(),
                        key,
                        NodeId{key.public_key().id()},
                        std::chrono::seconds(60)};
  const JoinRequest request{{},
                            "127.0.0.1:2",
                            tee::virtual_platform::make_evidence(key.public_key().digest(), {}),
                            "",
                            SeqNo{0},
                            *crypto::make_request(key, "CN=node", {}),
                            std::nullopt};
  // The limit only bounds a failing test.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto outcome = join(party, request, [&] { return std::chrono::steady_clock::now() > end; });
  EXPECT_TRUE(std::holds_alternative<JoinRefused>(outcome));
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace entente::node
