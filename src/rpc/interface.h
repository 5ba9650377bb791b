#pragma once
// What one listening interface allows, worked out once for every endpoint so that a request only
// looks its verdict up. Source: docs/http-api.md (order of checks, redirection mode).

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "entente/endpoint.h"
#include "entente/result.h"

namespace entente::rpc {

/// How an interface finds the node that a request should go to.
struct RedirectTarget {
  enum class Kind { node_by_role, static_address } kind = Kind::node_by_role;
  enum class Role { primary, backup } role = Role::primary;  ///< of node_by_role
  std::string interface;  ///< of node_by_role; empty: the one that received the request
  std::string address;    ///< of static_address
};
struct Redirections {
  std::optional<RedirectTarget> to_primary;
  std::optional<RedirectTarget> to_backup;
};

inline constexpr std::chrono::milliseconds default_forwarding_timeout{3000};

struct InterfaceRules {
  std::string name;
  bool unsecured = false;  ///< plain HTTP: nothing is served without `accepted_endpoints`
  /// Regular expressions (ECMAScript) that must match a full template path entirely.
  std::optional<std::vector<std::string>> accepted_endpoints;
  std::vector<OperatorFeature> enabled_features;
  std::optional<Redirections> redirections;  ///< absent: requests are forwarded instead
  /// How long the primary's answer to a forwarded request is awaited.
  std::chrono::milliseconds forwarding_timeout = default_forwarding_timeout;
};

enum class Verdict : uint8_t { allowed, feature_disabled, not_accepted };

class Interface {
 public:
  /// `endpoints`: every endpoint of the service by its index. An expression that cannot be compiled
  /// is an error.
  static Result<Interface> compile(InterfaceRules rules,
                                   const std::vector<const Endpoint*>& endpoints);

  const InterfaceRules& rules() const { return rules_; }
  Verdict verdict(const Endpoint& endpoint) const { return verdicts_[endpoint.index]; }

 private:
  InterfaceRules rules_;
  std::vector<Verdict> verdicts_;  ///< by Endpoint::index
};

}  // namespace entente::rpc
