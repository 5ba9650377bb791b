#pragma once
// Which address a redirection to a role means, by the nodes that the service trusts.
// Source: docs/http-api.md (redirection).

#include <optional>
#include <string>

#include "base/environment.h"
#include "kv/store.h"
#include "replica/replica.h"
#include "rpc/interface.h"

namespace entente::node {

/// `host:port` under which a node publishes its interface of this name; nullopt if the node is not
/// in the table or has no such interface.
std::optional<std::string> published_address(kv::ReadOnlyTx& tx, const NodeId& node,
                                             std::string_view interface);

/// Thread-safe if `random` is. Everything handed in must outlive it.
class RoleAddresses {
 public:
  RoleAddresses(kv::Store& store, const replica::Status& status, RandomSource& random)
      : store_(store), status_(status), random_(random) {}

  /// The static address; or that of the interface `target.interface`, or else of the one named like
  /// `receiving`, on the primary or on any of the trusted nodes that are not primary, each equally
  /// likely. nullopt if there is none.
  std::optional<std::string> resolve(const rpc::RedirectTarget& target,
                                     std::string_view receiving) const;

 private:
  std::optional<std::string> of_a_backup(std::string_view interface) const;

  kv::Store& store_;
  const replica::Status& status_;
  RandomSource& random_;
};

}  // namespace entente::node
