#pragma once
// Whether a request is executed here, or answered 307 to a node in the right role. Only on
// interfaces in redirection mode. Source: docs/http-api.md (redirection mode).

#include "entente/endpoint.h"
#include "rpc/interface.h"

namespace entente::rpc {

enum class Placement { here, to_primary, to_backup };

Placement placement(RedirectionStrategy strategy, const InterfaceRules& rules, bool is_primary);

/// The rule of the interface for that placement; where none is configured, the primary by role.
RedirectTarget redirect_target(Placement placement, const InterfaceRules& rules);

}  // namespace entente::rpc
