#include "rpc/jwt.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/rsa.h"
#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;
using test::summary;

constexpr std::string_view issuer = "https://issuer.example";

class JwtTest : public testing::Test {
 protected:
  JwtTest() {
    service.app()
        .make_read_only_endpoint("/who", Method::get,
                                 [](ReadOnlyEndpointContext& ctx) {
                                   const auto& caller = ctx.call.caller<JwtIdentity>();
                                   ctx.call.set_body(caller.key_issuer + " " +
                                                     json::dump(caller.header) + " " +
                                                     json::dump(caller.payload));
                                 },
                                 {auth::jwt()})
        .install();
    service.start();
  }

  static const crypto::RsaKeyPair& rsa() {
    static const auto key = crypto::RsaKeyPair::generate(2048);
    return key;
  }
  static const crypto::KeyPair& ec() {
    static const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    return key;
  }
  static json::object entry(const Bytes& der, std::string_view key_issuer,
                            std::optional<std::string> constraint = {}) {
    json::object out{{"issuer", key_issuer}, {"public_key", to_base64(der)}};
    if (constraint) out.emplace("constraint", *constraint);
    return out;
  }
  void store_keys(std::string_view kid, json::array entries) {
    service.put(tables::jwt_keys, kid, json::dump(entries));
  }
  static std::string encode(const json::value& part) {
    return to_base64url(as_bytes(json::dump(part)));
  }
  static std::string sign_rsa(const json::value& header, const json::value& payload) {
    const std::string text = encode(header) + "." + encode(payload);
    return text + "." + to_base64url(rsa().sign_rs256(as_bytes(text)));
  }
  static std::string sign_ec(const json::value& header, const json::value& payload) {
    const std::string text = encode(header) + "." + encode(payload);
    return text + "." + to_base64url(ec().sign_raw(as_bytes(text)));
  }
  double now() const { return static_cast<double>(service.clock.unix.count()); }
  json::object claims() const {
    return {{"iss", issuer}, {"exp", service.clock.unix.count() + 60}};
  }
  static json::object header(std::string_view alg = "RS256") {
    return {{"alg", alg}, {"kid", "k1"}, {"typ", "JWT"}};
  }
  /// Of a GET with that authorization header: `200 …` or the detail's message.
  std::string authorize(const std::string& value) {
    const auto response = service.get_request("/app/who", {{"authorization", value}});
    if (response.status != 401) return summary(response);
    return std::string(
        test::body_json(response).at("error").at("details").at(0).at("message").get_string());
  }
  std::string bear(const std::string& token) { return authorize("Bearer " + token); }

  test::Service service;
};

TEST_F(JwtTest, accepts_rs256_and_es256) {
  store_keys("k1", {entry(rsa().public_key().der(), issuer)});
  EXPECT_EQ(bear(sign_rsa(header(), claims())),
            "200 https://issuer.example " + json::dump(header()) + " " + json::dump(claims()));
  store_keys("k1", {entry(ec().public_key().der(), issuer)});
  EXPECT_EQ(bear(sign_ec(header("ES256"), claims())).substr(0, 3), "200");
  EXPECT_EQ(bear(sign_rsa(header(), claims())), "Signature verification failed");
}

TEST_F(JwtTest, the_stored_key_decides_the_algorithm) {
  store_keys("k1", {entry(ec().public_key().der(), issuer)});
  EXPECT_EQ(bear(sign_ec(header("RS256"), claims())).substr(0, 3), "200");
}

TEST_F(JwtTest, authorization_header) {
  EXPECT_EQ(summary(service.get_request("/app/who")).substr(0, 3), "401");
  EXPECT_EQ(authorize("Bearer"), "Authorization header only contains one field");
  EXPECT_EQ(authorize("Basic abc"), "Authorization header does not have Bearer scheme");
  EXPECT_EQ(authorize("bearer abc"), "Authorization header does not have Bearer scheme");
  for (const char* token : {"", "a", "a.b", "a.b.c.d"}) {
    EXPECT_EQ(bear(token), "Malformed JWT: must contain exactly 3 parts") << token;
  }
  EXPECT_EQ(bear("!.e30.e30"), "Malformed JWT: a part is not base64url");
  EXPECT_EQ(bear(to_base64url(as_bytes("{")) + ".e30.e30").substr(0, 40),
            "JWT header or payload is not valid JSON:");
  EXPECT_EQ(bear("MQ.e30.e30"), "JWT header or payload is not an object");
  EXPECT_EQ(bear("e30.MQ.e30"), "JWT header or payload is not an object");
}

TEST_F(JwtTest, schema_is_checked_before_the_key_is_looked_up) {
  const auto with_header = [&](const json::object& used) { return bear(sign_rsa(used, claims())); };
  EXPECT_EQ(with_header({{"kid", "k1"}}),
            "JWT header does not follow schema: Missing required field 'alg'");
  EXPECT_EQ(with_header({{"alg", "RS256"}}),
            "JWT header does not follow schema: Missing required field 'kid'");
  EXPECT_EQ(with_header({{"alg", "none"}, {"kid", "k1"}}),
            "JWT header does not follow schema: At #/alg: Expected RS256 or ES256");
  EXPECT_EQ(with_header({{"alg", "RS256"}, {"kid", 1}}),
            "JWT header does not follow schema: At #/kid: Expected a string");
  const auto without = [&](const char* claim) {
    auto some = claims();
    some.erase(claim);
    return bear(sign_rsa(header(), some));
  };
  EXPECT_EQ(without("exp"), "JWT payload is missing required field: exp");
  EXPECT_EQ(without("iss"), "JWT payload is missing required field: iss");
  const auto with = [&](const char* claim, const json::value& value) {
    auto more = claims();
    more[claim] = value;
    return bear(sign_rsa(header(), more));
  };
  EXPECT_EQ(with("exp", "soon"), "JWT payload is missing required field: exp must be a number");
  EXPECT_EQ(with("nbf", "now"), "JWT payload is missing required field: nbf must be a number");
  EXPECT_EQ(with("tid", 1), "JWT payload is missing required field: tid must be a string");
  EXPECT_EQ(bear(sign_rsa(header(), claims())), "JWT signing key not found for kid k1");
}

TEST_F(JwtTest, times_are_compared_without_leeway_after_the_signature) {
  store_keys("k1", {entry(rsa().public_key().der(), issuer, "https://other.example")});
  const auto with = [&](std::initializer_list<std::pair<const char*, json::value>> changes) {
    auto changed = claims();
    for (const auto& [claim, value] : changes) changed[claim] = value;
    return bear(sign_rsa(header(), changed));
  };
  const std::string t = std::to_string(service.clock.unix.count());
  const std::string before = std::to_string(service.clock.unix.count() - 1);
  const std::string after = std::to_string(service.clock.unix.count() + 1);
  const std::string passed = "Kid k1 failed issuer constraint validation https://other.example";
  EXPECT_EQ(with({{"exp", now() - 1}}),
            "Current time " + t + " is after token's Expiration Time (exp) claim " + before);
  EXPECT_EQ(with({{"nbf", now() + 1}}),
            "Current time " + t + " is before token's Not Before (nbf) claim " + after);
  EXPECT_EQ(with({{"exp", now()}, {"nbf", now()}}), passed) << "then the constraint";
  EXPECT_EQ(with({{"exp", now() + 0.5}}), passed);
  EXPECT_EQ(with({{"exp", static_cast<uint64_t>(service.clock.unix.count())}}), passed);
  auto expired = claims();
  expired["exp"] = 1;
  std::string token = sign_rsa(header(), expired);
  token.back() = token.back() == 'A' ? 'Q' : 'A';
  EXPECT_EQ(bear(token), "Signature verification failed") << "the signature comes before the times";
}

TEST_F(JwtTest, every_altered_byte_is_refused) {
  store_keys("k1", {entry(ec().public_key().der(), issuer)});
  const std::string token = sign_ec(header("ES256"), claims());
  ASSERT_EQ(bear(token).substr(0, 3), "200");
  for (size_t i = 0; i < token.size(); ++i) {
    std::string altered = token;
    altered[i] = altered[i] == 'B' ? 'C' : 'B';
    EXPECT_NE(bear(altered).substr(0, 3), "200") << i;
  }
}

TEST_F(JwtTest, two_issuers_may_share_a_kid) {
  store_keys("k1", {entry(rsa().public_key().der(), "one", "https://one.example"),
                    entry(rsa().public_key().der(), "two", "https://two.example"),
                    entry(ec().public_key().der(), "three")});
  const auto from = [&](std::string_view iss) {
    auto changed = claims();
    changed["iss"] = iss;
    return bear(sign_rsa(header(), changed)).substr(0, 7);
  };
  EXPECT_EQ(from("https://one.example"), "200 one");
  EXPECT_EQ(from("https://two.example"), "200 two");
  EXPECT_EQ(from("https://three.example"), "Kid k1 ") << "not the last key's signature failure";
  EXPECT_EQ(bear(sign_ec(header("ES256"), claims())).substr(0, 9), "200 three");
}

TEST_F(JwtTest, unusable_stored_keys_verify_nothing) {
  store_keys("k1", {entry(to_bytes("garbage"), issuer)});
  EXPECT_EQ(bear(sign_rsa(header(), claims())), "Signature verification failed");
}

bool satisfied(std::string_view iss, std::optional<std::string> tid, std::string_view constraint) {
  jwt::Token token;
  token.issuer = iss;
  token.tenant = std::move(tid);
  return jwt::issuer_satisfies(token, constraint);
}

TEST(JwtConstraint, of_an_ordinary_issuer) {
  EXPECT_TRUE(satisfied("https://a.example", {}, "https://a.example"));
  EXPECT_TRUE(satisfied("plain", {}, "plain"));
  EXPECT_FALSE(satisfied("https://a.example/", {}, "https://a.example"));
  EXPECT_FALSE(satisfied("https://a.example", "tenant", "https://a.example"));
  EXPECT_FALSE(satisfied("https://login.microsoftonline.com.evil/x", "x",
                         "https://login.microsoftonline.com.evil/{tenantid}"));
}

TEST(JwtConstraint, of_a_multi_tenant_issuer) {
  const std::string base = "https://login.microsoftonline.com/";
  const std::string any = base + "{tenantid}/v2.0";
  EXPECT_TRUE(satisfied(base + "t1/v2.0", "t1", any));
  EXPECT_TRUE(satisfied(base + "t1/v2.0", "t1", base + "t1/v2.0"));
  EXPECT_FALSE(satisfied(base + "t1/v2.0", "t2", any));
  EXPECT_FALSE(satisfied(base + "t1/v2.0", {}, any));
  EXPECT_FALSE(satisfied(base + "t1/v2.0", "t2", base + "t1/v2.0"));
  EXPECT_FALSE(satisfied(base + "{tenantid}/v2.0", "{tenantid}", any));
  EXPECT_FALSE(satisfied("https://evil/t1/v2.0", "t1", any));
  EXPECT_FALSE(satisfied(base + "t1/x/v2.0", "t1/x", any)) << "not the first segment";
}

}  // namespace
}  // namespace entente::rpc
