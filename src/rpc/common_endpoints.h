#pragma once
// The endpoints that every frontend has: GET /commit, /tx, /api, and /receipt where the history
// room provides it. Source: docs/http-api.md (common endpoints).

#include "entente/endpoint.h"
#include "entente/node_context.h"

namespace entente::rpc {

/// `/commit`, `/tx` and `/api`. `node` must outlive the registry.
void install_common_endpoints(EndpointRegistry& registry, const NodeContext& node);

/// `/receipt?transaction_id=`: describes it, forwarding sometimes, no authentication.
void install_receipt_endpoint(EndpointRegistry& registry, ReadOnlyEndpointFunction function);

}  // namespace entente::rpc
