#pragma once
// /gov/members/*: proposals, ballots, and members' state digests with their acknowledgements.
// Source: docs/governance.md (messages and errors).

#include "entente/endpoint.h"
#include "gov/scripts.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// Everything handed in must outlive the registry.
void install_proposal_endpoints(EndpointRegistry& registry, const Surroundings& surroundings,
                                Scripts& scripts);
void install_state_digest_endpoints(EndpointRegistry& registry, const Surroundings& surroundings);

}  // namespace entente::gov
