#pragma once
// Reading of the governance tables that the framework itself needs. The tables are ours, but their
// content is written by scripts too: what does not parse is reported, never assumed.

#include <optional>
#include <string_view>

#include "entente/json.h"
#include "entente/kv.h"

namespace entente::node::tables {

inline constexpr std::string_view nodes_info = "public:ccf.gov.nodes.info";
inline constexpr std::string_view endorsed_certificates =
    "public:ccf.gov.nodes.endorsed_certificates";
inline constexpr std::string_view service_info = "public:ccf.gov.service.info";
inline constexpr std::string_view service_config = "public:ccf.gov.service.config";
inline constexpr std::string_view previous_service_identity =
    "public:ccf.gov.service.previous_service_identity";
inline constexpr std::string_view js_runtime_options = "public:ccf.gov.js_runtime_options";

/// Key of single-value tables: 8 zero bytes.
BytesView unit();

/// The JSON value of a key; nullopt if absent. Throws RpcException 500 if it is not JSON.
std::optional<json::value> get_json(kv::ReadOnlyTx& tx, std::string_view table, BytesView key);

/// Text member of an object, or "".
std::string_view text_member(const json::value& document, std::string_view name);

}  // namespace entente::node::tables
