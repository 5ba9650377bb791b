#pragma once
// The JSON documents of GET /gov/service/*, made of the tables. Rows that scripts wrote in a shape
// of their own are shown as far as they can be read.
// Source: docs/governance.md (endpoints).

#include <optional>
#include <string>

#include "entente/json.h"
#include "entente/kv.h"
#include "entente/node_context.h"

namespace entente::gov::documents {

/// nullopt: there is no such row.
std::optional<json::object> service_info(kv::ReadOnlyTx& tx, const NodeContext& node);
std::optional<json::object> member(kv::ReadOnlyTx& tx, const std::string& id);
std::optional<json::object> user(kv::ReadOnlyTx& tx, const std::string& id);
std::optional<json::object> node(kv::ReadOnlyTx& tx, const std::string& id);

json::object join_policy(kv::ReadOnlyTx& tx);
json::object jwk(kv::ReadOnlyTx& tx);
/// `verbatim`: the operations as they are stored.
json::object javascript_app(kv::ReadOnlyTx& tx, bool verbatim);
json::array module_names(kv::ReadOnlyTx& tx);

}  // namespace entente::gov::documents
