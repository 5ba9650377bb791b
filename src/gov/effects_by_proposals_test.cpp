// What accepted proposals do beside writing their tables, with the project's own actions and as
// whole requests: shares, secrets, certificates, nodes, token keys, compiled modules.

#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "gov/governance_fixture.h"

namespace entente::gov {
namespace {

using test::body_text;
using test::summary;
using test::TestMember;

class EffectsTest : public testing::Test {
 protected:
  EffectsTest() {
    service.set_constitution(test::joined(
        {"default/actions.js", "default/validate.js", "sandbox/resolve.js", "default/apply.js"}));
    service.put_unit(tables::signatures, json::object{{"root", std::string(64, '7')}});
    service.add_member("Active", true);
    service.add_member("Active", true);
    service.add_member("Active", false);
  }

  /// "" if the proposal was accepted.
  std::string propose(const std::string& name, json::value args = nullptr) {
    json::object action{{"name", name}};
    if (!args.is_null()) action["args"] = std::move(args);
    return propose_all({action});
  }
  std::string propose_all(json::array actions) {
    const auto response = service.propose(
        service.members[2], json::dump(json::object{{"actions", std::move(actions)}}));
    const std::string state = service.state_in(response);
    if (state != "Accepted") return state;
    service.last_commit = service.store.last();
    return "";
  }
  std::string open() {
    return propose("transition_service_to_open",
                   json::object{{"next_service_identity", service.service_certificate.pem()}});
  }
  /// Registers a new member, who acknowledges.
  void join(bool with_key) {
    const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    const size_t index = service.members.size();
    const TestMember member{key, rpc::test::make_certificate(key, service.clock.unix), index};
    json::object args{{"cert", member.certificate.pem()}};
    if (with_key) args["encryption_pub_key"] = test::encryption_key(index).public_key().pem();
    ASSERT_EQ(propose("set_member", args), "");
    service.members.push_back(member);
    EXPECT_EQ(written(), "");
    const std::string path = "/members/state-digests/" + member.id();
    const auto digest = service.post_gov(path + ":update", member, "state_digest", "");
    ASSERT_EQ(digest.status, 200) << summary(digest);
    const auto ack = service.post_gov(path + ":ack", member, "ack", body_text(digest));
    ASSERT_EQ(ack.status, 204) << summary(ack);
    service.last_commit = service.store.last();
  }
  /// Which tables of secrets the last transaction wrote: `s`hares, `h`istory, `b`roadcast.
  std::string written() {
    const uint64_t last = service.last_commit.seqno.value;
    std::string out;
    if (service.written_at(tables::recovery_shares) == last) out += 's';
    if (service.written_at(tables::historical_encrypted_ledger_secret) == last) out += 'h';
    if (service.written_at(tables::encrypted_ledger_secrets) == last) out += 'b';
    return out;
  }
  bool recovers(const std::vector<size_t>& members, size_t threshold) {
    std::vector<const TestMember*> by;
    for (const size_t index : members) by.push_back(&service.members[index]);
    const auto secret = service.unwrap(by, threshold);
    return secret && *secret == service.secrets->latest()->key;
  }
  static bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  }

  test::GovernanceService service{0};
};

// -------------------------------------------------------------------------------------------
// shares

TEST_F(EffectsTest, opening_ends_a_chunk_and_issues_shares) {
  ASSERT_EQ(open(), "");
  EXPECT_EQ(written(), "sh");
  EXPECT_TRUE(recovers({0}, 1) && recovers({1}, 1));
  EXPECT_EQ(service.chunks, 1);
  EXPECT_EQ(service.snapshots, 1);
  EXPECT_EQ(open(), "");
  EXPECT_EQ(written(), "");
  EXPECT_EQ(service.snapshots, 1);
}

TEST_F(EffectsTest, when_shares_are_made_anew) {
  ASSERT_EQ(open(), "");
  ASSERT_EQ(propose("trigger_recovery_shares_refresh"), "");
  EXPECT_EQ(written(), "s");
  ASSERT_EQ(propose("set_recovery_threshold", json::object{{"recovery_threshold", 1}}), "");
  EXPECT_EQ(written(), "");
  ASSERT_EQ(propose("set_recovery_threshold", json::object{{"recovery_threshold", 2}}), "");
  EXPECT_EQ(written(), "s");
  EXPECT_TRUE(recovers({0, 1}, 2));
  EXPECT_FALSE(recovers({0}, 2));
  ASSERT_EQ(propose("trigger_ledger_rekey"), "");
  EXPECT_EQ(written(), "shb");
  service.take_up_secrets();
  EXPECT_TRUE(recovers({0, 1}, 2));

  join(false);
  EXPECT_EQ(written(), "");
  join(true);
  EXPECT_EQ(written(), "s");
  EXPECT_TRUE(recovers({0, 4}, 2));

  ASSERT_EQ(propose("remove_member", json::object{{"member_id", service.members[3].id()}}), "");
  EXPECT_EQ(written(), "");
  ASSERT_EQ(propose("remove_member", json::object{{"member_id", service.members[1].id()}}), "");
  EXPECT_EQ(written(), "shb");
  service.take_up_secrets();
  EXPECT_TRUE(recovers({0, 4}, 2));
  EXPECT_FALSE(service.share_of(service.members[1]).ok());
}

TEST_F(EffectsTest, before_the_opening) {
  join(true);
  EXPECT_EQ(written(), "");
  // Shares early, as in the reference system.
  ASSERT_EQ(propose("set_recovery_threshold", json::object{{"recovery_threshold", 2}}), "");
  EXPECT_EQ(written(), "s");
  EXPECT_TRUE(contains(propose("trigger_ledger_rekey"), "not open"));
  // Removing a holder of a share takes a rekey.
  EXPECT_TRUE(contains(
      propose("remove_member", json::object{{"member_id", service.members[0].id()}}), "not open"));
  EXPECT_TRUE(service.get(tables::members_info, service.members[0].id()).has_value());
}

TEST_F(EffectsTest, nobody_can_vote_the_service_into_a_state_that_cannot_be_recovered) {
  ASSERT_EQ(open(), "");
  const Bytes before = service.raw_unit(tables::recovery_shares);
  EXPECT_TRUE(
      contains(propose("set_recovery_threshold", json::object{{"recovery_threshold", 3}}), "500"));
  ASSERT_EQ(propose("remove_member", json::object{{"member_id", service.members[0].id()}}), "");
  service.take_up_secrets();
  EXPECT_TRUE(contains(
      propose("remove_member", json::object{{"member_id", service.members[1].id()}}), "500"));
  EXPECT_TRUE(recovers({1}, 1));
  EXPECT_NE(service.raw_unit(tables::recovery_shares), before);
}

TEST_F(EffectsTest, owners_beside_the_last_participant_do_not_make_up_the_threshold) {
  // Members 0 and 1 take part; an owner joins them, and the threshold is 2.
  const auto& owner = service.add_member("Active", true, "Owner");
  const std::string owner_id = owner.id();
  service.put_config(2);
  ASSERT_EQ(open(), "");
  EXPECT_TRUE(recovers({0, 1}, 2) && recovers({3}, 2));
  const auto refused =
      propose("remove_member", json::object{{"member_id", service.members[0].id()}});
  EXPECT_TRUE(contains(refused, "more than the 1 active")) << refused;
  ASSERT_EQ(propose("remove_member", json::object{{"member_id", owner_id}}), "");
  service.take_up_secrets();
  EXPECT_TRUE(recovers({0, 1}, 2));
}

TEST_F(EffectsTest, only_owners) {
  for (const size_t i : {0u, 1u}) {
    service.put(tables::members_info, service.members[i].id(),
                R"({"status":"Active","recovery_role":"Owner"})");
  }
  ASSERT_EQ(open(), "");
  EXPECT_TRUE(recovers({0}, 1) && recovers({1}, 1));
  EXPECT_TRUE(contains(propose("set_recovery_threshold", json::object{{"recovery_threshold", 2}}),
                       "must be 1"));
}

// ---------------------------------------------------------------------------- nodes, certificates

class NodeEffectsTest : public EffectsTest {
 protected:
  NodeEffectsTest() {
    service.add_node(joiner, "Pending", 101,
                     {{"certificate_signing_request", request}, {"learning", true}});
    EXPECT_EQ(open(), "");
  }
  json::object trust(uint64_t days = 10) {
    return {{"node_id", joiner}, {"valid_from", "220101000000Z"}, {"validity_period_days", days}};
  }
  json::value row() { return *json::parse(*service.get(tables::nodes_info, joiner)); }

  const std::string joiner = test::EffectsService::id_of('b');
  const crypto::KeyPair key = crypto::KeyPair::generate(crypto::Curve::p256);
  const std::string request = crypto::make_request(key, "CN=Joiner", {})->pem();
};

TEST_F(NodeEffectsTest, a_trusted_node_gets_a_certificate_and_the_secrets) {
  ASSERT_EQ(propose("trigger_ledger_rekey"), "");
  service.take_up_secrets();
  ASSERT_EQ(propose("transition_node_to_trusted", trust()), "");
  EXPECT_EQ(row().at("status"), json::value("Trusted"));
  EXPECT_EQ(row().at("learning"), json::value(true));
  EXPECT_EQ(row().at("ledger_secret_seqno"), json::value(service.secrets->latest()->start.value));
  const auto certificate =
      crypto::Certificate::from_pem(*service.get(tables::nodes_endorsed_certificates, joiner));
  ASSERT_TRUE(certificate.ok());
  EXPECT_TRUE(certificate->signed_by(service.service_certificate));
  EXPECT_EQ(certificate->not_after().count(), 1640995200 + 10 * 86400 - 1);
  ASSERT_EQ(propose("trigger_ledger_rekey"), "");
  EXPECT_TRUE(service.broadcast().nodes.contains(NodeId{joiner}));
}

TEST_F(NodeEffectsTest, trust_and_rekey_in_one_proposal_only_in_this_order) {
  const json::object trusted{{"name", "transition_node_to_trusted"}, {"args", trust()}};
  const json::object rekey{{"name", "trigger_ledger_rekey"}};
  EXPECT_TRUE(contains(propose_all({rekey, trusted}), "put the rekey"));
  EXPECT_EQ(row().at("status"), json::value("Pending"));
  EXPECT_EQ(propose_all({trusted, rekey}), "");
  EXPECT_TRUE(service.broadcast().nodes.contains(NodeId{joiner}));
}

TEST_F(NodeEffectsTest, renewals) {
  ASSERT_EQ(propose("transition_node_to_trusted", trust()), "");
  ASSERT_EQ(propose("set_node_certificate_validity", trust(20)), "");
  const auto pem = *service.get(tables::nodes_endorsed_certificates, joiner);
  EXPECT_EQ(crypto::Certificate::from_pem(pem)->not_after().count(), 1640995200 + 20 * 86400 - 1);
  EXPECT_TRUE(contains(propose("set_node_certificate_validity", trust(366)), "500"));
  ASSERT_EQ(
      propose("set_service_certificate_validity",
              json::object{{"valid_from", "2022-01-01 00:00:00"}, {"validity_period_days", 3}}),
      "");
  const auto renewed =
      crypto::Certificate::from_pem(service.get_unit(tables::service_info).at("cert").get_string());
  ASSERT_TRUE(renewed.ok());
  EXPECT_EQ(*renewed->public_key(), service.service_key.public_key());
  EXPECT_EQ(renewed->not_after().count(), 1640995200 + 3 * 86400 - 1);
  EXPECT_EQ(service.status_in_table(), "Open");
  EXPECT_TRUE(contains(propose("set_service_certificate_validity",
                               json::object{{"valid_from", "soon"}, {"validity_period_days", 3}}),
                       "500"));
}

TEST_F(NodeEffectsTest, the_last_node_cannot_be_removed) {
  EXPECT_TRUE(contains(propose("remove_node", json::object{{"node_id", service.node_id}}),
                       "cannot be retired"));
  ASSERT_EQ(propose("transition_node_to_trusted", trust()), "");
  // The new one does not vote yet.
  EXPECT_TRUE(contains(propose("remove_node", json::object{{"node_id", service.node_id}}),
                       "cannot be retired"));
  ASSERT_EQ(propose("remove_node", json::object{{"node_id", joiner}}), "");
  EXPECT_EQ(row().at("status"), json::value("Retired"));
}

// ------------------------------------------------------------------------------ token keys,
// modules

TEST_F(EffectsTest, token_issuers) {
  const auto one = crypto::KeyPair::generate(crypto::Curve::p256);
  json::object jwk = crypto::to_jwk(one.public_key());
  jwk["kid"] = "k";
  const std::string issuer = "https://a.example";
  const json::object keys{{"keys", {jwk}}};
  EXPECT_TRUE(contains(
      propose("set_jwt_public_signing_keys", json::object{{"issuer", issuer}, {"jwks", keys}}),
      "500"));
  ASSERT_EQ(propose("set_jwt_issuer", json::object{{"issuer", issuer}, {"jwks", keys}}), "");
  EXPECT_TRUE(service.get(tables::jwt_keys, "k").has_value());
  jwk["issuer"] = "https://other.example";
  EXPECT_TRUE(
      contains(propose("set_jwt_public_signing_keys",
                       json::object{{"issuer", issuer}, {"jwks", json::object{{"keys", {jwk}}}}}),
               "does not fit"));
  ASSERT_EQ(propose("remove_jwt_issuer", json::object{{"issuer", issuer}}), "");
  EXPECT_FALSE(service.get(tables::jwt_keys, "k").has_value());
}

TEST_F(EffectsTest, applications_are_compiled_when_they_are_set) {
  const auto app = [](const std::string& source) {
    const json::object endpoint{{"js_module", "m.js"},
                                {"js_function", "f"},
                                {"mode", "readonly"},
                                {"forwarding_required", "never"},
                                {"authn_policies", {"no_auth"}},
                                {"openapi", json::object()}};
    return json::object{
        {"bundle",
         {{"modules", json::array{json::object{{"name", "m.js"}, {"module", source}}}},
          {"metadata", {{"endpoints", {{"/f", {{"get", endpoint}}}}}}}}}};
  };
  ASSERT_EQ(propose("set_js_app", app("export function f() { return {}; }")), "");
  const auto compiled = service.get(tables::modules_bytecode, "/m.js");
  ASSERT_TRUE(compiled.has_value());
  const auto refused = propose("set_js_app", app("export function {"));
  EXPECT_TRUE(contains(refused, "Unable to serialize bytecode for JS module '/m.js'")) << refused;
  EXPECT_EQ(service.get(tables::modules_bytecode, "/m.js"), compiled);
}

}  // namespace
}  // namespace entente::gov
