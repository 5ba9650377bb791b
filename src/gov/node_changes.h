#pragma once
// Scripts write the table of nodes; consensus acts on it. What it could not act on must not become
// part of the ledger: this is asked after a proposal was applied, before it commits.
// Source: docs/consensus.md (reconfiguration), docs/governance.md.

#include <map>
#include <optional>
#include <string>

#include "entente/kv.h"
#include "entente/result.h"
#include "gov/surroundings.h"
#include "replica/node_table.h"

namespace entente::gov {

/// The table of nodes, own writes included. A row that does not parse is nullopt.
using NodeRows = std::map<std::string, std::optional<replica::NodeRow>>;
NodeRows node_rows(kv::ReadOnlyTx& tx);

/// Whether a proposal may turn `before` into `after`. Rows that it did not change are not looked
/// at. Errors: a row that does not parse, a node removed or trusted again that had been trusted, a
/// retirement declared committed or a node declared to have caught up, nobody left to vote, more
/// trusted nodes than consensus takes, a change of who takes part while too many earlier ones are
/// not committed.
Result<void> check_node_changes(const NodeRows& before, const NodeRows& after,
                                const Surroundings& surroundings);

}  // namespace entente::gov
