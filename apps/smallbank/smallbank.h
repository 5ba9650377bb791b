#pragma once
// SmallBank: customers with a savings and a checking account, six procedures.
// POST /app/SmallBank_<procedure>, bodies as FlatBuffers (smallbank.fbs). Success is 204 (balance:
// 200 with a Balance); a refusal is 400 with a text and changes nothing.
// Source: docs/smallbank.md.

#include "entente/app.h"

namespace smallbank {

/// Accounts that one create_batch may make.
inline constexpr uint64_t max_batch = 100000;

void register_endpoints(entente::EndpointRegistry& endpoints, entente::NodeContext& node);

}  // namespace smallbank
