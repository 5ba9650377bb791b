#pragma once
// Recovery shares: how the active recovery members together hold the ledger secret, when their
// shares are made anew, and how a rekey spreads a new secret. All effects are writes of the given
// transaction; the node takes a new secret out of the tables when that commits.
// Source: docs/governance.md (recovery shares), docs/ledger-format.md (secrets and shares).

#include <string>
#include <vector>

#include "entente/kv.h"
#include "gov/surroundings.h"
#include "ledger/shares.h"

namespace entente::gov {

/// The members to whom shares go: active, with an encryption key, and not of the role
/// NonParticipant. Errors name the member whose key is none.
Result<std::vector<ledger::RecoveryMember>> recovery_members(kv::ReadOnlyTx& tx);

/// New shares of the secret in force. Errors: no member to give one to, a threshold that they
/// cannot meet, a service that is being recovered (its members still need the shares that they
/// have), this node has no secret or not yet the newest one.
Result<void> refresh_recovery_shares(kv::Tx& tx, const Surroundings& surroundings,
                                     const Requests& requests);

/// The same for a member that has just become active: nothing, unless it has an encryption key and
/// the service is open.
Result<void> refresh_for_new_member(kv::Tx& tx, const Surroundings& surroundings,
                                    const std::string& member);

/// At the first opening, and when a recovery ends: the shares, and how older secrets hang on it.
Result<void> issue_first_shares(kv::Tx& tx, const Surroundings& surroundings);
Result<void> issue_shares_after_recovery(kv::Tx& tx, const Surroundings& surroundings);

/// A new ledger secret from the next entry on, sealed for every node that takes part, and shares of
/// it. Once for each transaction: a second call makes new shares only. Needs an open service and a
/// node that is part of it.
Result<void> rekey_ledger(kv::Tx& tx, const Surroundings& surroundings, Requests& requests);

/// From which entry on the newest ledger secret applies: what a node that becomes trusted by this
/// transaction is given. Error if the same transaction rekeys: that node would miss the new secret.
Result<SeqNo> latest_ledger_secret_seqno(kv::ReadOnlyTx& tx, const Surroundings& surroundings,
                                         const Requests& requests);

/// Writes the secrets for every node that takes part: trusted, or retired while that is not
/// globally committed. An absent start: the entry after this transaction.
struct BroadcastSecret {
  std::optional<SeqNo> start;
  crypto::SymmetricKey key;
};
Result<void> broadcast_secrets(kv::Tx& tx, const std::vector<BroadcastSecret>& secrets);

}  // namespace entente::gov
