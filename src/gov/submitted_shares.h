#pragma once
// The shares that members hand in after a disaster, and what happens when they are enough.
// Source: docs/governance.md (recovery shares).

#include <string>

#include "crypto/secret_sharing.h"
#include "entente/kv.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// Keeps a member's bytes, whatever they are, sealed with the ledger secret in force. An earlier
/// submission of the same member is replaced.
Result<void> keep_submitted_share(kv::Tx& tx, const Surroundings& surroundings,
                                  const std::string& member, BytesView share);
size_t submitted_share_count(kv::ReadOnlyTx& tx);
void clear_submitted_shares(kv::Tx& tx);
/// Whether the bytes are the whole wrapping secret, as owners have it.
bool is_full_share(BytesView share);

/// Combines what was handed in, unwraps the secrets of the private ledger, newest to oldest, and
/// writes them for the nodes. Nothing is written on an error.
Result<void> start_private_recovery(kv::Tx& tx, const Surroundings& surroundings);

}  // namespace entente::gov
