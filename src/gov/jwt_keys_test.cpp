// Token keys of issuers: which rows a new set changes, what is refused, and that authentication
// reads what is written here.

#include "gov/jwt_keys.h"

#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "gov/effects_fixture.h"

namespace entente::gov {
namespace {

constexpr const char* alice = "https://alice.example.com";
constexpr const char* bob = "https://bob.example.com";

class JwtKeysTest : public testing::Test {
 protected:
  json::object ec_jwk(const std::string& kid, const crypto::KeyPair& key) {
    json::object jwk = crypto::to_jwk(key.public_key());
    jwk["kid"] = kid;
    return jwk;
  }
  static json::value set_of(json::array keys) { return json::object{{"keys", std::move(keys)}}; }
  std::string set(const std::string& issuer, const json::value& key_set) {
    return service.transact(
        [&](kv::Tx& tx) { return set_jwt_public_signing_keys(tx, issuer, key_set); });
  }
  void remove(const std::string& issuer) {
    service.transact([&](kv::Tx& tx) -> Result<void> {
      remove_jwt_public_signing_keys(tx, issuer);
      return {};
    });
  }
  /// `kid: issuer(constraint) …; …`, `1`, `2` for the keys.
  std::string rows() {
    std::string out;
    kv::ReadOnlyTx tx = service.store.begin_read_only(kv::Context::framework);
    tx.ro(tables::jwt_keys).foreach_key([&](BytesView kid) {
      out += to_text(kid) + ":";
      const auto row = tables::get<std::vector<JwtKey>>(tx, tables::jwt_keys, kid);
      for (const JwtKey& key : *row) {
        out += " " + std::string(key.issuer == alice ? "alice" : "bob");
        out += key.public_key == one.public_key().der() ? "1" : "2";
        if (key.constraint) out += "(" + *key.constraint + ")";
      }
      out += "; ";
      return true;
    });
    return out;
  }
  uint64_t version(const std::string& kid) {
    kv::ReadOnlyTx tx = service.store.begin_read_only(kv::Context::framework);
    return tx.ro(tables::jwt_keys).get_version_of_previous_write(as_bytes(kid))->value;
  }

  test::EffectsService service;
  crypto::KeyPair one = crypto::KeyPair::generate(crypto::Curve::p256);
  crypto::KeyPair two = crypto::KeyPair::generate(crypto::Curve::p384);
};

TEST_F(JwtKeysTest, a_set_replaces_the_issuers_own_entries_and_nothing_else) {
  EXPECT_EQ(set(alice, set_of({ec_jwk("a", one), ec_jwk("b", one)})), "");
  EXPECT_EQ(rows(), "a: alice1; b: alice1; ");
  EXPECT_EQ(set(bob, set_of({ec_jwk("b", two), ec_jwk("c", two)})), "");
  EXPECT_EQ(rows(), "a: alice1; b: alice1 bob2; c: bob2; ");
  EXPECT_EQ(set(alice, set_of({ec_jwk("c", one), ec_jwk("a", two)})), "");
  EXPECT_EQ(rows(), "a: alice2; b: bob2; c: bob2 alice1; ");
  remove(bob);
  EXPECT_EQ(rows(), "a: alice2; c: alice1; ");
  remove(bob);
  EXPECT_EQ(rows(), "a: alice2; c: alice1; ");
  remove(alice);
  EXPECT_EQ(rows(), "");
}

TEST_F(JwtKeysTest, what_stays_the_same_is_not_written_again) {
  ASSERT_EQ(set(alice, set_of({ec_jwk("a", one), ec_jwk("b", one)})), "");
  const uint64_t before = version("a");
  ASSERT_EQ(set(alice, set_of({ec_jwk("a", one), ec_jwk("b", two)})), "");
  EXPECT_EQ(version("a"), before);
  EXPECT_GT(version("b"), before);
  auto constrained = ec_jwk("a", one);
  constrained["issuer"] = "https://example.com";
  ASSERT_EQ(set(alice, set_of({constrained, ec_jwk("b", two)})), "");
  EXPECT_GT(version("a"), before);
  EXPECT_EQ(rows(), "a: alice1(https://example.com); b: alice2; ");
}

TEST_F(JwtKeysTest, of_two_keys_under_one_kid_the_first_counts) {
  ASSERT_EQ(set(alice, set_of({ec_jwk("a", two), ec_jwk("a", one)})), "");
  EXPECT_EQ(rows(), "a: alice2; ");
}

TEST_F(JwtKeysTest, rsa_keys_and_certificates) {
  const auto& rsa = test::encryption_key(0).public_key();
  json::object by_numbers = crypto::to_jwk(rsa);
  by_numbers["kid"] = "n";
  const auto certificate = rpc::test::make_certificate(one, service.clock.unix);
  const json::object by_chain{{"kid", "x"},
                              {"kty", "EC"},
                              {"x5c", {to_base64(certificate.der()), "what follows is not read"}}};
  ASSERT_EQ(set(alice, set_of({by_numbers, by_chain})), "");
  kv::ReadOnlyTx tx = service.store.begin_read_only(kv::Context::framework);
  const auto key = [&](std::string_view kid) {
    return tables::get<std::vector<JwtKey>>(tx, tables::jwt_keys, kid)->at(0).public_key;
  };
  EXPECT_EQ(key("n"), rsa.der());
  EXPECT_EQ(key("x"), one.public_key().der());
}

TEST_F(JwtKeysTest, one_bad_key_and_nothing_is_written) {
  ASSERT_EQ(set(alice, set_of({ec_jwk("old", one)})), "");
  const auto with = [&](std::string_view name, json::value value) {
    auto jwk = ec_jwk("bad", two);
    jwk[name] = std::move(value);
    return jwk;
  };
  auto no_kid = ec_jwk("bad", two);
  no_kid.erase("kid");
  json::object bare_key{{"kid", "bad"}, {"x5c", {to_base64(one.public_key().der())}}};
  const std::vector<std::pair<json::value, std::string>> cases{
      {json::object{}, "no array 'keys'"},
      {json::array{}, "no array 'keys'"},
      {json::object{{"keys", 1}}, "no array 'keys'"},
      {set_of({}), "no keys"},
      {set_of({no_kid}), "Missing kid"},
      {set_of({with("kid", 1)}), "Missing kid"},
      {set_of({1}), "Missing kid"},
      {set_of({with("crv", "P-999")}), "bad"},
      {set_of({with("x", "!")}), "bad"},
      {set_of({json::object{{"kid", "bad"}}}), "bad"},
      {set_of({bare_key}), "bad"},
      {set_of({with("issuer", 1)}), "issuer is not a text"},
      {set_of({with("issuer", "https://other.org")}), "does not fit"}};
  for (auto [key_set, expected] : cases) {
    // Behind a good one, where there is a list.
    if (key_set.is_object() && key_set.as_object().contains("keys") &&
        key_set.at("keys").is_array() && !key_set.at("keys").as_array().empty()) {
      auto& keys = key_set.at("keys").as_array();
      keys.insert(keys.begin(), ec_jwk("good", two));
    }
    const std::string error = set(alice, key_set);
    EXPECT_NE(error.find(expected), std::string::npos) << error << " / " << expected;
    EXPECT_NE(error, "");
    EXPECT_EQ(rows(), "old: alice1; ");
  }
  EXPECT_NE(set(alice, set_of(json::array(1001, ec_jwk("k", one)))), "");
}

TEST_F(JwtKeysTest, a_row_that_a_script_spoilt_is_named) {
  service.put(tables::jwt_keys, "spoilt", "{}");
  EXPECT_NE(set(alice, set_of({ec_jwk("spoilt", one)})).find("spoilt"), std::string::npos);
}

TEST(JwtConstraint, same_host_or_a_parent_domain) {
  EXPECT_TRUE(constraint_fits("https://a.example.com", "https://a.example.com/tenant"));
  EXPECT_TRUE(constraint_fits("https://a.example.com:443/x", "https://example.com"));
  EXPECT_TRUE(constraint_fits("https://a.b.example.com", "https://example.com/{tenantid}/v2.0"));
  EXPECT_TRUE(constraint_fits("example.com", "example.com"));
  EXPECT_FALSE(constraint_fits("https://example.com", "https://a.example.com"));
  EXPECT_FALSE(constraint_fits("https://badexample.com", "https://example.com"));
  EXPECT_FALSE(constraint_fits("https://example.com", "https://example.org"));
  EXPECT_FALSE(constraint_fits("https://example.com", ""));
  EXPECT_FALSE(constraint_fits("https://example.com", "https:///path"));
  EXPECT_FALSE(constraint_fits("https://other.org/example.com", "https://example.com"));
}

// ------------------------------------------------------------------------------- the reading side

class JwtAuthenticationTest : public JwtKeysTest {
 protected:
  JwtAuthenticationTest() {
    service.app()
        .make_read_only_endpoint("/who", http::Method::get,
                                 [](ReadOnlyEndpointContext& ctx) {
                                   ctx.call.set_body(ctx.call.caller<JwtIdentity>().key_issuer);
                                 },
                                 {auth::jwt()})
        .install();
    service.start();
  }
  static std::string part(const json::object& object) {
    return to_base64url(as_bytes(json::dump(object)));
  }
  json::object claims(const std::string& issuer) {
    return {{"iss", issuer}, {"exp", service.clock.unix.count() + 100}};
  }
  /// Answer to a token signed by the first key (ES256) or, with `rsa`, by the other (RS256).
  std::string ask(const std::string& kid, const json::object& payload, bool rsa = false) {
    const std::string text =
        part({{"alg", rsa ? "RS256" : "ES256"}, {"kid", kid}}) + "." + part(payload);
    const Bytes signature =
        rsa ? test::encryption_key(0).sign_rs256(as_bytes(text)) : one.sign_raw(as_bytes(text));
    const auto response = service.get_request(
        "/app/who", {{"authorization", "Bearer " + text + "." + to_base64url(signature)}});
    if (response.status == 200) return rpc::test::body_text(response);
    const auto body = rpc::test::body_json(response);
    return std::string(body.at("error").at("details").at(0).at("message").get_string());
  }
};

TEST_F(JwtAuthenticationTest, accepts_tokens_of_the_keys_that_are_set) {
  EXPECT_NE(ask("a", claims(alice)).find("key not found for kid a"), std::string::npos);
  ASSERT_EQ(set(alice, set_of({ec_jwk("a", one)})), "");
  EXPECT_EQ(ask("a", claims(alice)), alice);
  json::object rsa = crypto::to_jwk(test::encryption_key(0).public_key());
  rsa["kid"] = "r";
  ASSERT_EQ(set(bob, set_of({rsa})), "");
  EXPECT_EQ(ask("r", claims(bob), true), bob);
  EXPECT_EQ(ask("a", claims(alice), true), "Signature verification failed");
  remove(alice);
  EXPECT_NE(ask("a", claims(alice)).find("key not found for kid a"), std::string::npos);
  EXPECT_EQ(ask("r", claims(bob), true), bob);
}

TEST_F(JwtAuthenticationTest, constraints_and_times) {
  auto constrained = ec_jwk("a", one);
  constrained["issuer"] = alice;
  ASSERT_EQ(set(alice, set_of({constrained})), "");
  EXPECT_EQ(ask("a", claims(alice)), alice);
  EXPECT_NE(ask("a", claims(bob)).find("failed issuer constraint validation"), std::string::npos);
  auto late = claims(alice);
  late["exp"] = service.clock.unix.count() - 1;
  EXPECT_NE(ask("a", late).find("Expiration Time (exp)"), std::string::npos);
  auto early = claims(alice);
  early["nbf"] = service.clock.unix.count() + 1;
  EXPECT_NE(ask("a", early).find("Not Before (nbf)"), std::string::npos);
  // Setting the issuer's keys again replaces the constraint.
  constrained["issuer"] = "https://example.com";
  ASSERT_EQ(set(alice, set_of({constrained})), "");
  EXPECT_NE(ask("a", claims(alice)).find("failed issuer constraint validation"), std::string::npos);
  EXPECT_EQ(ask("a", claims("https://example.com")), alice);
}

}  // namespace
}  // namespace entente::gov
