// Ballots through the frontend: how they are counted, and every ballot that goes wrong.

#include "gov/governance_fixture.h"

namespace entente::gov::test {
namespace {

class Ballots : public testing::Test {
 protected:
  GovernanceService service{4};
  const TestMember& alice = service.members[0];
  const TestMember& bob = service.members[1];
  const TestMember& carol = service.members[2];
  const TestMember& dan = service.members[3];
};

TEST_F(Ballots, the_deciding_one_carries_the_effects) {
  service.use({.apply = R"(
    const info = ccf.bufToJsonCompatible(
        ccf.kv['public:ccf.gov.proposals_info'].get(ccf.strToBuf(id)));
    ccf.kv['public:ccf.gov.users.info'].set(ccf.strToBuf('seen'), ccf.jsonCompatibleToBuf(info));)"});
  const std::string id = service.proposal(alice);
  const auto first = service.vote(alice, id, yes);
  EXPECT_EQ(body_json(first), (json::object{{"proposalId", id},
                                            {"proposerId", alice.id()},
                                            {"proposalState", "Open"},
                                            {"ballotCount", 1}}));
  EXPECT_EQ(GovernanceService::state_in(service.vote(bob, id, no)), "Open");
  const Bytes deciding =
      service.sign(carol, "ballot", json::dump(json::object{{"ballot", yes}}), id);
  const auto last = service.post(service.ballot_path(id, carol.id()), deciding);
  EXPECT_EQ(body_json(last),
            (json::object{{"proposalId", id},
                          {"proposerId", alice.id()},
                          {"proposalState", "Accepted"},
                          {"ballotCount", 3},
                          {"finalVotes",
                           json::object{{alice.id(), true}, {bob.id(), false}, {carol.id(), true}}},
                          {"voteFailures", json::object{}}}));
  EXPECT_EQ(*service.get(tables::cose_history, carol.id()),
            json::dump(json::value(to_base64(deciding))));
  const auto seen = json::parse(*service.get(tables::users_info, "seen"));
  EXPECT_EQ(seen->at("state"), "Accepted") << "apply sees the decision";
  EXPECT_EQ(seen->at("final_votes").as_object().size(), 3u);
  EXPECT_EQ(summary(service.vote(dan, id, yes)),
            "400 ProposalNotOpen: Proposal " + id +
                " is currently in state accepted - only open proposals can receive ballots.");
  const auto ballot = service.get_gov("/members/proposals/" + id + "/ballots/" + alice.id());
  EXPECT_EQ(body_text(ballot), yes);
  EXPECT_EQ(header_of(ballot, "content-type"), "text/javascript");
}

TEST_F(Ballots, rejected) {
  const std::string id = service.proposal(alice);
  service.vote(alice, id, no);
  const auto last = service.vote(bob, id, no);
  EXPECT_EQ(GovernanceService::state_in(last), "Rejected");
  EXPECT_EQ(body_json(last).at("finalVotes").as_object().size(), 2u);
}

TEST_F(Ballots, what_a_ballot_is_given) {
  const std::string payload = R"({"actions":[{"name":"x"}]})";
  const std::string id = service.proposal(alice, payload);
  const auto response = service.vote(bob, id,
                                     "export function vote(proposal, proposer) {"
                                     " if (arguments.length !== 2) throw new Error('count');"
                                     " if (proposer !== '" +
                                         alice.id() +
                                         "') throw new Error('proposer');"
                                         " return JSON.parse(proposal).actions[0].name === 'x'; }");
  EXPECT_EQ(response.status, 200);
  const auto last = service.vote(carol, id, yes);
  EXPECT_EQ(GovernanceService::state_in(last), "Accepted") << body_text(last);
}

TEST_F(Ballots, what_resolve_is_given) {
  service.use({.resolve = R"(
    if (arguments.length !== 4) throw new Error('count');
    if (votes.length === 0) return 'Open';
    throw new Error(JSON.stringify([proposal, proposer, votes, id]));)"});
  const std::string id = service.proposal(alice);
  const std::string text = summary(service.vote(bob, id, no));
  EXPECT_NE(text.find(json::dump(json::array{
                nothing, alice.id(),
                json::array{json::object{{"member_id", bob.id()}, {"vote", false}}}, id})),
            std::string::npos)
      << text;
}

TEST_F(Ballots, any_truthy_value_is_a_yes) {
  service.use({.resolve = "return votes.length > 3 ? 'Rejected' : 'Open';"});
  const std::string id = service.proposal(alice);
  const auto says = [](std::string_view what) {
    return "export function vote() { return " + std::string(what) + "; }";
  };
  service.vote(alice, id, says("0"));
  service.vote(bob, id, says("'false'"));
  service.vote(carol, id, says("undefined"));
  const auto votes = body_json(service.vote(dan, id, says("{}"))).at("finalVotes");
  EXPECT_EQ(
      votes,
      (json::object{{alice.id(), false}, {bob.id(), true}, {carol.id(), false}, {dan.id(), true}}));
}

TEST_F(Ballots, refused) {
  const std::string id = service.proposal(alice);
  const std::string unknown(64, '2');
  const auto post = [&](const std::string& proposal, const std::string& member,
                        std::string_view payload, std::optional<std::string> signed_id) {
    const TxId before = service.store.last();
    const std::string text =
        summary(service.post(service.ballot_path(proposal, member),
                             service.sign(bob, "ballot", payload, std::move(signed_id))));
    EXPECT_EQ(service.store.last(), before);
    return text;
  };
  const std::string good = json::dump(json::object{{"ballot", yes}});
  EXPECT_EQ(post("abc", bob.id(), good, "abc").substr(0, 24), "400 InvalidResourceName:");
  EXPECT_EQ(post(id, bob.id(), good, std::nullopt).substr(0, 24), "400 InvalidResourceName:");
  EXPECT_EQ(post(id, bob.id(), good, unknown),
            "400 InvalidResourceName: The signed message is about proposal " + unknown +
                ", the path about " + id + ".");
  EXPECT_EQ(post(id, "abc", good, id).substr(0, 24), "400 InvalidResourceName:");
  EXPECT_EQ(post(id, alice.id(), good, id), "400 InvalidResourceName: Ballot of m[" + alice.id() +
                                                "] is signed by m[" + bob.id() + "].");
  EXPECT_EQ(post(unknown, bob.id(), good, unknown),
            "404 ProposalNotFound: Could not find proposal " + unknown + ".");
  EXPECT_EQ(post(id, bob.id(), "not JSON", id).substr(0, 17), "400 InvalidInput:");
  for (const char* payload :
       {"7", "{}", R"({"ballot":7})", R"(["ballot"])", "\"ballot\"", "null"}) {
    EXPECT_EQ(post(id, bob.id(), payload, id),
              "400 InvalidInput: The payload has no text 'ballot'.")
        << payload;
  }
  EXPECT_EQ(post(id, bob.id(), "", id).substr(0, 17), "400 InvalidInput:");
  EXPECT_EQ(body_json(service.get_gov("/members/proposals/" + id)).at("ballotCount"), 0);
}

TEST_F(Ballots, the_same_again_and_another_one) {
  const std::string id = service.proposal(alice);
  const auto first = service.vote(bob, id, no);
  const TxId before = service.store.last();
  const auto again = service.vote(bob, id, no);
  EXPECT_EQ(body_json(again), body_json(first));
  EXPECT_EQ(service.store.last(), before) << "nothing is written";
  EXPECT_EQ(summary(service.vote(bob, id, yes)),
            "400 VoteAlreadyExists: A different ballot of m[" + bob.id() + "] is stored already.");
  EXPECT_EQ(body_json(service.get_gov("/members/proposals/" + id)).at("ballotCount"), 1);
}

TEST_F(Ballots, no_constitution) {
  const std::string id = service.proposal(alice);
  kv::Tx tx = service.store.begin();
  tx.wo(tables::constitution).remove(tables::unit());
  service.store.commit(tx);
  EXPECT_EQ(summary(service.vote(bob, id, yes)),
            "500 InternalError: No constitution is set: proposals cannot be evaluated.");
}

TEST_F(Ballots, that_are_no_scripts_are_not_taken) {
  const std::string id = service.proposal(alice);
  const std::string name = "public:ccf.gov.proposals_info[" + id + "].ballots[m[" + bob.id() + "]]";
  const auto answer = [&](std::string_view ballot) {
    const std::string text = summary(service.vote(bob, id, ballot));
    EXPECT_EQ(text.substr(0, 18), "500 InternalError:") << ballot;
    EXPECT_NE(text.find(name), std::string::npos) << text;
  };
  answer("this is no script");
  answer("export function other() {}");
  answer("export const vote = 7;");
  answer("");
  answer("import x from './other.js'; export function vote() { return true; }");
  EXPECT_EQ(body_json(service.get_gov("/members/proposals/" + id)).at("ballotCount"), 0)
      << "none is stored";
  EXPECT_EQ(GovernanceService::state_in(service.vote(bob, id, yes)), "Open");
}

TEST_F(Ballots, that_throw_are_failures_and_no_votes) {
  service.use({.resolve = "return votes.length > 1 ? 'Rejected' : 'Open';"});
  const std::string id = service.proposal(alice);
  EXPECT_EQ(
      service.vote(alice, id, "export function vote() { throw new Error('my fault'); }").status,
      200);
  EXPECT_EQ(service.vote(bob, id, "export function vote() { throw {a: 1}; }").status, 200);
  service.vote(carol, id, yes);
  const json::value done = body_json(service.vote(dan, id, no));
  ASSERT_EQ(done.at("proposalState"), "Rejected");
  EXPECT_EQ(done.at("finalVotes"), (json::object{{carol.id(), true}, {dan.id(), false}}));
  const auto& failures = done.at("voteFailures").as_object();
  ASSERT_EQ(failures.size(), 2u);
  EXPECT_EQ(failures.at(alice.id()).at("reason"), "Error: my fault");
  EXPECT_NE(failures.at(alice.id())
                .at("trace")
                .as_string()
                .find("public:ccf.gov.proposals_info[" + id + "].ballots[m[" + alice.id() + "]]"),
            std::string_view::npos);
  EXPECT_EQ(failures.at(bob.id()), (json::object{{"reason", "{\"a\":1}"}}));
}

TEST_F(Ballots, that_never_end_or_take_all_memory_are_failures) {
  service.use({.resolve = "return votes.length > 0 ? 'Rejected' : 'Open';"});
  const std::string id = service.proposal(alice);
  const auto failing = [](std::string_view body) {
    return "export function vote() { " + std::string(body) + " }";
  };
  EXPECT_EQ(service.vote(alice, id, failing("while (true) {}")).status, 200);
  EXPECT_EQ(
      service.vote(bob, id, failing("const all = []; while (true) all.push(new Uint8Array(1e6));"))
          .status,
      200);
  EXPECT_EQ(service.vote(carol, id, failing("const f = () => f() + 1; return f();")).status, 200);
  const json::value done = body_json(service.vote(dan, id, yes));
  ASSERT_EQ(done.at("proposalState"), "Rejected");
  const auto& failures = done.at("voteFailures").as_object();
  ASSERT_EQ(failures.size(), 3u);
  EXPECT_EQ(failures.at(alice.id()).at("reason"), "Operation took too long to complete.");
  EXPECT_EQ(failures.at(bob.id()).at("reason"), "InternalError: out of memory");
  EXPECT_NE(failures.at(carol.id()).at("reason").as_string().find("stack"), std::string_view::npos);
}

TEST_F(Ballots, cannot_write_and_cannot_see_the_application) {
  service.use({.resolve = "return votes.length > 0 ? 'Rejected' : 'Open';"});
  service.put("public:app", "k", "v");
  const std::string id = service.proposal(alice);
  const auto tries = [](std::string_view table, std::string_view call) {
    return "export function vote() { ccf.kv['" + std::string(table) + "']." + std::string(call) +
           "; return true; }";
  };
  constexpr std::string_view set = "set(ccf.strToBuf('k'), ccf.strToBuf('v'))";
  service.vote(alice, id, tries("public:ccf.gov.users.certs", set));
  service.vote(bob, id, tries("public:app", "get(ccf.strToBuf('k'))"));
  service.vote(carol, id, tries("private", "get(ccf.strToBuf('k'))"));
  const json::value done = body_json(service.vote(dan, id, yes));
  const auto& failures = done.at("voteFailures").as_object();
  ASSERT_EQ(failures.size(), 3u);
  const auto reason = [&](const TestMember& member) {
    return std::string(failures.at(member.id()).at("reason").get_string());
  };
  EXPECT_EQ(reason(alice).substr(0, 10), "TypeError:");
  EXPECT_NE(reason(alice).find("public:ccf.gov.users.certs"), std::string::npos);
  EXPECT_NE(reason(alice).find("read-only"), std::string::npos);
  EXPECT_NE(reason(bob).find("inaccessible"), std::string::npos);
  EXPECT_NE(reason(carol).find("inaccessible"), std::string::npos);
  EXPECT_FALSE(service.get(tables::users_certs, "k"));
}

TEST_F(Ballots, a_reserved_name_ends_the_request_but_stops_no_other_member) {
  const std::string id = service.proposal(alice);
  // Harmless while it is the newest, reserved once somebody else has voted.
  const std::string later =
      "export function vote() { const info = ccf.bufToJsonCompatible("
      "ccf.kv['public:ccf.gov.proposals_info'].get(ccf.strToBuf('" +
      id +
      "')));"
      " if (Object.keys(info.ballots).length > 1) { try { ccf.kv['ccf.other']; } catch (e) {} }"
      " return true; }";
  const std::string at_once =
      "export function vote() { try { ccf.kv['public:ccf.other']; } catch (e) {} return true; }";
  EXPECT_EQ(summary(service.vote(alice, id, at_once)).substr(0, 18), "500 InternalError:");
  EXPECT_EQ(GovernanceService::state_in(service.vote(alice, id, later)), "Open");
  EXPECT_EQ(GovernanceService::state_in(service.vote(bob, id, yes)), "Open");
  EXPECT_EQ(GovernanceService::state_in(service.vote(carol, id, yes)), "Accepted");
}

TEST_F(Ballots, a_failing_decision_discards_the_ballot) {
  service.use({.resolve = "if (votes.length) throw new Error('Resolve message'); return 'Open';"});
  const std::string id = service.proposal(alice);
  EXPECT_EQ(summary(service.vote(bob, id, yes)).substr(0, 62),
            "500 InternalError: Failed to resolve(): Error: Resolve message");
  EXPECT_EQ(body_json(service.get_gov("/members/proposals/" + id)).at("ballotCount"), 0);
  service.use({.resolve = "return votes.length ? 'Accepted' : 'Open';",
               .apply = "ccf.kv['public:ccf.gov.users.certs'].set(ccf.strToBuf('k'),"
                        " ccf.strToBuf('v')); throw new Error('Error message');"});
  const std::string text = summary(service.vote(bob, id, yes));
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "500 InternalError: Failed to apply(): Error: Error message");
  EXPECT_NE(text.find("\nTrace:     at apply (public:ccf.gov.constitution[0]"), std::string::npos)
      << text;
  EXPECT_EQ(service.state_of(id), "Open");
  EXPECT_EQ(body_json(service.get_gov("/members/proposals/" + id)).at("ballotCount"), 0);
  EXPECT_FALSE(service.get(tables::users_certs, "k")) << "effects are dropped with it";
}

TEST_F(Ballots, every_script_starts_from_nothing) {
  service.use({.top = "globalThis.count = (globalThis.count ?? 0) + 1;",
               .resolve = "return globalThis.count === 1 && globalThis.leak === undefined"
                          " ? 'Open' : 'Rejected';"});
  const std::string id = service.proposal(alice);
  const std::string leaking =
      "Array.prototype.filter = () => [1, 2, 3]; globalThis.leak = 1;"
      "export function vote() { Object.prototype.leak = 1; return true; }";
  EXPECT_EQ(GovernanceService::state_in(service.vote(alice, id, leaking)), "Open");
  EXPECT_EQ(GovernanceService::state_in(service.vote(bob, id, leaking)), "Open");
}

}  // namespace
}  // namespace entente::gov::test
