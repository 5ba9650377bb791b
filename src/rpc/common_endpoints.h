#pragma once
// The endpoints that every frontend has: GET /commit, /tx, /api, and /receipt where the history
// room provides it. Source: docs/http-api.md (common endpoints).

#include <string>
#include <vector>

#include "entente/endpoint.h"
#include "entente/node_context.h"

namespace entente::rpc {

/// A document of its own for one version of a frontend's interface.
struct PublishedDocument {
  std::string version;  ///< as `api-version` names it
  std::string text;     ///< JSON
};

/// `/commit`, `/tx` and `/api`. `node` must outlive the registry. `/api` answers with the published
/// document of the version asked for; with the generated one if none is asked for, or none is
/// published.
void install_common_endpoints(EndpointRegistry& registry, const NodeContext& node,
                              std::vector<PublishedDocument> published = {});

/// `/receipt?transaction_id=`: describes it, forwarding sometimes, no authentication.
void install_receipt_endpoint(EndpointRegistry& registry, ReadOnlyEndpointFunction function);

}  // namespace entente::rpc
