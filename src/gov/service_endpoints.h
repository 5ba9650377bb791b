#pragma once
// GET /gov/service/*: the state of the service for members and their tools, and the recovery of a
// service by its members, /gov/recovery/*. Source: docs/governance.md (endpoints).

#include "entente/endpoint.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// `surroundings` must outlive the registry.
void install_service_endpoints(EndpointRegistry& registry, const Surroundings& surroundings);
void install_recovery_endpoints(EndpointRegistry& registry, const Surroundings& surroundings);

}  // namespace entente::gov
