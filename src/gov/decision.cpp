#include "gov/decision.h"

namespace entente::gov {
namespace {

constexpr std::string_view failed_to_resolve = "Failed to resolve(): ";

/// What resolve() may decide.
std::optional<ProposalState> parse_decision(std::string_view text) {
  for (const ProposalState state :
       {ProposalState::open, ProposalState::accepted, ProposalState::rejected}) {
    if (text == to_text(state)) return state;
  }
  return std::nullopt;
}

Decision failed(Failure failure) {
  Decision decision;
  decision.state = ProposalState::failed;
  decision.failure = std::move(failure);
  return decision;
}

}  // namespace

std::string describe(const Failure& failure) {
  return failure.reason + "\nTrace: " + failure.trace.value_or("N/A");
}

Decision decide(const ProposalInfo& proposal, const std::string* newest,
                const DecisionScripts& scripts) {
  Decision decision;
  std::vector<Vote> votes;
  for (const auto& [member, ballot] : proposal.ballots) {
    ScriptResult<bool> result = scripts.vote(member, ballot);
    if (const bool* yes = std::get_if<bool>(&result)) {
      votes.push_back({member, *yes});
      decision.votes.emplace(member, *yes);
      continue;
    }
    ScriptError& error = std::get<ScriptError>(result);
    const bool is_newest = newest != nullptr && member == *newest;
    if (is_newest && error.kind != ScriptError::Kind::threw) {
      return failed(std::move(error.failure));
    }
    decision.vote_failures.emplace(member, std::move(error.failure));
  }

  ScriptResult<std::string> resolved = scripts.resolve(votes);
  if (ScriptError* error = std::get_if<ScriptError>(&resolved)) {
    if (error->kind == ScriptError::Kind::threw) error->failure.reason.insert(0, failed_to_resolve);
    return failed(std::move(error->failure));
  }
  const std::string& text = std::get<std::string>(resolved);
  const auto state = parse_decision(text);
  if (!state) {
    return failed({"Invalid status of proposal: resolve() returned \"" + text +
                       "\", expected one of \"Open\", \"Accepted\", \"Rejected\".",
                   std::nullopt});
  }
  decision.state = *state;
  return decision;
}

void record(ProposalInfo& proposal, Decision&& decision) {
  proposal.state = decision.state;
  proposal.failure = std::move(decision.failure);
  if (decision.state == ProposalState::open || decision.state == ProposalState::failed) return;
  proposal.final_votes = std::move(decision.votes);
  proposal.vote_failures = std::move(decision.vote_failures);
}

}  // namespace entente::gov
