#include "ledger/json_fields.h"

#include "base/encoding.h"
#include "ledger/entry.h"

namespace entente::ledger::fields {
namespace {

/// Reads a text field and converts it; `wanted` says what it should have been.
template <typename T, typename Convert>
Result<T> converted(const json::Reader& object, std::string_view key, std::string_view wanted,
                    Convert convert) {
  auto member = object.member(key);
  if (!member) return member.error();
  auto text = member->as_string();
  if (!text) return text.error();
  std::optional<T> value = convert(*text);
  if (!value) return member->error("Expected " + std::string(wanted));
  return std::move(*value);
}

}  // namespace

bool present(const json::Reader& object, std::string_view key) {
  const json::object* members = object.document().if_object();
  if (members == nullptr) return false;
  const json::value* found = members->if_contains(key);
  return found != nullptr && !found->is_null();
}

Result<std::string> text(const json::Reader& object, std::string_view key) {
  auto member = object.member(key);
  if (!member) return member.error();
  return member->as_string();
}

Result<uint64_t> number(const json::Reader& object, std::string_view key) {
  auto member = object.member(key);
  if (!member) return member.error();
  return member->as_uint64();
}

Result<SeqNo> seqno(const json::Reader& object, std::string_view key) {
  auto member = object.member(key);
  if (!member) return member.error();
  auto value = member->as_uint64();
  if (!value) return value.error();
  if (*value == 0 || *value > max_seqno) return member->error("Not a seqno");
  return SeqNo{*value};
}

std::optional<Digest> canonical_digest(std::string_view hex) {
  for (const char c : hex) {
    if (c >= 'A' && c <= 'F') return std::nullopt;
  }
  return Digest::from_hex(hex);
}

Result<Digest> digest(const json::Reader& object, std::string_view key) {
  return converted<Digest>(object, key, "64 lower-case hex digits", canonical_digest);
}

Result<Bytes> base64(const json::Reader& object, std::string_view key) {
  return converted<Bytes>(object, key, "base64",
                          [](std::string_view text) { return from_base64(text); });
}

Result<TxId> txid(const json::Reader& object, std::string_view key) {
  return converted<TxId>(object, key, "a transaction id",
                         [](std::string_view text) { return TxId::parse(text); });
}

}  // namespace entente::ledger::fields
