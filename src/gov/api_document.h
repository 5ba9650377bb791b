#pragma once
// The published description of the governance interface, an OpenAPI 2.0 document for each version.
// It names the same paths, parameters and fields as the description that clients know; what this
// service answers beside that is added. Source: docs/governance.md (messages and errors).

#include <vector>

#include "entente/json.h"
#include "gov/api_version.h"
#include "rpc/common_endpoints.h"

namespace entente::gov {

json::value api_document(ApiVersion version);

/// For rpc::install_common_endpoints.
std::vector<rpc::PublishedDocument> api_documents();

}  // namespace entente::gov
