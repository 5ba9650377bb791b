// Policies over signed request bodies.

#include <gtest/gtest.h>

#include "crypto/cose.h"
#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using crypto::cbor::Value;
using http::Method;
using test::header_of;
using test::summary;

class CoseAuthTest : public testing::Test {
 protected:
  void add(const std::string& path, AuthPolicyPtr policy) {
    service.app()
        .make_endpoint(path, Method::post,
                       [](EndpointContext& ctx) {
                         const auto& signer = ctx.call.caller<CoseSign1Identity>();
                         EXPECT_EQ(signer.envelope, to_bytes(ctx.call.body()));
                         std::string text = as_text(signer.content).data() == nullptr
                                                ? ""
                                                : to_text(signer.content);
                         text += " " + signer.message_type.value_or("-");
                         text += " " + (signer.created_at ? std::to_string(*signer.created_at)
                                                          : std::string("-"));
                         if (const auto* member = ctx.call.try_caller<MemberCoseSign1Identity>()) {
                           text += " " + member->proposal_id.value_or("-");
                         }
                         ctx.call.set_body(text);
                       },
                       {std::move(policy)})
        .install();
  }
  /// Headers beside alg and kid; a null value removes one of those two.
  Bytes sign(std::vector<std::pair<Value, std::optional<Value>>> more = {},
             const crypto::KeyPair* signer = nullptr) {
    const crypto::KeyPair& used = signer == nullptr ? key : *signer;
    std::vector<std::pair<Value, std::optional<Value>>> headers = {
        {Value::integer(crypto::cose::label_alg),
         Value::integer(crypto::cose::algorithm_of(used.curve()))},
        {Value::integer(crypto::cose::label_kid), Value::byte_string(as_bytes(certificate.id()))}};
    for (auto& [label, value] : more) {
      bool replaced = false;
      for (auto& [known, old] : headers) {
        if (label.kind == known.kind && label.number == known.number &&
            label.string == known.string) {
          old = value;
          replaced = true;
        }
      }
      if (!replaced) headers.emplace_back(std::move(label), std::move(value));
    }
    std::vector<Value> items;
    for (auto& [label, value] : headers) {
      if (!value) continue;
      items.push_back(label);
      items.push_back(*value);
    }
    crypto::cose::Sign1 message;
    message.protected_header = Value::map(std::move(items));
    message.protected_bytes = crypto::cbor::encode(message.protected_header);
    message.unprotected_header = Value::map({});
    message.payload = to_bytes("hello");
    message.signature =
        used.sign_raw(crypto::cose::sig_structure(message.protected_bytes, *message.payload));
    return message.encode();
  }
  static std::pair<Value, std::optional<Value>> text(std::string_view name, std::string_view v) {
    return {Value::text_string(name), Value::text_string(v)};
  }
  static std::pair<Value, std::optional<Value>> time(std::string_view name, int64_t v) {
    return {Value::text_string(name), Value::integer(v)};
  }
  std::string post(std::string_view path, BytesView body,
                   const test::Service::Headers& headers = {{"content-type", "application/cose"}}) {
    const auto response = service.send(Method::post, path, as_text(body), headers);
    if (response.status != 401) return summary(response);
    EXPECT_EQ(header_of(response, "www-authenticate"),
              "COSE-SIGN1 realm=\"Signed request access\"");
    const auto document = test::body_json(response);
    const auto& detail = document.at("error").at("details").at(0);
    return std::string(detail.at("auth_policy").get_string()) + ": " +
           std::string(detail.at("message").get_string());
  }

  test::Service service;
  crypto::KeyPair key = crypto::KeyPair::generate(crypto::Curve::p384);
  crypto::Certificate certificate = test::make_certificate(key, service.clock.unix);
};

TEST_F(CoseAuthTest, users) {
  add("/user", auth::user_cose_sign1());
  add("/typed", auth::typed_user_cose_sign1("transfer"));
  add("/renamed", auth::user_cose_sign1({"app.type", "app.time"}));
  service.start();
  EXPECT_EQ(post("/app/user", sign()), "user_cose_sign1: Signer is not a known user");
  service.put(tables::users_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(post("/app/user", sign()), "200 hello - -");
  const auto full =
      sign({text("ccf.msg.type", "transfer"), time("ccf.msg.created_at", 12), text("other", "x")});
  EXPECT_EQ(post("/app/user", full), "200 hello transfer 12");
  EXPECT_EQ(post("/app/typed", full), "200 hello transfer 12");
  EXPECT_EQ(post("/app/typed", sign({text("ccf.msg.type", "x")})),
            "typed_user_cose_sign1: Unexpected message type: x, expected: transfer");
  EXPECT_EQ(post("/app/typed", sign()),
            "typed_user_cose_sign1: Unexpected message type: , expected: transfer");
  EXPECT_EQ(post("/app/renamed", sign({text("app.type", "a"), time("app.time", 3)})),
            "200 hello a 3");
}

TEST_F(CoseAuthTest, content_type_and_decoding) {
  add("/user", auth::user_cose_sign1());
  service.start();
  service.put(tables::users_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(post("/app/user", sign(), {}), "user_cose_sign1: Missing content-type header");
  for (const char* type : {"application/json", "Application/cose", "application/cose; x=y"}) {
    EXPECT_EQ(post("/app/user", sign(), {{"content-type", type}}),
              "user_cose_sign1: Content type is not set to application/cose");
  }
  for (const auto& body :
       {to_bytes("not cose"), Bytes{}, sign({{Value::integer(1), std::nullopt}}),
        sign({{Value::integer(4), std::nullopt}}), sign({time("ccf.msg.created_at", -1)}),
        sign({text("ccf.msg.created_at", "1")}), sign({time("ccf.msg.type", 1)})}) {
    EXPECT_EQ(post("/app/user", body).substr(0, 18), "500 InternalError:");
  }
  EXPECT_EQ(post("/app/user", sign({{Value::integer(1), Value::integer(-37)}})),
            "user_cose_sign1: Unsupported algorithm: -37");
}

TEST_F(CoseAuthTest, signatures) {
  add("/user", auth::user_cose_sign1());
  service.start();
  service.put(tables::users_certs, certificate.id(), certificate.pem());
  constexpr auto refused = "user_cose_sign1: Failed to validate COSE Sign1";
  const auto other = crypto::KeyPair::generate(crypto::Curve::p384);
  EXPECT_EQ(post("/app/user", sign({}, &other)), refused);
  const auto other_curve = crypto::KeyPair::generate(crypto::Curve::p256);
  EXPECT_EQ(post("/app/user", sign({}, &other_curve)), refused);
  auto altered = sign();
  altered.back() ^= 1;
  EXPECT_EQ(post("/app/user", altered), refused);
  service.put(tables::users_certs, certificate.id(), "not a certificate");
  EXPECT_EQ(post("/app/user", sign()), refused);
}

TEST_F(CoseAuthTest, members) {
  add("/member", auth::member_cose_sign1());
  add("/proposal", auth::member_cose_sign1("proposal"));
  add("/active", auth::active_member_cose_sign1("ballot"));
  service.start();
  const auto created = [] { return time("ccf.gov.msg.created_at", 5); };
  EXPECT_EQ(post("/app/member", sign({created()})),
            "member_cose_sign1: Signer is not a known member");
  service.put(tables::members_certs, certificate.id(), certificate.pem());
  EXPECT_EQ(post("/app/member", sign()).substr(0, 18), "500 InternalError:")
      << "created_at is required of members";
  EXPECT_EQ(post("/app/member", sign({created()})), "200 hello - 5 -");
  const auto type = [](std::string_view v) { return text("ccf.gov.msg.type", v); };
  EXPECT_EQ(post("/app/member", sign({created(), type("x"), text("ccf.gov.msg.proposal_id", "p")})),
            "200 hello x 5 p");
  EXPECT_EQ(post("/app/proposal", sign({created(), type("proposal")})), "200 hello proposal 5 -");
  EXPECT_EQ(post("/app/proposal", sign({created(), type("ack")})),
            "member_cose_sign1: Found ccf.gov.msg.type set to ack, expected ccf.gov.msg.type to be "
            "proposal");
  EXPECT_EQ(
      post("/app/proposal", sign({created()})),
      "member_cose_sign1: Missing ccf.gov.msg.type, expected ccf.gov.msg.type to be proposal");

  const auto ballot = sign({created(), type("ballot")});
  constexpr auto inactive = "active_member_cose_sign1: Signer is not an ACTIVE member";
  EXPECT_EQ(post("/app/active", ballot), inactive);
  service.put(tables::members_info, certificate.id(), R"({"status":"Accepted"})");
  EXPECT_EQ(post("/app/active", ballot), inactive);
  service.put(tables::members_info, certificate.id(), R"({"status":"Active"})");
  EXPECT_EQ(post("/app/active", ballot), "200 hello ballot 5 -");
}

}  // namespace
}  // namespace entente::rpc
