#include "rpc/redirect.h"

namespace entente::rpc {

Placement placement(RedirectionStrategy strategy, const InterfaceRules& rules, bool is_primary) {
  if (!rules.redirections) return Placement::here;
  if (strategy == RedirectionStrategy::to_primary && !is_primary) return Placement::to_primary;
  if (strategy == RedirectionStrategy::to_backup && is_primary) return Placement::to_backup;
  return Placement::here;
}

RedirectTarget redirect_target(Placement where, const InterfaceRules& rules) {
  const auto& configured = where == Placement::to_backup ? rules.redirections->to_backup
                                                         : rules.redirections->to_primary;
  return configured.value_or(RedirectTarget{});
}

}  // namespace entente::rpc
