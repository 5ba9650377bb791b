#include "node/tables.h"

#include <array>

#include "entente/errors.h"
#include "entente/http.h"

namespace entente::node::tables {

BytesView unit() {
  static constexpr std::array<uint8_t, 8> key{};
  return key;
}

std::optional<json::value> get_json(kv::ReadOnlyTx& tx, std::string_view table, BytesView key) {
  const auto bytes = tx.ro(table).get(key);
  if (!bytes) return std::nullopt;
  auto document = json::parse(as_text(*bytes));
  if (!document) {
    throw RpcException(http::status::internal_server_error, errors::internal_error,
                       "Table " + std::string(table) + ": " + document.error().message);
  }
  return std::move(*document);
}

std::string_view text_member(const json::value& document, std::string_view name) {
  const auto* members = document.if_object();
  const auto* member = members == nullptr ? nullptr : members->if_contains(name);
  const auto* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

}  // namespace entente::node::tables
