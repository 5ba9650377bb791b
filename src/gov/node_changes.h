#pragma once
// Scripts write the table of nodes; consensus acts on it. What it could not act on must not become
// part of the ledger: this is asked after a proposal was applied, before it commits.
// Source: docs/consensus.md (reconfiguration), docs/governance.md.

#include "entente/kv.h"
#include "entente/result.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// Errors: a row that does not parse, no trusted node left, more of them than consensus takes, a
/// node trusted that was removed before, a change of who takes part while too many earlier ones are
/// not committed.
Result<void> check_node_changes(kv::ReadOnlyTx& tx, const Surroundings& surroundings);

}  // namespace entente::gov
