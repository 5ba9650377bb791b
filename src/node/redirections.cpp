#include "node/redirections.h"

#include <vector>

#include "node/tables.h"

namespace entente::node {
namespace {

/// Below `bound`, which is small: the bias of the remainder does not matter.
size_t random_below(RandomSource& random, size_t bound) {
  uint64_t number = 0;
  random.fill({reinterpret_cast<uint8_t*>(&number), sizeof number});
  return number % bound;
}

std::optional<std::string> address_in(const json::value& row, std::string_view interface) {
  const auto* members = row.if_object();
  const auto* all = members == nullptr ? nullptr : members->if_contains("rpc_interfaces");
  const auto* one =
      all == nullptr || !all->is_object() ? nullptr : all->get_object().if_contains(interface);
  if (one == nullptr) return std::nullopt;
  const std::string_view address = tables::text_member(*one, "published_address");
  if (address.empty()) return std::nullopt;
  return std::string(address);
}

}  // namespace

std::optional<std::string> published_address(kv::ReadOnlyTx& tx, const NodeId& node,
                                             std::string_view interface) {
  const auto text = tx.ro(tables::nodes_info).get(as_bytes(node.value));
  if (!text) return std::nullopt;
  const auto row = json::parse(as_text(*text));
  if (!row) return std::nullopt;
  return address_in(*row, interface);
}

std::optional<std::string> RoleAddresses::resolve(const rpc::RedirectTarget& target,
                                                  std::string_view receiving) const {
  if (target.kind == rpc::RedirectTarget::Kind::static_address) return target.address;
  const std::string_view interface = target.interface.empty() ? receiving : target.interface;
  if (target.role == rpc::RedirectTarget::Role::backup) return of_a_backup(interface);
  const auto primary = status_.primary();
  if (!primary) return std::nullopt;
  auto tx = store_.begin_read_only();
  return published_address(tx, *primary, interface);
}

std::optional<std::string> RoleAddresses::of_a_backup(std::string_view interface) const {
  const auto primary = status_.primary();
  auto tx = store_.begin_read_only();
  std::vector<std::string> addresses;
  tx.ro(tables::nodes_info).foreach ([&](BytesView id, BytesView text) {
    if (primary && as_text(id) == primary->value) return true;
    const auto row = json::parse(as_text(text));
    if (!row || tables::text_member(*row, "status") != "Trusted") return true;
    if (auto address = address_in(*row, interface)) addresses.push_back(std::move(*address));
    return true;
  });
  if (addresses.empty()) return std::nullopt;
  return std::move(addresses[random_below(random_, addresses.size())]);
}

}  // namespace entente::node
