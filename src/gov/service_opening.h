#pragma once
// From Opening to Open, and after a disaster from Recovering over WaitingForRecoveryShares to Open.
// Source: docs/governance.md (service status).

#include <optional>
#include <string>
#include <string_view>

#include "entente/kv.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// What the members decide. `previous` and `next` are PEM certificates of the service before the
/// disaster and of this one; a trailing NUL is ignored. Without effect once the service is open or
/// waits for shares. Opening a new service issues recovery shares and endorses the service's own
/// key; opening a recovered one starts to collect shares. Errors do not name the function.
Result<void> transition_service_to_open(kv::Tx& tx, const Surroundings& surroundings,
                                        Requests& requests,
                                        std::optional<std::string_view> previous,
                                        std::string_view next);

/// The private ledger has been replayed: the service opens, with new shares, and endorses the key
/// of the previous one. Only on the primary, in a transaction of its own.
Result<void> finish_recovery(kv::Tx& tx, const Surroundings& surroundings, Requests& requests);

}  // namespace entente::gov
