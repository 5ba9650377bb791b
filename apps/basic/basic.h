#pragma once
// The smallest useful application: a private table of raw records.
//
//   PUT  /app/records/{key}   body stored as it is: 204
//   GET  /app/records/{key}   200 text/plain, or 404
//   POST /app/records         JSON object of texts, stored in one transaction: 204

#include "entente/app.h"

namespace basic {

void register_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext& node);
/// The same, open to everybody and forwarded to the primary.
void register_open_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext& node);

}  // namespace basic
