// Certificate policies, their combination, and the refusal.

#include <gtest/gtest.h>

#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;
using test::header_of;
using test::summary;

class AuthTest : public testing::Test {
 protected:
  /// GET `path` answers who called.
  void add(const std::string& path, AuthPolicies policies) {
    service.app()
        .make_read_only_endpoint(
            path, Method::get,
            [](ReadOnlyEndpointContext& ctx) {
              ctx.call.set_body(describe(ctx.call.caller().get()));
            },
            std::move(policies))
        .install();
  }
  static std::string describe(const Identity* caller) {
    if (caller == nullptr) return "nobody";
    if (const auto* user = dynamic_cast<const UserCertIdentity*>(caller)) {
      return "user " + user->user_id;
    }
    if (const auto* member = dynamic_cast<const MemberCertIdentity*>(caller)) {
      return "member " + member->member_id;
    }
    if (const auto* any = dynamic_cast<const AnyCertIdentity*>(caller)) {
      return "any " + std::to_string(any->certificate_der.size());
    }
    if (const auto* node = dynamic_cast<const NodeCertIdentity*>(caller)) {
      return "node " + node->node_id;
    }
    if (dynamic_cast<const EmptyIdentity*>(caller) != nullptr) return "empty";
    if (const auto* all = dynamic_cast<const AllOfIdentity*>(caller)) {
      std::string out = all->policy + ":";
      for (const auto& [name, identity] : all->identities) {
        out += " " + name + "(" + describe(identity.get()) + ")";
      }
      return out;
    }
    return "custom";
  }
  std::string get(std::string_view path) { return summary(service.get_request(path)); }
  /// `policy: message` of each detail of a 401.
  std::vector<std::string> refusals(const http::Response& response) {
    std::vector<std::string> out;
    EXPECT_EQ(summary(response),
              "401 InvalidAuthenticationInfo: Invalid authentication credentials.");
    const auto document = test::body_json(response);
    for (const auto& detail : document.at("error").at("details").get_array()) {
      EXPECT_EQ(detail.at("code").get_string(), "InvalidAuthenticationInfo");
      out.push_back(std::string(detail.at("auth_policy").get_string()) + ": " +
                    std::string(detail.at("message").get_string()));
    }
    return out;
  }
  std::vector<std::string> refusals(std::string_view path) {
    return refusals(service.get_request(path));
  }
  using Texts = std::vector<std::string>;

  test::Service service;
  crypto::KeyPair key = crypto::KeyPair::generate(crypto::Curve::p256);
  crypto::Certificate certificate =
      test::make_certificate(key, service.clock.unix - UnixTime(3600), 1);
};

TEST_F(AuthTest, no_policies_and_no_auth) {
  add("/none", auth::none);
  add("/no_auth", {auth::no_auth()});
  service.start();
  EXPECT_EQ(get("/app/none"), "200 nobody");
  EXPECT_EQ(get("/app/no_auth"), "200 empty");
}

TEST_F(AuthTest, user_cert) {
  add("/user", {auth::user_cert()});
  service.start();
  EXPECT_EQ(refusals("/app/user"), Texts{"user_cert: No caller user certificate"});
  EXPECT_EQ(header_of(service.get_request("/app/user"), "www-authenticate"), "(absent)");
  service.show_certificate(certificate);
  EXPECT_EQ(refusals("/app/user"), Texts{"user_cert: Could not find matching user certificate"});
  service.put(tables::users_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(get("/app/user"), "200 user " + certificate.id());
  EXPECT_EQ(header_of(service.get_request("/app/user"), "x-ms-ccf-transaction-id"), "2.1")
      << "the lookup of the caller counts as a read";

  const auto from = std::to_string(certificate.not_before().count());
  const auto to = std::to_string(certificate.not_after().count());
  service.clock.unix = certificate.not_after();
  EXPECT_EQ(get("/app/user").substr(0, 3), "200");
  service.clock.unix = certificate.not_after() + UnixTime(1);
  EXPECT_EQ(refusals("/app/user"),
            Texts{"user_cert: Current time " + std::to_string(service.clock.unix.count()) +
                  " is after certificate's Not After validity period " + to});
  service.clock.unix = certificate.not_before() - UnixTime(1);
  EXPECT_EQ(refusals("/app/user"),
            Texts{"user_cert: Current time " + std::to_string(service.clock.unix.count()) +
                  " is before certificate's Not Before validity period " + from});
  service.clock.unix = certificate.not_before();
  EXPECT_EQ(get("/app/user").substr(0, 3), "200");

  kv::Tx removal = service.store.begin();
  removal.wo(tables::users_certs).remove(as_bytes(certificate.id()));
  service.store.commit(removal);
  EXPECT_EQ(refusals("/app/user"), Texts{"user_cert: Could not find matching user certificate"})
      << "a removed user is refused on a connection that it had before";
}

TEST_F(AuthTest, member_cert_ignores_dates) {
  add("/member", {auth::member_cert()});
  service.start();
  EXPECT_EQ(refusals("/app/member"), Texts{"member_cert: No caller member certificate"});
  service.show_certificate(certificate);
  EXPECT_EQ(refusals("/app/member"),
            Texts{"member_cert: Could not find matching member certificate"});
  service.put(tables::members_certs, certificate.id(), certificate.pem());
  service.clock.unix = certificate.not_after() + UnixTime(1000);
  EXPECT_EQ(get("/app/member"), "200 member " + certificate.id());
}

TEST_F(AuthTest, any_cert_checks_dates_only) {
  add("/any", {auth::any_cert()});
  service.start();
  EXPECT_EQ(refusals("/app/any"), Texts{"any_cert: No caller certificate"});
  service.show_certificate(certificate);
  EXPECT_EQ(get("/app/any"), "200 any " + std::to_string(certificate.der().size()));
  service.clock.unix = certificate.not_after() + UnixTime(1);
  EXPECT_NE(refusals("/app/any").at(0).find("Not After"), std::string::npos);
  service.session.certificate = std::make_shared<ClientCertificate>(to_bytes("not a certificate"));
  EXPECT_EQ(refusals("/app/any"), Texts{"any_cert: No caller certificate"});
}

TEST_F(AuthTest, node_cert_goes_by_the_public_key) {
  add("/internal", {auth::node_cert()});
  service.start();
  service.show_certificate(certificate);
  EXPECT_EQ(refusals("/app/internal"),
            Texts{"node_cert: Could not find matching node certificate"});
  service.put(tables::nodes_info, key.public_key().id(), "{}");
  EXPECT_EQ(get("/app/internal"), "200 node " + key.public_key().id());
}

TEST_F(AuthTest, the_first_policy_that_accepts_wins) {
  add("/many", {auth::jwt(), auth::user_cert(), auth::member_cert(), auth::any_cert()});
  add("/open", {auth::user_cert(), auth::no_auth()});
  service.start();
  EXPECT_EQ(get("/app/open"), "200 empty");
  auto response = service.get_request("/app/many");
  EXPECT_EQ(
      refusals(response),
      (Texts{"jwt: Missing authorization header", "user_cert: No caller user certificate",
             "member_cert: No caller member certificate", "any_cert: No caller certificate"}));
  EXPECT_EQ(header_of(response, "www-authenticate"),
            "Bearer realm=\"JWT bearer token access\", error=\"invalid_token\"")
      << "certificate policies set none";
  service.show_certificate(certificate);
  EXPECT_EQ(get("/app/many").substr(0, 7), "200 any");
  service.put(tables::members_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(get("/app/many").substr(0, 10), "200 member");
  service.put(tables::users_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(get("/app/many").substr(0, 8), "200 user");
}

TEST_F(AuthTest, www_authenticate_is_that_of_the_last_policy_that_sets_one) {
  add("/a", {auth::jwt(), auth::user_cose_sign1(), auth::user_cert()});
  add("/b", {auth::user_cose_sign1(), auth::jwt()});
  service.start();
  EXPECT_EQ(header_of(service.get_request("/app/a"), "www-authenticate"),
            "COSE-SIGN1 realm=\"Signed request access\"");
  EXPECT_EQ(header_of(service.get_request("/app/b"), "www-authenticate").substr(0, 6), "Bearer");
}

TEST_F(AuthTest, all_of_needs_every_policy) {
  add("/all", {auth::all_of({auth::user_cert(), auth::any_cert()})});
  add("/jwt_too", {auth::all_of({auth::user_cert(), auth::jwt()}), auth::member_cert()});
  service.start();
  EXPECT_EQ(refusals("/app/all"), Texts{"any_cert+user_cert: any_cert:No caller certificate"});
  service.show_certificate(certificate);
  EXPECT_EQ(refusals("/app/all"),
            Texts{"any_cert+user_cert: user_cert:Could not find matching user certificate"});
  service.put(tables::users_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(get("/app/all"), "200 any_cert+user_cert: any_cert(any " +
                                 std::to_string(certificate.der().size()) + ") user_cert(user " +
                                 certificate.id() + ")");
  const auto response = service.get_request("/app/jwt_too");
  EXPECT_EQ(refusals(response), (Texts{"jwt+user_cert: jwt:Missing authorization header",
                                       "member_cert: Could not find matching member certificate"}));
  EXPECT_EQ(header_of(response, "www-authenticate").substr(0, 6), "Bearer")
      << "the failing member's";
}

TEST_F(AuthTest, all_of_refuses_nonsense) {
  EXPECT_THROW(auth::all_of({}), std::logic_error);
  EXPECT_THROW(auth::all_of({auth::jwt(), auth::jwt()}), std::logic_error);
}

class Custom final : public AuthPolicy {
 public:
  std::string_view name() const override { return "custom"; }
  std::shared_ptr<const Identity> authenticate(kv::ReadOnlyTx&, Call& call,
                                               std::string& reason) const override {
    if (call.header("x-explode")) throw std::runtime_error("boom");
    const auto given = call.header("x-name");
    if (!given || given->empty()) {
      reason = "No x-name";
      return nullptr;
    }
    return std::make_shared<const Identity>();
  }
  void describe_refusal(http::Response& response, std::string_view reason) const override {
    response.set_header("x-why", reason);
  }
};

TEST_F(AuthTest, custom_policies) {
  add("/custom", {std::make_shared<Custom>()});
  service.start();
  auto response = service.get_request("/app/custom", {{"x-name", ""}});
  EXPECT_EQ(refusals(response), Texts{"custom: No x-name"});
  EXPECT_EQ(header_of(response, "x-why"), "No x-name");
  EXPECT_EQ(summary(service.get_request("/app/custom", {{"x-name", "n"}})), "200 custom");
  EXPECT_EQ(summary(service.get_request("/app/custom", {{"x-explode", "1"}})),
            "500 InternalError: boom");
}

TEST_F(AuthTest, policies_by_name) {
  for (const char* name :
       {"no_auth", "user_cert", "member_cert", "any_cert", "jwt", "user_cose_sign1"}) {
    const auto policy = auth::by_name(name);
    ASSERT_NE(policy, nullptr) << name;
    EXPECT_EQ(policy->name(), name);
  }
  EXPECT_EQ(auth::by_name("nonsense"), nullptr);
}

TEST_F(AuthTest, a_refused_caller_does_not_reach_the_handler_of_any_kind) {
  bool reached = false;
  service.app()
      .make_endpoint("/rw", Method::get, [&](EndpointContext&) { reached = true; },
                     {auth::user_cert()})
      .install();
  service.app()
      .make_command_endpoint("/command", Method::get,
                             [&](CommandEndpointContext&) { reached = true; }, {auth::user_cert()})
      .install();
  service.start();
  EXPECT_EQ(refusals("/app/rw").size(), 1u);
  EXPECT_EQ(refusals("/app/command").size(), 1u);
  EXPECT_FALSE(reached);
  EXPECT_TRUE(service.commits.empty());
}

}  // namespace
}  // namespace entente::rpc
