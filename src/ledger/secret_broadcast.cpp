#include "ledger/secret_broadcast.h"

#include "base/encoding.h"
#include "base/json.h"
#include "ledger/json_fields.h"

namespace entente::ledger {
namespace {

Result<SecretBroadcast::Item> parse_item(const json::Reader& reader) {
  if (auto object = reader.as_object(); !object) return object.error();
  SecretBroadcast::Item item;
  auto version = fields::optional(reader, "version", fields::seqno);
  if (!version) return version.error();
  item.version = *version;
  auto sealed = fields::base64(reader, "encrypted_secret");
  if (!sealed) return sealed.error();
  item.sealed = std::move(*sealed);
  auto previous = fields::optional(reader, "previous_secret_stored_version", fields::seqno);
  if (!previous) return previous.error();
  item.previous_secret_stored_version = *previous;
  return item;
}

}  // namespace

std::string SecretBroadcast::json() const {
  json::object out;
  for (const auto& [node, items] : nodes) {
    json::array& list = out[node.value].emplace_array();
    for (const Item& item : items) {
      json::object& one = list.emplace_back(json::object()).as_object();
      one["version"] = item.version ? json::value(item.version->value) : json::value(nullptr);
      one["encrypted_secret"] = to_base64(item.sealed);
      if (item.previous_secret_stored_version) {
        one["previous_secret_stored_version"] = item.previous_secret_stored_version->value;
      }
    }
  }
  return json::dump(out);
}

Result<SecretBroadcast> parse_secret_broadcast(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) return document.error();
  const json::Reader reader(*document);
  auto nodes = reader.as_object();
  if (!nodes) return nodes.error();
  SecretBroadcast parsed;
  for (const auto& member : **nodes) {
    const auto node = reader.member(member.key());
    if (!node) return node.error();
    auto items = node->as_array();
    if (!items) return items.error();
    auto& list = parsed.nodes[NodeId{std::string(member.key())}];
    for (size_t i = 0; i < (*items)->size(); ++i) {
      auto item = parse_item(node->element(i));
      if (!item) return item.error();
      list.push_back(std::move(*item));
    }
  }
  return parsed;
}

Result<Bytes> seal_ledger_secret(const crypto::SymmetricKey& secret,
                                 const crypto::RsaPublicKey& node) {
  return node.encrypt_oaep_sha256(secret);
}

Result<crypto::SymmetricKey> open_ledger_secret(BytesView sealed, const crypto::RsaKeyPair& node) {
  auto plaintext = node.decrypt_oaep_sha256(sealed);
  if (!plaintext) return plaintext.error();
  const crypto::WipeAtExit wipe(*plaintext);
  if (plaintext->size() != crypto::SymmetricKey::size) {
    return Error{"holds " + std::to_string(plaintext->size()) + " bytes, not a 32-byte secret"};
  }
  return crypto::SymmetricKey(
      std::span<const uint8_t>(*plaintext).first<crypto::SymmetricKey::size>());
}

}  // namespace entente::ledger
