// Proposals through the frontend: making them, reading them, withdrawing them, every refusal.

#include <thread>

#include "gov/governance_fixture.h"

namespace entente::gov::test {
namespace {

class Proposals : public testing::Test {
 protected:
  GovernanceService service;
  const TestMember& alice = service.members[0];
  const TestMember& bob = service.members[1];
  const TestMember& carol = service.members[2];
};

TEST_F(Proposals, a_new_one_is_open_and_bound_to_the_ledger_before_it) {
  const TxId before = service.store.last();
  const Bytes message = [&] {
    ++service.created_at;
    return service.sign(alice, "proposal", nothing);
  }();
  const auto response = service.post(service.versioned_path("/members/proposals:create"), message);
  ASSERT_EQ(response.status, 200) << body_text(response);
  EXPECT_EQ(header_of(response, "content-type"), "application/json");
  EXPECT_EQ(header_of(response, "x-ms-ccf-transaction-id"), service.store.last().text());

  const auto signature = crypto::cose::Sign1::parse(message)->signature;
  const std::string id = crypto::sha256({BytesView(GovernanceService::root_of(before)),
                                         BytesView(crypto::sha256(signature))})
                             .hex();
  EXPECT_EQ(body_json(response), (json::object{{"proposalId", id},
                                               {"proposerId", alice.id()},
                                               {"proposalState", "Open"},
                                               {"ballotCount", 0}}));
  EXPECT_EQ(service.get(tables::proposals, id), nothing) << "the payload byte for byte";
  EXPECT_EQ(
      *json::parse(*service.get(tables::proposals_info, id)),
      (json::object{{"proposer_id", alice.id()}, {"state", "Open"}, {"ballots", json::object{}}}));
  EXPECT_EQ(*service.get(tables::cose_history, alice.id()),
            json::dump(json::value(to_base64(message))));
}

TEST_F(Proposals, reading) {
  const std::string payload = R"({ "actions" : [ ],  "more": 1 })";
  const std::string id = service.proposal(alice, payload);
  const auto one = service.get_gov("/members/proposals/" + id);
  EXPECT_EQ(one.status, 200);
  EXPECT_NE(header_of(one, "x-ms-ccf-transaction-id"), "(absent)");
  const auto list = service.get_gov("/members/proposals");
  EXPECT_EQ(body_json(list), (json::object{{"value", json::array{body_json(one)}}}));
  const auto actions = service.get_gov("/members/proposals/" + id + "/actions");
  EXPECT_EQ(body_text(actions), payload);
  EXPECT_EQ(header_of(actions, "content-type"), "(absent)");

  const std::string unknown(64, 'a');
  for (const std::string& path :
       {std::string(), std::string("/actions"), "/ballots/" + alice.id()}) {
    EXPECT_EQ(summary(service.get_gov("/members/proposals/" + unknown + path)),
              "404 ProposalNotFound: Could not find proposal " + unknown + ".");
  }
  EXPECT_EQ(summary(service.get_gov("/members/proposals/" + id + "/ballots/" + bob.id())),
            "404 VoteNotFound: Member m[" + bob.id() + "] has not voted on proposal " + id + ".");
  for (const std::string& bad :
       {std::string("abc"), id.substr(1), id + "0", std::string(64, 'g'), id + ":withdraw"}) {
    EXPECT_EQ(service.get_gov("/members/proposals/" + bad).status, 400) << bad;
    EXPECT_EQ(summary(service.get_gov("/members/proposals/" + bad + "/actions")).substr(0, 24),
              "400 InvalidResourceName:");
  }
  EXPECT_EQ(summary(service.get_gov("/members/proposals/" + id + "/ballots/x")).substr(0, 24),
            "400 InvalidResourceName:");
  std::string upper = id;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(service.get_gov("/members/proposals/" + upper).status, 404)
      << "an id of either case, but looked up as it is";
}

TEST_F(Proposals, accepted_or_rejected_at_once_where_no_votes_are_needed) {
  service.use({.resolve = "return 'Accepted';",
               .apply = "ccf.kv['public:ccf.gov.users.certs'].set(ccf.strToBuf('x'),"
                        " ccf.strToBuf(id));"});
  const auto accepted = service.propose(alice);
  ASSERT_EQ(GovernanceService::state_in(accepted), "Accepted");
  const json::value document = body_json(accepted);
  EXPECT_EQ(document.at("finalVotes"), json::object{});
  EXPECT_EQ(document.at("voteFailures"), json::object{});
  EXPECT_EQ(service.get(tables::users_certs, "x"),
            std::string(document.at("proposalId").get_string()))
      << "applied in the same transaction, with its id";
  EXPECT_EQ(header_of(accepted, "x-ms-ccf-transaction-id"), service.store.last().text());

  service.use({.resolve = "return 'Rejected';"});
  const auto rejected = service.propose(alice);
  ASSERT_EQ(GovernanceService::state_in(rejected), "Rejected");
  EXPECT_EQ(body_json(rejected).at("finalVotes"), json::object{});
  EXPECT_EQ(json::parse(*service.get(tables::proposals_info,
                                     body_json(rejected).at("proposalId").get_string()))
                ->at("final_votes"),
            json::object{});
}

TEST_F(Proposals, refused_when_made) {
  const auto refusal = [&](const TinyConstitution& constitution,
                           std::string_view payload = nothing) {
    service.use(constitution);
    const TxId before = service.store.last();
    const std::string text = summary(service.propose(alice, payload));
    EXPECT_EQ(service.store.last(), before) << "nothing is written";
    return text;
  };
  service.has_roots = false;
  EXPECT_EQ(refusal({}).substr(0, 42), "500 InternalError: No Merkle root of the l");
  service.has_roots = true;
  EXPECT_EQ(refusal({.validate = "throw new Error('no');"}).substr(0, 60),
            "500 InternalError: Failed to execute validation: Error: no  ");
  EXPECT_NE(refusal({.validate = "throw new Error('no');"})
                .find("at validate (public:ccf.gov.constitution[0]"),
            std::string::npos)
      << "the trace is said";
  EXPECT_EQ(refusal({.validate = "JSON.parse(proposal);"}, "not JSON").substr(0, 62),
            "500 InternalError: Failed to execute validation: SyntaxError: ");
  for (const char* returned : {"return 7;", "return 'x';", "", "return null;"}) {
    EXPECT_EQ(refusal({.validate = returned}),
              "500 InternalError: Validation failed to return an object");
  }
  EXPECT_EQ(refusal({.validate = "return {valid: 0, description: 'too bad'};"}),
            "400 ProposalFailedToValidate: Proposal failed to validate: too bad");
  for (const char* returned : {"return {};", "return {valid: false, description: 7};"}) {
    EXPECT_EQ(refusal({.validate = returned}),
              "400 ProposalFailedToValidate: Proposal failed to validate: ");
  }
  EXPECT_EQ(refusal({.resolve = "throw new Error('Resolve message');"}).substr(0, 62),
            "500 InternalError: Failed to resolve(): Error: Resolve message");
  EXPECT_EQ(
      refusal({.resolve = "return 'Withdrawn';"}),
      "500 InternalError: Invalid status of proposal: resolve() returned \"Withdrawn\", expected "
      "one of \"Open\", \"Accepted\", \"Rejected\".\nTrace: N/A");
  EXPECT_EQ(refusal({.resolve = "return 'Accepted';", .apply = "throw new Error('Error message');"})
                .substr(0, 59),
            "500 InternalError: Failed to apply(): Error: Error message\n");
  EXPECT_EQ(refusal({.top = "syntax error"}).substr(0, 18), "500 InternalError:");
  service.set_constitution("export function resolve() {}");
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to find export 'validate' in module "
            "'public:ccf.gov.constitution[0]'");
  service.set_constitution("export const validate = 7;");
  EXPECT_EQ(
      summary(service.propose(alice)),
      "500 InternalError: Export 'validate' of module 'public:ccf.gov.constitution[0]' is not "
      "a function");
  service.put_unit(tables::constitution, json::value(7));
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Table public:ccf.gov.constitution: not a JSON string");
  {
    kv::Tx tx = service.store.begin();
    tx.wo(tables::constitution).remove(tables::unit());
    service.store.commit(tx);
  }
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: No constitution is set: proposals cannot be evaluated.");
}

TEST_F(Proposals, an_exception_that_is_no_error_is_said_in_json) {
  service.use({.validate = "throw {code: 7};"});
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to execute validation: {\"code\":7} ");
  service.use({.resolve = "throw 'plain';"});
  EXPECT_EQ(summary(service.propose(alice)),
            "500 InternalError: Failed to resolve(): plain\nTrace: N/A");
}

TEST_F(Proposals, the_same_signed_bytes_make_one_proposal_only) {
  const Bytes message = service.sign(alice, "proposal", nothing);
  const std::string path = service.versioned_path("/members/proposals:create");
  const auto first = service.post(path, message);
  ASSERT_EQ(first.status, 200);
  EXPECT_EQ(summary(service.post(path, message)),
            "400 ProposalReplay: Proposal submission replay, already exists as proposal " +
                std::string(body_json(first).at("proposalId").get_string()));
  const Bytes again = service.sign(alice, "proposal", nothing);
  EXPECT_EQ(service.post(path, again).status, 200)
      << "another signature of the same time is another proposal";
}

TEST_F(Proposals, times_of_signing) {
  const auto at = [&](uint64_t time) {
    service.created_at = time - 1;  // propose() counts on
    return summary(service.propose(alice)).substr(0, 30);
  };
  EXPECT_EQ(at(10'000'000'000), "400 InvalidCreatedAt: Header p");
  EXPECT_EQ(at(100).substr(0, 3), "200");
  EXPECT_EQ(at(200).substr(0, 3), "200");
  EXPECT_EQ(at(199), "400 ProposalCreatedTooLongAgo:");
  service.created_at = 198;
  EXPECT_TRUE(summary(service.propose(alice)).ends_with("below 0000000200"));
  EXPECT_EQ(at(200).substr(0, 3), "200");
  service.use({.validate = "return {valid: false, description: 'first'};"});
  EXPECT_EQ(at(1), "400 ProposalFailedToValidate: ") << "what validation says comes first";
}

TEST_F(Proposals, the_window_has_the_size_that_the_configuration_says) {
  service.put_unit(tables::service_config, json::object{{"recovery_threshold", 1},
                                                        {"recent_cose_proposals_window_size", 3}});
  for (int i = 0; i < 5; ++i) service.proposal(alice);
  size_t rows = 0;
  kv::ReadOnlyTx tx = service.store.begin_read_only();
  tx.ro(tables::cose_recent_proposals).foreach_key([&](BytesView) { return ++rows > 0; });
  EXPECT_EQ(rows, 3u);
}

TEST_F(Proposals, a_configuration_that_is_nonsense_does_not_stop_governance) {
  service.put(tables::service_config, as_text(tables::unit()), "{\"recovery_threshold\":-3}");
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
  service.put(tables::service_config, as_text(tables::unit()), "not JSON");
  service.put(tables::js_runtime_options, as_text(tables::unit()),
              R"({"max_heap_bytes":-1,"max_stack_bytes":"x","max_execution_time_ms":0})");
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
  service.put(tables::js_runtime_options, as_text(tables::unit()), "not JSON");
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Open");
}

TEST_F(Proposals, withdrawn_by_their_proposer) {
  const std::string id = service.proposal(alice);
  EXPECT_EQ(summary(service.withdraw(bob, id)), "403 AuthorizationFailed: Proposal " + id +
                                                    " can only be withdrawn by its proposer m[" +
                                                    alice.id() + "], not by m[" + bob.id() + "].");
  const auto withdrawn = service.withdraw(alice, id);
  EXPECT_EQ(body_json(withdrawn), (json::object{{"proposalId", id},
                                                {"proposerId", alice.id()},
                                                {"proposalState", "Withdrawn"},
                                                {"ballotCount", 0}}));
  const auto evidence = service.get(tables::cose_history, alice.id());
  const TxId before = service.store.last();
  const auto repeated = service.withdraw(alice, id);
  EXPECT_EQ(body_json(repeated), body_json(withdrawn)) << "once more: the same answer";
  EXPECT_EQ(service.store.last(), before) << "and nothing is written";
  EXPECT_EQ(service.get(tables::cose_history, alice.id()), evidence);
  EXPECT_EQ(summary(service.vote(alice, id, yes)),
            "400 ProposalNotOpen: Proposal " + id +
                " is currently in state withdrawn - only open proposals can receive ballots.");
}

TEST_F(Proposals, refused_withdrawals) {
  const std::string unknown(64, '1');
  EXPECT_EQ(service.withdraw(alice, unknown).status, 204);
  const std::string id = service.proposal(alice);
  const std::string path = service.versioned_path("/members/proposals/" + id + ":withdraw");
  EXPECT_EQ(summary(service.post(path, service.sign(alice, "withdrawal", ""))),
            "400 InvalidResourceName: The signed message does not name a proposal: missing "
            "ccf.gov.msg.proposal_id.");
  EXPECT_EQ(
      summary(service.post(path, service.sign(alice, "withdrawal", "", unknown))).substr(0, 24),
      "400 InvalidResourceName:");
  EXPECT_EQ(summary(service.withdraw(alice, "abc")).substr(0, 24), "400 InvalidResourceName:");
  service.use({.resolve = "return 'Rejected';"});
  const std::string rejected = service.proposal(alice);
  EXPECT_EQ(summary(service.withdraw(alice, rejected)),
            "400 ProposalNotOpen: Proposal " + rejected +
                " is currently in state rejected - only open proposals can be withdrawn.");
}

TEST_F(Proposals, finished_ones_leave_at_the_next_end) {
  const std::string open = service.proposal(alice);
  const std::string first = service.proposal(alice);
  service.withdraw(alice, first);
  EXPECT_TRUE(service.stored(first)) << "they linger";
  const std::string second = service.proposal(bob);
  EXPECT_TRUE(service.stored(first));
  service.withdraw(bob, second);
  EXPECT_FALSE(service.stored(first));
  EXPECT_TRUE(service.stored(second));
  EXPECT_TRUE(service.stored(open));
  service.put(tables::proposals_info, std::string(64, '7'), "junk");
  service.use({.resolve = "return 'Accepted';"});
  const std::string accepted = service.proposal(alice);
  EXPECT_FALSE(service.stored(second));
  EXPECT_FALSE(service.stored(std::string(64, '7'))) << "what is no proposal leaves too";
  EXPECT_TRUE(service.stored(open));
  EXPECT_TRUE(service.stored(accepted));
}

TEST_F(Proposals, dropped_ones_survive_until_the_sweep_after) {
  const std::string victim = service.proposal(bob);
  service.use({.resolve = "return 'Accepted';", .apply = R"(
    const infos = ccf.kv['public:ccf.gov.proposals_info'];
    infos.forEach((value, key) => {
      const info = ccf.bufToJsonCompatible(value);
      if (ccf.bufToStr(key) !== id && info.state === 'Open') {
        info.state = 'Dropped';
        infos.set(key, ccf.jsonCompatibleToBuf(info));
      }
    });)"});
  const std::string dropping = service.proposal(alice);
  EXPECT_EQ(service.state_of(victim), "Dropped");
  EXPECT_EQ(service.state_of(dropping), "Accepted");
  EXPECT_EQ(summary(service.vote(carol, victim, yes)).substr(0, 20), "400 ProposalNotOpen:");
  EXPECT_EQ(summary(service.withdraw(bob, victim)).substr(0, 20), "400 ProposalNotOpen:");
  service.use({.resolve = "return 'Rejected';"});
  service.proposal(alice);
  EXPECT_FALSE(service.stored(victim));
}

TEST_F(Proposals, effects_of_a_conflicting_attempt_are_asked_for_once) {
  service.use({.resolve = "return 'Accepted';",
               .apply = "ccf.node.triggerLedgerChunk(); ccf.node.triggerSnapshot();"});
  EXPECT_EQ(GovernanceService::state_in(service.propose(alice)), "Accepted");
  EXPECT_EQ(service.chunks, 1);
  EXPECT_EQ(service.snapshots, 1);
  service.use({.resolve = "return 'Accepted';",
               .apply = "ccf.node.triggerLedgerChunk(); throw new Error('after all not');"});
  EXPECT_EQ(service.propose(alice).status, 500);
  EXPECT_EQ(service.chunks, 1) << "what is dropped asks for nothing";
}

/// A thread that serves requests, as a worker of the node does.
class Server {
 public:
  explicit Server(GovernanceService& service)
      : service_(service), worker_([&service](kv::Tx& tx, const replica::CommitOptions& options) {
          return service.store.commit(tx, options.conditions);
        }) {}
  http::Response post(const std::string& target, const Bytes& body) {
    http::Request request;
    request.method = http::Method::post;
    request.target = target;
    request.path = request.target.substr(0, request.target.find('?'));
    request.query = request.target.substr(request.path.size() + 1);
    request.headers.push_back({"content-type", "application/cose"});
    request.body = body;
    http::Response response;
    service_.frontends.process(worker_, request, session_, response);
    return response;
  }

 private:
  GovernanceService& service_;
  rpc::Worker worker_;
  rpc::Session session_;
};

TEST_F(Proposals, from_many_threads_at_once) {
  service.use({.apply = "ccf.kv['public:ccf.gov.users.certs'].set(ccf.strToBuf(id),"
                        " ccf.strToBuf('x'));"});
  service.ticking.step = 0;
  constexpr int rounds = 10;
  std::atomic<int> accepted{0};
  const auto serve = [&](const TestMember& member) {
    Server server(service);
    for (int i = 0; i < rounds; ++i) {
      const auto created = server.post(service.versioned_path("/members/proposals:create"),
                                       service.sign(member, "proposal", nothing));
      if (created.status != 200) continue;
      const std::string id = text_of(body_json(created).at("proposalId"));
      const std::string ballot = json::dump(json::object{{"ballot", yes}});
      for (const TestMember& voter : service.members) {
        const auto voted = server.post(service.ballot_path(id, voter.id()),
                                       service.sign(voter, "ballot", ballot, id));
        if (GovernanceService::state_in(voted) != "Accepted") continue;
        ++accepted;
        break;
      }
    }
  };
  std::vector<std::thread> threads;
  for (const TestMember& member : service.members) threads.emplace_back(serve, std::cref(member));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, rounds * 3) << "whatever conflicts is executed again";
  kv::ReadOnlyTx tx = service.store.begin_read_only();
  EXPECT_EQ(tx.ro(tables::users_certs).size(), static_cast<size_t>(rounds * 3));
  EXPECT_EQ(tx.ro(tables::proposals_info).size(), 1u) << "only the last one lingers";
}

}  // namespace
}  // namespace entente::gov::test
