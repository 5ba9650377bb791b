// How votes become a decision: rules by name, and thousands of random ballots against a model.

#include "gov/decision.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace entente::gov {
namespace {

using Kind = ScriptError::Kind;

ScriptError error(Kind kind, std::string reason) {
  return {kind, {std::move(reason), "at line 1"}};
}

/// Ballots are words that say what they do.
const auto run_ballot = [](const std::string&, const std::string& ballot) -> ScriptResult<bool> {
  if (ballot == "yes") return true;
  if (ballot == "no") return false;
  if (ballot == "throws") return error(Kind::threw, "Error: thrown");
  if (ballot == "unusable") return error(Kind::unusable, "no vote");
  return error(Kind::aborted, "reserved");
};

ProposalInfo with_ballots(std::map<std::string, std::string> ballots) {
  ProposalInfo info;
  info.proposer_id = "p";
  info.ballots = std::move(ballots);
  return info;
}

Decision decide_as(const ProposalInfo& info, const ScriptResult<std::string>& resolved,
                   const std::string* newest = nullptr) {
  return decide(info, newest, {run_ballot, [&](const std::vector<Vote>&) { return resolved; }});
}

TEST(Decision, resolve_sees_the_votes_that_succeeded_in_the_order_of_members) {
  const auto info = with_ballots({{"c", "yes"}, {"a", "no"}, {"b", "throws"}});
  std::vector<Vote> seen;
  const Decision decision = decide(info, nullptr, {run_ballot, [&](const std::vector<Vote>& votes) {
                                                     seen = votes;
                                                     return ScriptResult<std::string>("Open");
                                                   }});
  EXPECT_EQ(seen, (std::vector<Vote>{{"a", false}, {"c", true}}));
  EXPECT_EQ(decision.state, ProposalState::open);
  EXPECT_EQ(decision.votes, (std::map<std::string, bool>{{"a", false}, {"c", true}}));
  EXPECT_EQ(decision.vote_failures.at("b"), (Failure{"Error: thrown", "at line 1"}));
}

TEST(Decision, words_that_resolve_may_say) {
  const auto info = with_ballots({{"a", "yes"}});
  EXPECT_EQ(decide_as(info, "Open").state, ProposalState::open);
  EXPECT_EQ(decide_as(info, "Accepted").state, ProposalState::accepted);
  EXPECT_EQ(decide_as(info, "Rejected").state, ProposalState::rejected);
  for (const char* word : {"open", "Withdrawn", "Dropped", "Failed", "", "undefined", "true"}) {
    const Decision decision = decide_as(info, word);
    EXPECT_EQ(decision.state, ProposalState::failed);
    EXPECT_NE(decision.failure->reason.find("resolve()"), std::string::npos);
    EXPECT_NE(decision.failure->reason.find("\"" + std::string(word) + "\""), std::string::npos);
    EXPECT_EQ(decision.failure->trace, std::nullopt);
  }
}

TEST(Decision, resolve_that_throws_fails) {
  const Decision decision =
      decide_as(with_ballots({}), error(Kind::threw, "Error: Resolve message"));
  EXPECT_EQ(decision.state, ProposalState::failed);
  EXPECT_EQ(decision.failure->reason, "Failed to resolve(): Error: Resolve message");
  EXPECT_EQ(describe(*decision.failure),
            "Failed to resolve(): Error: Resolve message\nTrace: at line 1");
  EXPECT_EQ(describe({"why", std::nullopt}), "why\nTrace: N/A");
}

TEST(Decision, only_the_newest_ballot_may_fail_the_request) {
  const auto info = with_ballots({{"a", "aborts"}, {"b", "yes"}, {"c", "unusable"}});
  const std::string a = "a", b = "b", c = "c";
  EXPECT_EQ(decide_as(info, "Open", &a).failure->reason, "reserved");
  EXPECT_EQ(decide_as(info, "Open", &c).failure->reason, "no vote");
  const Decision decision = decide_as(info, "Open", &b);
  EXPECT_EQ(decision.state, ProposalState::open);
  EXPECT_EQ(decision.vote_failures.size(), 2u);
  EXPECT_EQ(decision.votes.size(), 1u);
}

TEST(Decision, votes_are_recorded_when_it_is_not_open_any_more) {
  for (const char* word : {"Open", "Accepted", "Rejected"}) {
    ProposalInfo info = with_ballots({{"a", "yes"}, {"b", "throws"}});
    record(info, decide_as(info, word));
    EXPECT_EQ(to_text(info.state), word);
    EXPECT_EQ(info.final_votes.has_value(), info.state != ProposalState::open);
    EXPECT_EQ(info.vote_failures.has_value(), info.state != ProposalState::open);
  }
  ProposalInfo info = with_ballots({});
  record(info, decide_as(info, "Accepted"));
  EXPECT_TRUE(info.final_votes->empty() && info.vote_failures->empty())
      << "stored even if nobody voted";
}

/// Of any ballots: each is a final vote or a failure, never both, never lost; what is decided is
/// what counting the words says.
TEST(Decision, counts_as_a_model_does) {
  EXPECT_TRUE(rc::check([] {
    const auto words = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4));
    std::map<std::string, std::string> ballots;
    size_t in_favour = 0, against = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      static const char* texts[] = {"yes", "no", "throws", "aborts"};
      ballots["member" + std::to_string(i)] = texts[words[i]];
      in_favour += words[i] == 0;
      against += words[i] == 1;
    }
    ProposalInfo info = with_ballots(ballots);
    const auto resolve = [](const std::vector<Vote>& votes) -> ScriptResult<std::string> {
      int balance = 0;
      for (const Vote& vote : votes) balance += vote.yes ? 1 : -1;
      return balance > 0 ? "Accepted" : balance < 0 ? "Rejected" : "Open";
    };
    record(info, decide(info, nullptr, {run_ballot, resolve}));
    const auto expected = in_favour > against   ? ProposalState::accepted
                          : in_favour < against ? ProposalState::rejected
                                                : ProposalState::open;
    RC_ASSERT(info.state == expected);
    if (expected == ProposalState::open) {
      RC_ASSERT(!info.final_votes && !info.vote_failures);
      return;
    }
    RC_ASSERT(info.final_votes->size() == in_favour + against);
    RC_ASSERT(info.final_votes->size() + info.vote_failures->size() == ballots.size());
    for (const auto& [member, ballot] : ballots) {
      RC_ASSERT(info.final_votes->contains(member) != info.vote_failures->contains(member));
    }
  }));
}

}  // namespace
}  // namespace entente::gov
