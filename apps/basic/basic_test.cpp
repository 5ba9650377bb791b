#include "basic.h"

#include <gtest/gtest.h>

#include "rpc/test_service.h"

namespace {

using namespace entente;
using http::Method;
using rpc::test::body_text;
using rpc::test::header_of;
using rpc::test::summary;

struct Basic : testing::Test {
  void start(void (*register_endpoints)(EndpointRegistry&, NodeContext&)) {
    register_endpoints(service.app(), service.node);
    service.start();
  }
  void show_user() {
    const auto certificate = rpc::test::make_certificate(
        crypto::KeyPair::generate(crypto::Curve::p256), service.clock.unix - UnixTime(1));
    service.put(rpc::tables::users_certs, certificate.id(), certificate.pem());
    service.show_certificate(certificate);
  }
  rpc::test::Service service;
};

TEST_F(Basic, RecordsAreStoredAsTheyAre) {
  start(basic::register_endpoints);
  show_user();
  const std::string bytes = {'\0', '\xff', '\n', 'x'};
  const auto put = service.send(Method::put, "/app/records/a%20b", bytes);
  EXPECT_EQ(summary(put), "204");
  EXPECT_NE(header_of(put, "x-ms-ccf-transaction-id"), "(absent)");
  const auto got = service.get_request("/app/records/a%20b");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(body_text(got), bytes);
  EXPECT_EQ(header_of(got, "content-type"), "text/plain");
  EXPECT_EQ(summary(service.send(Method::put, "/app/records/empty", "")), "204");
  EXPECT_EQ(service.get_request("/app/records/empty").status, 200);
  EXPECT_EQ(summary(service.get_request("/app/records/none")),
            "404 InvalidResourceName: No such key");
}

TEST_F(Basic, AnObjectIsStoredInOneTransaction) {
  start(basic::register_endpoints);
  show_user();
  const size_t before = service.commits.size();
  EXPECT_EQ(summary(service.send(Method::post, "/app/records", R"({"a":"1","b":"2","ü":""})")),
            "204");
  EXPECT_EQ(service.commits.size(), before + 1);
  EXPECT_EQ(service.get("records", "a"), "1");
  EXPECT_EQ(service.get("records", "ü"), "");
  const auto bad = service.send(Method::post, "/app/records", R"({"c":"3","d":4})");
  EXPECT_EQ(bad.status, 400);
  EXPECT_EQ(service.get("records", "c"), std::nullopt);
}

TEST_F(Basic, OnlyUsersAreServed) {
  start(basic::register_endpoints);
  EXPECT_EQ(service.send(Method::put, "/app/records/a", "1").status, 401);
  EXPECT_EQ(service.get_request("/app/records/a").status, 401);
  EXPECT_EQ(service.send(Method::post, "/app/records", "{}").status, 401);
}

TEST_F(Basic, TheOpenVariantServesEverybody) {
  start(basic::register_open_endpoints);
  EXPECT_EQ(summary(service.send(Method::put, "/app/records/a", "1")), "204");
  EXPECT_EQ(summary(service.get_request("/app/records/a")), "200 1");
}

}  // namespace
