#include "ledger/node_register.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "ledger/json_fields.h"

namespace entente::ledger {
namespace {

/// A hostile ledger may not fill the memory with nodes. Real services have a few dozens.
constexpr size_t most_nodes = 1 << 16;
constexpr std::array<std::string_view, 3> statuses = {"Pending", "Trusted", "Retired"};

std::string place(std::string_view map, std::string_view id) {
  return std::string(map) + "[" + std::string(id.substr(0, 8)) + "…]";
}

}  // namespace

Result<void> NodeRegister::apply(const kv::WriteSet& writes,
                                 const std::optional<crypto::Certificate>& service) {
  legacy_now_.clear();
  // nodes.info stands behind endorsed_certificates in the entry but is read first: it brings the
  // node into being.
  for (const kv::MapWrites& map : writes) {
    if (map.map != maps::nodes_info) continue;
    if (auto applied = apply_info(map); !applied) return applied;
  }
  for (const kv::MapWrites& map : writes) {
    if (map.map != maps::endorsed_certificates) continue;
    if (auto applied = apply_certificates(map, service); !applied) return applied;
  }
  return {};
}

Result<void> NodeRegister::apply_info(const kv::MapWrites& map) {
  for (const kv::Write& write : map.writes) {
    const std::string id = to_text(write.key);
    if (!write.value) {
      nodes_.erase(id);
      continue;
    }
    const std::string field = place(map.map, id);
    if (!fields::canonical_digest(id)) return Error{field + ": key: not a node id"};
    const auto document = json::parse(as_text(*write.value));
    if (!document) return document.error().at(field);
    const json::Reader reader(*document);
    auto status = fields::text(reader, "status");
    if (!status) return status.error().at(field);
    if (std::find(statuses.begin(), statuses.end(), *status) == statuses.end()) {
      return Error{field + ": status: unknown value"};
    }
    const auto certificate = fields::optional(reader, "cert", fields::text);
    if (!certificate) return certificate.error().at(field);
    const auto key = fields::optional(reader, "public_key", fields::text);
    if (!key) return key.error().at(field);

    if (nodes_.size() >= most_nodes && !nodes_.contains(id))
      return Error{field + ": too many nodes"};
    nodes_[id].status = *status;
    if (*key) {
      const auto parsed = crypto::PublicKey::from_pem(**key);
      if (!parsed) return parsed.error().at(field + ": public_key");
      if (parsed->id() != id) return Error{field + ": public_key: is not that of the node id"};
    }
    if (*certificate) {
      if (auto set = set_certificate(field + ": cert", id, **certificate, true, nullptr); !set) {
        return set;
      }
    }
  }
  return {};
}

Result<void> NodeRegister::apply_certificates(const kv::MapWrites& map,
                                              const std::optional<crypto::Certificate>& service) {
  for (const kv::Write& write : map.writes) {
    const std::string id = to_text(write.key);
    if (!write.value) {
      nodes_.erase(id);
      continue;
    }
    const std::string field = place(map.map, id);
    if (!service) return Error{field + ": no service certificate is known yet"};
    if (auto set = set_certificate(field, id, to_text(*write.value), false, &*service); !set) {
      return set;
    }
  }
  return {};
}

Result<void> NodeRegister::set_certificate(const std::string& field, const std::string& id,
                                           std::string pem, bool legacy,
                                           const crypto::Certificate* service) {
  const auto certificate = crypto::Certificate::from_pem(pem);
  if (!certificate) return certificate.error().at(field);
  auto key = certificate->public_key();
  if (!key) return key.error().at(field);
  if (key->id() != id) return Error{field + ": certificate: its key is not that of the node id"};
  if (service != nullptr && !certificate->signed_by(*service)) {
    return Error{field + ": certificate: is not signed by the service"};
  }
  const auto known = nodes_.find(id);
  if (known == nodes_.end()) return Error{field + ": certificate: of a node without nodes.info"};
  if (!legacy && legacy_now_.contains(id)) {
    return Error{field + ": certificate: of both kinds for one node in one entry"};
  }
  if (legacy) legacy_now_.insert(id);
  known->second.certificate_pem = std::move(pem);
  known->second.key = std::move(*key);
  return {};
}

Result<void> NodeRegister::check_signature(const NodeSignature& signature) const {
  const std::string field(maps::signatures);
  const auto known = nodes_.find(signature.node.value);
  if (known == nodes_.end())
    return Error{field + ": node: " + signature.node.value + " is unknown"};
  const Node& node = known->second;
  if (!node.key) return Error{field + ": node: has no certificate"};
  if (node.status == "Pending") return Error{field + ": node: is only pending"};
  if (signature.certificate && *signature.certificate != node.certificate_pem) {
    const auto certificate = crypto::Certificate::from_pem(*signature.certificate);
    if (!certificate) return certificate.error().at(field + ": cert");
    if (certificate->spki() != node.key->der()) {
      return Error{field + ": cert: its key is not the recorded one of the node"};
    }
  }
  if (auto verified = verify_node_signature(signature, *node.key); !verified) {
    return verified.error().at(field);
  }
  return {};
}

}  // namespace entente::ledger
