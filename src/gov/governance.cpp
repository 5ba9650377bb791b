#include "gov/governance.h"

#include "gov/member_endpoints.h"
#include "gov/service_endpoints.h"

namespace entente::gov {

void Governance::install(EndpointRegistry& registry) {
  install_proposal_endpoints(registry, surroundings_, scripts_);
  install_state_digest_endpoints(registry, surroundings_);
  install_service_endpoints(registry, surroundings_);
  install_recovery_endpoints(registry, surroundings_);
}

}  // namespace entente::gov
