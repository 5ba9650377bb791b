#include "consensus/core.h"

namespace entente::consensus {

std::string_view to_text(Leadership leadership) {
  constexpr std::string_view names[] = {"None", "Follower", "PreVoteCandidate", "Candidate",
                                        "Leader"};
  return names[static_cast<size_t>(leadership)];
}

std::string_view to_text(Membership membership) {
  return membership == Membership::active ? "Active" : "Retired";
}

}  // namespace entente::consensus
