#pragma once
// The logging application: messages under numeric ids, in a private and a public table, and nearly
// everything else that an application can do with its past, its callers and its receipts.
// Source: docs/http-api.md (sample applications).

#include "entente/app.h"

namespace logging {

void register_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext& node);
/// The receipt of the first transaction proves under which constitution the service began.
entente::Digest genesis_claims(std::string_view constitution);

// One part each, in a file of that name.
void register_records(entente::EndpointRegistry& endpoints);
void register_callers(entente::EndpointRegistry& endpoints);
void register_committed_index(entente::EndpointRegistry& endpoints, entente::NodeContext& node);
void register_historical(entente::EndpointRegistry& endpoints, entente::NodeContext& node);
void register_proofs(entente::EndpointRegistry& endpoints, entente::NodeContext& node);

}  // namespace logging
