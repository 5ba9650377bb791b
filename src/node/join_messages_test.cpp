#include "node/join_messages.h"

#include <gtest/gtest.h>

#include "crypto/x509_issue.h"
#include "tee/virtual_platform.h"

namespace entente::node {
namespace {

constexpr UnixTime now(1'700'000'000);

JoinRequest request() {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  return {{{"node_to_node_interface",
            {{"bind_address", "127.0.0.1:0"}, {"published_address", "10.1.2.3:4"}}},
           {"rpc_interfaces", {{"main", {{"bind_address", "127.0.0.1:1"}}}}}},
          "10.1.2.3:4",
          tee::virtual_platform::make_evidence(key.public_key().digest(), Digest{}),
          crypto::RsaKeyPair::generate().public_key().pem(),
          SeqNo{7},
          *crypto::make_request(key, "CN=node", {}),
          json::value(json::object{{"colour", "blue"}})};
}

Welcome welcome() {
  const auto service_key = crypto::KeyPair::generate(crypto::Curve::p256);
  const auto node_key = crypto::KeyPair::generate(crypto::Curve::p384);
  const auto service = *crypto::self_signed_ca(service_key, "CN=service", {now, 10});
  auto secrets = std::make_shared<ledger::LedgerSecrets>();
  for (const uint64_t start : {1u, 40u}) {
    crypto::SymmetricKey secret;
    std::fill(secret.writable().begin(), secret.writable().end(), static_cast<uint8_t>(start));
    EXPECT_TRUE(secrets->add(SeqNo{start}, secret).ok());
  }
  return {{service_key, service},
          secrets,
          *crypto::issue_from_request(*crypto::make_request(node_key, "CN=node", {}), service_key,
                                      service, {now, 5}),
          "Open",
          "issuer",
          "subject"};
}

TEST(JoinRequest, IsReadAsItWasWritten) {
  const JoinRequest sent = request();
  const auto read = JoinRequest::from_json(sent.to_json());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->address, "10.1.2.3:4");
  EXPECT_EQ(read->node_info_network, sent.node_info_network);
  EXPECT_EQ(read->evidence.quote, sent.evidence.quote);
  EXPECT_EQ(read->startup_seqno, SeqNo{7});
  EXPECT_EQ(read->certificate_signing_request.pem(), sent.certificate_signing_request.pem());
  EXPECT_EQ(*read->node_data, *sent.node_data);
}

TEST(JoinRequest, KeepsNoMemberThatItDoesNotKnow) {
  auto document = request().to_json();
  document.as_object()["node_info_network"].as_object()["status"] = "Trusted";
  EXPECT_FALSE(JoinRequest::from_json(document)->node_info_network.contains("status"));
}

TEST(JoinRequest, EveryMissingOrWrongMemberIsNamed) {
  const json::value good = request().to_json();
  for (const char* name : {"node_info_network", "quote_info", "public_encryption_key",
                           "certificate_signing_request"}) {
    for (const json::value& bad : {json::value(nullptr), json::value(7), json::value("x")}) {
      json::value changed = good;
      changed.as_object()[name] = bad;
      const auto read = JoinRequest::from_json(changed);
      ASSERT_FALSE(read.ok()) << name;
      EXPECT_NE(read.error().message.find(name), std::string::npos) << read.error().message;
    }
    json::value without = good;
    without.as_object().erase(name);
    EXPECT_FALSE(JoinRequest::from_json(without).ok());
  }
  for (const char* address : {"", "host", "host:99999", ":1:2"}) {
    json::value changed = good;
    changed.at("node_info_network").at("node_to_node_interface").as_object()["published_address"] =
        address;
    EXPECT_FALSE(JoinRequest::from_json(changed).ok()) << address;
  }
  for (const json::value& other : {json::value(), json::value(json::array{}), json::value("x")}) {
    EXPECT_FALSE(JoinRequest::from_json(other).ok());
  }
}

TEST(Welcome, IsReadAsItWasWritten) {
  const Welcome sent = welcome();
  const json::value answer =
      json::object{{"node_status", "Trusted"}, {"network_info", sent.to_json()}};
  const auto read = JoinAnswer::from_json(answer);
  ASSERT_TRUE(read.ok()) << read.error().message;
  ASSERT_TRUE(read->welcome);
  EXPECT_EQ(read->welcome->service.certificate, sent.service.certificate);
  EXPECT_EQ(read->welcome->service.key.private_pem(), sent.service.key.private_pem());
  EXPECT_EQ(read->welcome->endorsed_certificate, sent.endorsed_certificate);
  EXPECT_EQ(read->welcome->cose_issuer, "issuer");
  EXPECT_EQ(read->welcome->cose_subject, "subject");
  ASSERT_EQ(read->welcome->secrets->all().size(), 2u);
  EXPECT_EQ(read->welcome->secrets->latest()->start, SeqNo{40});
  EXPECT_TRUE(read->welcome->secrets->latest()->key == sent.secrets->latest()->key);
}

TEST(Welcome, WhoIsTrustedMustBeToldTheSecrets) {
  EXPECT_FALSE(JoinAnswer::from_json(json::object{{"node_status", "Trusted"}}).ok());
  const auto pending = JoinAnswer::from_json(json::object{{"node_status", "Pending"}});
  ASSERT_TRUE(pending.ok());
  EXPECT_FALSE(pending->welcome);
}

TEST(Welcome, EveryMissingOrWrongMemberIsNamed) {
  const json::object good = welcome().to_json();
  for (const char* name : {"ledger_secrets", "identity", "endorsed_certificate"}) {
    for (const json::value& bad :
         {json::value(nullptr), json::value(7), json::value("x"), json::value(json::array{1, 2})}) {
      json::object changed = good;
      changed[name] = bad;
      const json::value document = changed;
      const auto read = Welcome::from_json(json::Reader(document));
      ASSERT_FALSE(read.ok()) << name;
      EXPECT_NE(read.error().message.find(name), std::string::npos) << read.error().message;
    }
  }
  json::object stolen = good;
  stolen["identity"].as_object()["priv_key"] =
      crypto::KeyPair::generate(crypto::Curve::p256).private_pem();
  const json::value document = stolen;
  EXPECT_FALSE(Welcome::from_json(json::Reader(document)).ok());
}

}  // namespace
}  // namespace entente::node
