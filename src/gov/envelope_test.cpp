// Who signed, what and how: every way in which a message of a member is not one.

#include "gov/governance_fixture.h"

namespace entente::gov::test {
namespace {

using crypto::cbor::Value;
using Entries = std::vector<std::pair<Value, Value>>;

class Envelopes : public testing::Test {
 protected:
  Entries good(const TestMember& member, std::string_view type = "proposal") {
    return {{Value::integer(1), Value::integer(crypto::cose::algorithm_of(member.key.curve()))},
            {Value::integer(4), Value::byte_string(as_bytes(member.id()))},
            {Value::text_string(label_type), Value::text_string(type)},
            {Value::text_string(label_created_at), Value::integer(1'750'000'100)}};
  }
  static Value map_of(Entries entries) {
    std::vector<Value> items;
    for (auto& [label, value] : entries) {
      items.push_back(std::move(label));
      items.push_back(std::move(value));
    }
    return Value::map(std::move(items));
  }
  Bytes sign(const TestMember& member, Entries header, std::string_view payload = nothing,
             const crypto::KeyPair* key = nullptr) {
    crypto::cose::Sign1 message;
    message.protected_header = map_of(std::move(header));
    message.protected_bytes = crypto::cbor::encode(message.protected_header);
    message.unprotected_header = Value::map({});
    message.payload = to_bytes(payload);
    message.signature =
        (key == nullptr ? member.key : *key)
            .sign_raw(crypto::cose::sig_structure(message.protected_bytes, *message.payload));
    return message.encode();
  }
  std::string create(BytesView message, const rpc::test::Service::Headers& headers = {
                                            {"content-type", "application/cose"}}) {
    const auto response =
        service.post(service.versioned_path("/members/proposals:create"), message, headers);
    if (response.status != 401) return summary(response).substr(0, 18);
    EXPECT_EQ(header_of(response, "www-authenticate"),
              "COSE-SIGN1 realm=\"Signed request access\"");
    const json::value document = body_json(response);
    const auto& error = document.at("error");
    EXPECT_EQ(error.at("code"), "InvalidAuthenticationInfo");
    EXPECT_EQ(error.at("message"), "Invalid authentication credentials.");
    EXPECT_EQ(error.at("details").as_array().size(), 1u);
    const auto& detail = error.at("details").at(0);
    EXPECT_EQ(detail.at("auth_policy"), "active_member_cose_sign1");
    EXPECT_EQ(detail.at("code"), "InvalidAuthenticationInfo");
    return std::string(detail.at("message").get_string());
  }

  GovernanceService service;
  const TestMember& alice = service.members[0];
};

constexpr auto not_valid = "Failed to validate COSE Sign1";

TEST_F(Envelopes, in_the_order_of_the_checks) {
  const Bytes message = sign(alice, good(alice));
  EXPECT_EQ(create(message, {}), "Missing content-type header");
  for (const char* type : {"application/json", "application/COSE", "application/cose;q=1"}) {
    EXPECT_EQ(create(message, {{"content-type", type}}),
              "Content type is not set to application/cose");
  }
  EXPECT_EQ(create(to_bytes("no envelope")), "500 InternalError:");
  Entries header = good(alice);
  header[0].second = Value::integer(-37);  // PS256
  header[1].second = Value::byte_string(as_bytes("nobody"));
  EXPECT_EQ(create(sign(alice, header)), "Unsupported algorithm: -37");
  header[0].second = good(alice)[0].second;
  EXPECT_EQ(create(sign(alice, header)), "Signer is not a known member");
  header[1].second = good(alice)[1].second;
  header[2].second = Value::text_string("ballot");
  const auto other = crypto::KeyPair::generate(crypto::Curve::p256);
  EXPECT_EQ(create(sign(alice, header, nothing, &other)), not_valid);
  service.put(tables::members_info, alice.id(), R"({"status":"Accepted"})");
  EXPECT_EQ(create(sign(alice, header)),
            "Found ccf.gov.msg.type set to ballot, expected ccf.gov.msg.type to be proposal");
  EXPECT_EQ(create(message), "Signer is not an ACTIVE member");
  service.put(tables::members_info, alice.id(), R"({"status":"Active"})");
  EXPECT_EQ(create(message).substr(0, 3), "200");
}

TEST_F(Envelopes, that_cannot_be_decoded) {
  const auto undecodable = [&](const Bytes& message) {
    EXPECT_EQ(create(message), "500 InternalError:") << to_hex(message);
  };
  undecodable({});
  const Bytes message = sign(alice, good(alice));
  undecodable(Bytes(message.begin() + 1, message.end()));  // no tag
  Bytes other_tag = message;
  other_tag[0] = 0xd3;
  undecodable(other_tag);
  undecodable(Bytes(message.begin(), message.end() - 1));
  Bytes longer = message;
  longer.push_back(0);
  undecodable(longer);
  for (const size_t missing : {0u, 1u, 3u}) {  // alg, kid, created_at
    Entries header = good(alice);
    header.erase(header.begin() + static_cast<ptrdiff_t>(missing));
    undecodable(sign(alice, header));
  }
  const auto wrong_kind = [&](size_t index, Value value) {
    Entries header = good(alice);
    header[index].second = std::move(value);
    undecodable(sign(alice, header));
  };
  wrong_kind(0, Value::text_string("ES256"));
  wrong_kind(1, Value::text_string(alice.id()));
  wrong_kind(2, Value::integer(1));
  wrong_kind(2, Value::byte_string(as_bytes("proposal")));
  wrong_kind(3, Value::text_string("1750000000"));
  wrong_kind(3, Value::integer(-1));
  Entries header = good(alice);
  header.emplace_back(Value::text_string(label_proposal_id), Value::integer(1));
  undecodable(sign(alice, header));
}

TEST_F(Envelopes, kid_and_alg_count_only_where_they_are_signed) {
  crypto::cose::Sign1 message = *crypto::cose::Sign1::parse(sign(alice, good(alice)));
  Entries header = good(alice);
  header.erase(header.begin() + 1);
  message.protected_bytes = crypto::cbor::encode(map_of(header));
  message.unprotected_header =
      map_of({{Value::integer(4), Value::byte_string(as_bytes(alice.id()))}});
  message.signature =
      alice.key.sign_raw(crypto::cose::sig_structure(message.protected_bytes, *message.payload));
  EXPECT_EQ(create(message.encode()), "500 InternalError:");
}

TEST_F(Envelopes, a_detached_payload) {
  const Bytes message = crypto::cose::sign(alice.key, crypto::cbor::encode(map_of(good(alice))),
                                           as_bytes(nothing), crypto::cose::Payload::detached);
  EXPECT_EQ(create(message), "500 InternalError:");
}

TEST_F(Envelopes, tampered) {
  const Bytes message = sign(alice, good(alice), R"({"actions":["original"]})");
  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string text = to_text(message);
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    text.replace(at, from.size(), to);
    return create(as_bytes(text));
  };
  EXPECT_EQ(replaced("original", "0riginal"), not_valid);
  EXPECT_EQ(replaced("created_at", "created_ax"), "500 InternalError:");
  EXPECT_EQ(replaced("proposal", "ballotxx"), not_valid);
  for (const size_t from_end : {1u, 20u, 64u}) {
    Bytes altered = message;
    altered[altered.size() - from_end] ^= 1;
    EXPECT_EQ(create(altered), not_valid);
  }
  EXPECT_EQ(create(message).substr(0, 3), "200");
}

TEST_F(Envelopes, in_the_name_of_another_member) {
  EXPECT_EQ(create(sign(alice, good(service.members[1]))), not_valid);
  Entries header = good(alice);
  std::string upper = alice.id();
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  header[1].second = Value::byte_string(as_bytes(upper));
  if (upper != alice.id()) {
    EXPECT_EQ(create(sign(alice, header)), "Signer is not a known member");
  }
}

TEST_F(Envelopes, every_curve_with_its_own_algorithm_only) {
  using crypto::Curve;
  const std::pair<Curve, int64_t> pairs[] = {{Curve::p256, crypto::cose::es256},
                                             {Curve::p384, crypto::cose::es384},
                                             {Curve::p521, crypto::cose::es512}};
  for (const auto& [curve, own] : pairs) {
    const auto key = crypto::KeyPair::generate(curve);
    const TestMember member{key, rpc::test::make_certificate(key, service.clock.unix), 0};
    service.put(tables::members_certs, member.id(), member.certificate.pem());
    service.put(tables::members_info, member.id(), R"({"status":"Active"})");
    for (const auto& [unused, algorithm] : pairs) {
      Entries header = good(member);
      header[0].second = Value::integer(algorithm);
      const std::string answer = create(sign(member, header));
      if (algorithm == own) {
        EXPECT_EQ(answer.substr(0, 3), "200");
      } else {
        EXPECT_EQ(answer, not_valid);
      }
    }
  }
}

TEST_F(Envelopes, certificates_may_be_expired) {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p384);
  const TestMember member{key, rpc::test::make_certificate(key, UnixTime(1'000'000'000), 1), 0};
  service.put(tables::members_certs, member.id(), member.certificate.pem());
  service.put(tables::members_info, member.id(), R"({"status":"Active"})");
  EXPECT_EQ(create(sign(member, good(member))).substr(0, 3), "200");
}

TEST_F(Envelopes, any_order_of_headers_and_more_of_them) {
  Entries header = good(alice);
  std::reverse(header.begin(), header.end());
  header.emplace_back(Value::text_string("of tomorrow"), Value::integer(7));
  EXPECT_EQ(create(sign(alice, header)).substr(0, 3), "200");
}

TEST_F(Envelopes, types_are_pinned) {
  Entries header = good(alice);
  header.erase(header.begin() + 2);
  EXPECT_EQ(create(sign(alice, header)),
            "Missing ccf.gov.msg.type, expected ccf.gov.msg.type to be proposal");
  const std::string id(64, '0');
  const struct {
    std::string path, type, policy;
  } endpoints[] = {
      {"/members/proposals:create", "proposal", "active_member_cose_sign1"},
      {"/members/proposals/" + id + ":withdraw", "withdrawal", "active_member_cose_sign1"},
      {"/members/proposals/" + id + "/ballots/" + alice.id() + ":submit", "ballot",
       "active_member_cose_sign1"},
      {"/members/state-digests/" + alice.id() + ":update", "state_digest", "member_cose_sign1"},
      {"/members/state-digests/" + alice.id() + ":ack", "ack", "member_cose_sign1"},
      {"/recovery/members/" + alice.id() + ":recover", "recovery_share",
       "active_member_cose_sign1"}};
  for (const auto& endpoint : endpoints) {
    const auto response = service.post(service.versioned_path(endpoint.path),
                                       sign(alice, good(alice, "something else")));
    EXPECT_EQ(response.status, 401) << endpoint.path;
    const json::value document = body_json(response);
    const auto& detail = document.at("error").at("details").at(0);
    EXPECT_EQ(text_of(detail.at("auth_policy")), endpoint.policy);
    EXPECT_EQ(text_of(detail.at("message")),
              "Found ccf.gov.msg.type set to something else, expected "
              "ccf.gov.msg.type to be " +
                  endpoint.type);
    const auto unsigned_request =
        service.send(http::Method::post, service.versioned_path(endpoint.path), "{}");
    EXPECT_EQ(unsigned_request.status, 401);
  }
}

}  // namespace
}  // namespace entente::gov::test
