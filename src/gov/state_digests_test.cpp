// State digests, acknowledgements, and what a member who has not acknowledged may do.

#include "gov/governance_fixture.h"

namespace entente::gov::test {
namespace {

class StateDigests : public testing::Test {
 protected:
  StateDigests() {
    service.add_member("Accepted", false);
    service.put(tables::members_acks, newcomer().id(), R"({"state_digest":""})");
  }
  const TestMember& newcomer() { return service.members.back(); }
  void sign_state(char digit) {
    service.put_unit(tables::signatures, json::object{{"root", std::string(64, digit)}});
  }
  std::string path(const std::string& member, std::string_view verb) {
    return service.versioned_path("/members/state-digests/" + member + std::string(verb));
  }
  http::Response update(const TestMember& member) {
    return service.post(path(member.id(), ":update"), service.sign(member, "state_digest", ""));
  }
  http::Response ack(const TestMember& member, std::string_view payload) {
    return service.post(path(member.id(), ":ack"), service.sign(member, "ack", payload));
  }
  std::string status_of(const TestMember& member) {
    return std::string(
        json::parse(*service.get(tables::members_info, member.id()))->at("status").get_string());
  }
  GovernanceService service;
};

TEST_F(StateDigests, a_newcomer_becomes_active_by_acknowledging) {
  EXPECT_EQ(summary(update(newcomer())),
            "500 InternalError: The service has not signed its state yet.");
  sign_state('a');
  const auto updated = update(newcomer());
  EXPECT_EQ(body_json(updated),
            (json::object{{"memberId", newcomer().id()}, {"stateDigest", std::string(64, 'a')}}));
  EXPECT_EQ(body_json(service.get_gov("/members/state-digests/" + newcomer().id())),
            body_json(updated));
  const Bytes message = service.sign(newcomer(), "ack", body_text(updated));
  const auto acknowledged = service.post(path(newcomer().id(), ":ack"), message);
  EXPECT_EQ(acknowledged.status, 204) << body_text(acknowledged);
  EXPECT_TRUE(acknowledged.body.empty());
  EXPECT_NE(header_of(acknowledged, "x-ms-ccf-transaction-id"), "(absent)");
  EXPECT_EQ(status_of(newcomer()), "Active");
  EXPECT_EQ(*json::parse(*service.get(tables::members_acks, newcomer().id())),
            (json::object{{"state_digest", std::string(64, 'a')},
                          {"cose_sign1_req", to_base64(message)}}));

  sign_state('b');
  update(newcomer());
  const auto row = json::parse(*service.get(tables::members_acks, newcomer().id()));
  EXPECT_EQ(text_of(row->at("state_digest")), std::string(64, 'b'));
  EXPECT_EQ(text_of(row->at("cose_sign1_req")), to_base64(message))
      << "the earlier message is kept";
  const Bytes again =
      service.sign(newcomer(), "ack", R"({"stateDigest":")" + std::string(64, 'b') + "\"}");
  EXPECT_EQ(service.post(path(newcomer().id(), ":ack"), again).status, 204);
  EXPECT_EQ(
      text_of(
          json::parse(*service.get(tables::members_acks, newcomer().id()))->at("cose_sign1_req")),
      to_base64(again));
}

TEST_F(StateDigests, may_do_nothing_else_before) {
  const auto refused = [&](const http::Response& response) {
    EXPECT_EQ(response.status, 401);
    const json::value document = body_json(response);
    const auto& detail = document.at("error").at("details").at(0);
    EXPECT_EQ(detail.at("auth_policy"), "active_member_cose_sign1");
    EXPECT_EQ(detail.at("message"), "Signer is not an ACTIVE member");
  };
  refused(service.propose(newcomer()));
  const std::string id = service.proposal(service.members[0]);
  refused(service.vote(newcomer(), id, yes));
  refused(service.withdraw(newcomer(), id));
}

TEST_F(StateDigests, refused) {
  sign_state('a');
  const TestMember& alice = service.members[0];
  for (const auto& [verb, type] :
       {std::pair(":update", "state_digest"), std::pair(":ack", "ack")}) {
    EXPECT_EQ(summary(service.post(path(alice.id(), verb), service.sign(newcomer(), type, "{}"))),
              "400 InvalidAuthenticationInfo: The path is about member m[" + alice.id() +
                  "], but the message is signed by m[" + newcomer().id() + "].");
    EXPECT_EQ(summary(service.post(path("abc", verb), service.sign(newcomer(), type, "{}")))
                  .substr(0, 30),
              "400 InvalidAuthenticationInfo:")
        << "the form of the id is not asked";
  }
  EXPECT_EQ(summary(service.get_gov("/members/state-digests/abc")),
            "404 ResourceNotFound: No acknowledgement is expected of member m[abc].");
  EXPECT_EQ(
      summary(ack(alice, "{}")),
      "403 AuthorizationFailed: No acknowledgement is expected of member m[" + alice.id() + "].");
  EXPECT_EQ(summary(ack(newcomer(), "not JSON")).substr(0, 17), "400 InvalidInput:");
  for (const char* payload : {"{}", "7", "[]", R"({"stateDigest":7})"}) {
    EXPECT_EQ(summary(ack(newcomer(), payload)),
              "400 InvalidInput: The payload has no text 'stateDigest'.");
  }
  EXPECT_EQ(summary(ack(newcomer(), R"({"stateDigest":"abc"})")),
            "400 StateDigestMismatch: The digest abc is not the one that member m[" +
                newcomer().id() + "] was asked to acknowledge: .");
  EXPECT_EQ(status_of(newcomer()), "Accepted");
}

TEST_F(StateDigests, the_first_digest_is_empty_and_may_be_acknowledged) {
  EXPECT_EQ(ack(newcomer(), R"({"stateDigest":""})").status, 204);
  EXPECT_EQ(status_of(newcomer()), "Active");
}

TEST_F(StateDigests, unknown_fields_of_the_rows_survive) {
  service.put(tables::members_info, newcomer().id(),
              R"({"status":"Accepted","member_data":{"x":1},"of_tomorrow":2})");
  service.put(tables::members_acks, newcomer().id(), R"({"state_digest":"","signed_req":{"a":1}})");
  EXPECT_EQ(ack(newcomer(), R"({"stateDigest":""})").status, 204);
  EXPECT_EQ(*service.get(tables::members_info, newcomer().id()),
            R"({"member_data":{"x":1},"of_tomorrow":2,"status":"Active"})");
  EXPECT_EQ(json::parse(*service.get(tables::members_acks, newcomer().id()))->at("signed_req"),
            (json::object{{"a", 1}}));
}

TEST_F(StateDigests, a_newcomer_with_a_key_gets_a_share_while_the_service_is_open) {
  const auto join = [&] {
    service.add_member("Accepted", true);
    const TestMember& holder = service.members.back();
    service.put(tables::members_acks, holder.id(), R"({"state_digest":""})");
    return ack(holder, R"({"stateDigest":""})").status;
  };
  EXPECT_EQ(join(), 204);
  EXPECT_EQ(service.written_at(tables::recovery_shares), 0u) << "not before it is open";
  service.put_info("Open");
  EXPECT_EQ(join(), 204);
  const TestMember& holder = service.members.back();
  EXPECT_TRUE(service.share_of(holder).ok());
  const uint64_t issued = service.written_at(tables::recovery_shares);
  EXPECT_EQ(ack(holder, R"({"stateDigest":""})").status, 204);
  EXPECT_EQ(service.written_at(tables::recovery_shares), issued) << "once more: no new shares";
}

TEST_F(StateDigests, no_share_no_activation) {
  service.put_info("Open");
  service.put_config(5);
  service.add_member("Accepted", true);
  const TestMember& holder = service.members.back();
  service.put(tables::members_acks, holder.id(), R"({"state_digest":""})");
  EXPECT_EQ(summary(ack(holder, R"({"stateDigest":""})")).substr(0, 43),
            "500 InternalError: Error activating member ");
  EXPECT_EQ(status_of(holder), "Accepted");
}

}  // namespace
}  // namespace entente::gov::test
