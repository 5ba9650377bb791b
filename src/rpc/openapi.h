#pragma once
// The OpenAPI 3.0 document of one frontend, generated from what its endpoints declare.
// Source: docs/http-api.md (OpenAPI).

#include "entente/endpoint.h"
#include "entente/json.h"

namespace entente::rpc {

/// Hidden endpoints and the default one are left out. Throws std::logic_error if two schemas of
/// one name differ.
json::value openapi_document(const EndpointRegistry& registry);

}  // namespace entente::rpc
