#include "base/assert.h"
#include "crypto/cbor.h"

namespace entente::crypto::cbor {

std::string_view name_of(Kind kind) {
  constexpr std::string_view names[] = {"unsigned integer",
                                        "negative integer",
                                        "byte string",
                                        "text",
                                        "array",
                                        "map",
                                        "tag",
                                        "boolean",
                                        "null",
                                        "undefined",
                                        "floating point",
                                        "simple value"};
  return names[static_cast<size_t>(kind)];
}

Value Value::integer(int64_t value) {
  Value out;
  out.kind = value < 0 ? Kind::negative_integer : Kind::unsigned_integer;
  out.number = static_cast<uint64_t>(value < 0 ? -1 - value : value);
  return out;
}

Value Value::byte_string(BytesView value) {
  Value out;
  out.kind = Kind::bytes;
  out.string = to_bytes(value);
  return out;
}

Value Value::text_string(std::string_view utf8) {
  Value out = byte_string(entente::as_bytes(utf8));
  out.kind = Kind::text;
  return out;
}

Value Value::array(std::vector<Value> items) {
  Value out;
  out.kind = Kind::array;
  out.items = std::move(items);
  return out;
}

Value Value::map(std::vector<Value> keys_and_values) {
  ENTENTE_ASSERT(keys_and_values.size() % 2 == 0);
  Value out = array(std::move(keys_and_values));
  out.kind = Kind::map;
  return out;
}

std::optional<int64_t> Value::as_integer() const {
  if (number > INT64_MAX) return std::nullopt;
  const auto signed_number = static_cast<int64_t>(number);
  if (is(Kind::unsigned_integer)) return signed_number;
  if (is(Kind::negative_integer)) return -1 - signed_number;
  return std::nullopt;
}

std::optional<BytesView> Value::as_bytes() const {
  if (!is(Kind::bytes)) return std::nullopt;
  return string;
}

std::optional<std::string_view> Value::as_text() const {
  if (!is(Kind::text)) return std::nullopt;
  return entente::as_text(string);
}

const Value* Value::find(int64_t key) const {
  if (!is(Kind::map)) return nullptr;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].as_integer() == key) return &items[i + 1];
  }
  return nullptr;
}

const Value* Value::find(std::string_view key) const {
  if (!is(Kind::map)) return nullptr;
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].is(Kind::text) && entente::as_text(items[i].string) == key) return &items[i + 1];
  }
  return nullptr;
}

}  // namespace entente::crypto::cbor
