#pragma once
// What becomes of an open proposal, out of its stored ballots and what scripts say. Pure: the
// scripts are functions that the caller hands in, nothing is read or written here.
// Source: docs/governance.md (life of a proposal).

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "entente/kv/tx.h"
#include "gov/tables.h"

namespace entente::gov {

/// Why a script gave no result.
struct ScriptError {
  enum class Kind : uint8_t {
    unusable,  ///< does not compile, or does not export the function
    threw,     ///< an exception, or a limit was reached
    aborted    ///< touched what nobody may touch: the whole request ends
  };
  Kind kind = Kind::threw;
  Failure failure;
};
template <typename T>
using ScriptResult = std::variant<T, ScriptError>;

/// `reason`, `Trace: ` and the trace or `N/A` on two lines, as answers say it.
std::string describe(const Failure& failure);

struct Vote {
  std::string member;
  bool yes = false;
  bool operator==(const Vote&) const = default;
};

/// The scripts of one cycle. Each is called at most once for each ballot, in the order of member
/// ids, and resolve once, after the ballots.
struct DecisionScripts {
  kv::FunctionRef<ScriptResult<bool>(const std::string& member, const std::string& ballot)> vote;
  /// The text of what resolve() returned.
  kv::FunctionRef<ScriptResult<std::string>(const std::vector<Vote>&)> resolve;
};

struct Decision {
  ProposalState state = ProposalState::open;  ///< open, accepted, rejected, or failed
  std::map<std::string, bool> votes;
  std::map<std::string, Failure> vote_failures;
  std::optional<Failure> failure;  ///< exactly if the state is failed
};

/// Runs one cycle over all stored ballots. `newest`: the member whose ballot has just come, if any.
/// A script of that ballot that is aborted fails the cycle; an older one counts as a failed vote:
/// no member can stop the votes of others.
Decision decide(const ProposalInfo& proposal, const std::string* newest,
                const DecisionScripts& scripts);

/// The proposal with what was decided: the votes are recorded once it is not open any more.
void record(ProposalInfo& proposal, Decision&& decision);

}  // namespace entente::gov
