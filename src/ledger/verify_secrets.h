#pragma once
// Rebuilding the ledger secrets offline out of the ledger and members' encryption keys. Inside of
// verification. Source: docs/ledger-format.md (10.7).

#include <vector>

#include "ledger/verify.h"

namespace entente::ledger {

/// Reads the public domains of all files once. Only writes that a signature follows count; nothing
/// is verified here. Errors are "field: reason".
Result<LedgerSecrets> rebuild_secrets(Disk& disk, const std::vector<LedgerFile>& files,
                                      const VerifyOptions& options);

}  // namespace entente::ledger
