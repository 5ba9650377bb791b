#pragma once
// Proposals and ballots as transactions: what a signed message of a member does to the tables, or
// why it does nothing. Source: docs/governance.md (life of a proposal).
//
// Every function throws RpcException with status, code and message of the answer when the message
// is refused; whatever the transaction holds then must be dropped.

#include <optional>
#include <string>
#include <utility>

#include "entente/auth.h"
#include "gov/scripts.h"
#include "gov/surroundings.h"
#include "gov/tables.h"

namespace entente::gov {

/// What one request works with.
struct Deliberation {
  kv::Tx& tx;
  Scripts& scripts;
  const Surroundings& surroundings;
  Requests& requests;  ///< of what an accepted proposal asks; carried out after the commit
};

struct Proposal {
  std::string id;
  ProposalInfo info;
};

/// A new proposal, decided at once where the constitution needs no votes for it.
Proposal create_proposal(Deliberation& at, const MemberCoseSign1Identity& message);

/// One more ballot, and what becomes of the proposal by it. The same ballot again changes nothing.
Proposal submit_ballot(Deliberation& at, const std::string& proposal_id,
                       const MemberCoseSign1Identity& message);

/// Withdraws a proposal for its proposer; nullopt if there is no such proposal. Of one that is
/// withdrawn already: changes nothing.
std::optional<Proposal> withdraw_proposal(kv::Tx& tx, const std::string& proposal_id,
                                          const MemberCoseSign1Identity& message);

/// Throws RpcException 404 ProposalNotFound.
Proposal get_proposal(kv::ReadOnlyTx& tx, const std::string& proposal_id);

/// The stored payload. Throws likewise.
Bytes get_actions(kv::ReadOnlyTx& tx, const std::string& proposal_id);

/// All that are stored. What does not parse is left out, and the log says so.
std::vector<Proposal> list_proposals(kv::ReadOnlyTx& tx);

/// As answers show it.
json::object to_json(const Proposal& proposal);

}  // namespace entente::gov
