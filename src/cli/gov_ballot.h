#pragma once
// Ballots for members who do not write their own.

#include <string>
#include <string_view>

namespace entente::cli {

/// Says yes to exactly this proposal: these bytes, of this proposer. Another proposal that a
/// service presents under the same id gets a no.
std::string accepting_ballot(std::string_view proposal, std::string_view proposer_id);
std::string rejecting_ballot();

enum class KnownBallot { accepting, rejecting, other };
/// Whether a ballot is one of the above for this proposal.
KnownBallot recognise_ballot(std::string_view ballot, std::string_view proposal,
                             std::string_view proposer_id);

}  // namespace entente::cli
