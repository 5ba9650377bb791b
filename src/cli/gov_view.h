#pragma once
// Members and proposals of a service as people look at them: who has voted, what is missing, why
// something failed. Source: docs/governance.md (endpoints).

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/gov_client.h"

namespace entente::cli {

struct MemberView {
  std::string id, status, recovery_role;
  json::value data;  ///< null if there is none
};

struct ProposalView {
  std::string id, proposer, state;
  uint64_t ballot_count = 0;
  std::string content;                         ///< the bytes that were proposed
  std::map<std::string, std::string> ballots;  ///< member id → source, of present members
  json::value document;                        ///< as the service describes it

  std::vector<std::string> action_names() const;
};

Result<std::vector<MemberView>> read_members(GovClient& client);
/// All that the service still holds, with their content, without ballots.
Result<std::vector<ProposalView>> read_proposals(GovClient& client);
/// The proposal whose id begins so (at least 4 characters), with the ballots of these members.
Result<ProposalView> read_proposal(GovClient& client, const std::string& id,
                                   const std::vector<MemberView>& members);

std::string to_text(const std::vector<MemberView>& members);
std::string to_text(const std::vector<ProposalView>& proposals);
/// One proposal in full.
std::string to_text(const ProposalView& proposal, const std::vector<MemberView>& members);

json::value to_json(const std::vector<MemberView>& members);
/// With `content` (parsed if it is JSON) and `ballots` beside what the service says.
json::object to_json(const ProposalView& proposal);

/// Why a proposal was accepted or rejected, as the service answered: votes and failed ballots, one
/// line each. Empty for an open one.
std::string outcome_text(const json::value& document);

/// Text field of a JSON object; empty if there is none.
std::string text_field(const json::value& object, std::string_view key);
/// Prints the id of a proposal that the service described, its state and its outcome.
void print_proposal(const json::value& document);

}  // namespace entente::cli
