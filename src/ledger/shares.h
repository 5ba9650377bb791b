#pragma once
// Recovery: how the latest ledger secret is wrapped for the members, how older secrets hang on it,
// and how all of them are rebuilt offline. Pure functions over values of the ledger.
// Source: docs/ledger-format.md, "Ledger secrets and recovery shares".

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "crypto/rsa.h"
#include "crypto/secret.h"
#include "crypto/secret_sharing.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"
#include "ledger/secrets.h"

namespace entente::ledger {

namespace maps {
inline constexpr std::string_view recovery_shares = "public:ccf.internal.recovery_shares";
inline constexpr std::string_view historical_encrypted_ledger_secret =
    "public:ccf.internal.historical_encrypted_ledger_secret";
}  // namespace maps

// ------------------------------------------------------------------------------- recovery_shares

/// Value of `recovery_shares`.
struct RecoveryShares {
  Bytes wrapped_secret;                           ///< sealed blob
  std::map<std::string, Bytes> encrypted_shares;  ///< member id → RSA-OAEP ciphertext
  std::optional<SeqNo> previous_secret_stored_version;

  std::string json() const;
};
Result<RecoveryShares> parse_recovery_shares(BytesView json);

struct RecoveryMember {
  std::string id;
  crypto::RsaPublicKey encryption_key;
  bool owner = false;  ///< receives the full share
};

/// Wraps `latest` under a fresh wrapping key and shares that among the members. Participants get
/// x = 1, 2, … in the order of their ids. Errors: threshold outside 1 … number of participants
/// (must be 1 if there are only owners), no members, a key too small.
Result<RecoveryShares> share_ledger_secret(const crypto::SymmetricKey& latest,
                                           std::span<const RecoveryMember> members,
                                           size_t threshold,
                                           std::optional<SeqNo> previous_secret_stored_version,
                                           RandomSource& random);

/// A member's share. Error if the member has none or the ciphertext is not for this key.
Result<crypto::Share> decrypt_share(const RecoveryShares& shares, const std::string& member_id,
                                    const crypto::RsaKeyPair& key);
/// The latest ledger secret out of enough shares (or one full share).
Result<crypto::SymmetricKey> unwrap_latest_secret(const RecoveryShares& shares,
                                                  std::span<const crypto::Share> collected,
                                                  size_t threshold);

// ------------------------------------------------------------ historical_encrypted_ledger_secret

/// Value of `historical_encrypted_ledger_secret`.
struct HistoricalSecret {
  struct Previous {
    Bytes encrypted;                                      ///< sealed blob under the current secret
    SeqNo version;                                        ///< its start
    std::optional<SeqNo> previous_secret_stored_version;  ///< previous write to this map
  };
  std::optional<SeqNo>
      next_version;  ///< start of the current secret; absent: seqno of the write + 1
  std::optional<Previous> previous;  ///< absent at the first opening

  SeqNo current_version(SeqNo written_at) const {
    return next_version ? *next_version : written_at + 1;
  }
  std::string json() const;
};
Result<HistoricalSecret> parse_historical_secret(BytesView json);

/// What a new service writes when it opens: `{"next_version":1}`.
HistoricalSecret first_historical_secret();
/// What is written on a rekey (`next_version` absent) or at the end of a recovery.
HistoricalSecret make_historical_secret(const crypto::SymmetricKey& current,
                                        const LedgerSecret& previous,
                                        std::optional<SeqNo> previous_stored_at,
                                        std::optional<SeqNo> next_version, RandomSource& random);

// ----------------------------------------------------------------------------- the offline chain

/// Value of `historical_encrypted_ledger_secret` as written at a seqno, or an error.
using HistoricalSecretAt = std::function<Result<HistoricalSecret>(SeqNo)>;

struct SecretChainStart {
  crypto::SymmetricKey latest;  ///< unwrapped
  HistoricalSecret historical;  ///< last write at or before the recovery_shares write
  SeqNo historical_written_at;
};

/// All secrets from the latest down to version 1. Every step must go back in the ledger, so the
/// walk ends. Errors name the write at which the chain breaks.
Result<LedgerSecrets> recover_ledger_secrets(const SecretChainStart& start,
                                             const HistoricalSecretAt& written_at);

/// The same from values and members' keys: tries every key on every share, then unwraps with the
/// shares found. `threshold`: that of the service configuration in force.
Result<LedgerSecrets> recover_ledger_secrets(const RecoveryShares& shares,
                                             std::span<const crypto::RsaKeyPair> member_keys,
                                             size_t threshold, const HistoricalSecret& historical,
                                             SeqNo historical_written_at,
                                             const HistoricalSecretAt& written_at);

}  // namespace entente::ledger
