#pragma once
// Fields of JSON values in the ledger, as types. Errors name the field: "At #/root: …".

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::ledger::fields {

/// There and not null.
bool present(const json::Reader& object, std::string_view key);

Result<std::string> text(const json::Reader& object, std::string_view key);
Result<uint64_t> number(const json::Reader& object, std::string_view key);
Result<SeqNo> seqno(const json::Reader& object, std::string_view key);    ///< 1 … 2^63-1
Result<Digest> digest(const json::Reader& object, std::string_view key);  ///< lower-case hex
Result<Bytes> base64(const json::Reader& object, std::string_view key);
Result<TxId> txid(const json::Reader& object, std::string_view key);

/// Nullopt if the field is absent or null.
template <typename T>
Result<std::optional<T>> optional(const json::Reader& object, std::string_view key,
                                  Result<T> (*read)(const json::Reader&, std::string_view)) {
  if (!present(object, key)) return std::optional<T>();
  auto value = read(object, key);
  if (!value) return value.error();
  return std::optional<T>(std::move(*value));
}

/// 64 lower-case hex digits, the only text form of a digest that anything writes.
std::optional<Digest> canonical_digest(std::string_view hex);

}  // namespace entente::ledger::fields
