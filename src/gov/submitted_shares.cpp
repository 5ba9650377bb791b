#include "gov/submitted_shares.h"

#include "base/encoding.h"
#include "crypto/aead.h"
#include "gov/recovery_shares.h"
#include "gov/tables.h"

namespace entente::gov {
namespace {

Result<crypto::SymmetricKey> key_at_rest(const Surroundings& surroundings) {
  const auto secrets = surroundings.secrets ? surroundings.secrets() : nullptr;
  const ledger::LedgerSecret* latest = secrets ? secrets->latest() : nullptr;
  if (latest == nullptr) return Error{"this node does not have the ledger secret"};
  return latest->key;
}

/// One row: JSON text of base64 of what keep_submitted_share() sealed.
Result<crypto::Share> open_share(crypto::Aes256Gcm& cipher, BytesView row) {
  const auto text = json::parse(as_text(row));
  if (!text) return text.error();
  if (!text->is_string()) return Error{"not a text"};
  const auto sealed = from_base64(text->get_string());
  if (!sealed) return Error{"not base64"};
  auto share = crypto::open_gcm_blob(cipher, *sealed);
  if (!share) return share.error();
  const crypto::WipeAtExit wipe(*share);
  return crypto::Share::parse(*share);
}

/// All of them in the order of the members' ids, or one full share alone.
Result<std::vector<crypto::Share>> open_shares(kv::ReadOnlyTx& tx,
                                               const crypto::SymmetricKey& key) {
  std::vector<crypto::Share> shares;
  std::optional<crypto::Share> full;
  std::optional<Error> refused;
  crypto::Aes256Gcm cipher(key);
  tx.ro(tables::encrypted_submitted_shares).foreach ([&](BytesView member, BytesView row) {
    const auto share = open_share(cipher, row);
    if (!share) {
      // A full share of another member is enough by itself.
      if (!refused) refused = share.error().at("share of member m[" + to_text(member) + "]");
      return true;
    }
    if (share->is_full()) {
      full = *share;
      return false;
    }
    shares.push_back(*share);
    return true;
  });
  if (full) return std::vector{*full};
  if (refused) return *refused;
  return shares;
}

Result<crypto::SymmetricKey> unwrap_latest(kv::ReadOnlyTx& tx,
                                           const std::vector<crypto::Share>& shares) {
  const auto text = tx.ro(tables::recovery_shares).get(tables::unit());
  if (!text) return Error{"No recovery shares were ever issued"};
  const auto issued = ledger::parse_recovery_shares(*text);
  if (!issued) return issued.error().at(std::string(tables::recovery_shares));
  return ledger::unwrap_latest_secret(*issued, shares, service_config(tx).recovery_threshold);
}

Result<ledger::SecretChainStart> newest_link(kv::ReadOnlyTx& tx, crypto::SymmetricKey latest) {
  const auto map = tx.ro(tables::historical_encrypted_ledger_secret);
  const auto written_at = map.get_version_of_previous_write(tables::unit());
  const auto text = map.get(tables::unit());
  const std::string place(tables::historical_encrypted_ledger_secret);
  if (!text || !written_at) return Error{place + ": absent"};
  auto value = ledger::parse_historical_secret(*text);
  if (!value) return value.error().at(place);
  return ledger::SecretChainStart{latest, std::move(*value), *written_at};
}

}  // namespace

Result<void> keep_submitted_share(kv::Tx& tx, const Surroundings& surroundings,
                                  const std::string& member, BytesView share) {
  const auto key = key_at_rest(surroundings);
  if (!key) return key.error();
  crypto::GcmIv iv;
  surroundings.random.fill(iv);
  crypto::Aes256Gcm cipher(*key);
  tables::put_json(tx, tables::encrypted_submitted_shares, as_bytes(member),
                   json::value(to_base64(crypto::seal_gcm_blob(cipher, iv, share))));
  return {};
}

size_t submitted_share_count(kv::ReadOnlyTx& tx) {
  return tx.ro(tables::encrypted_submitted_shares).size();
}

void clear_submitted_shares(kv::Tx& tx) {
  tx.wo(tables::encrypted_submitted_shares).clear();
}

bool is_full_share(BytesView bytes) {
  const auto share = crypto::Share::parse(bytes);
  return share && share->is_full();
}

Result<void> start_private_recovery(kv::Tx& tx, const Surroundings& surroundings) {
  if (!surroundings.historical_secret_at) {
    return Error{"This node does not recover a ledger: it cannot read older ledger secrets"};
  }
  const auto key = key_at_rest(surroundings);
  if (!key) return key.error();
  const auto shares = open_shares(tx, *key);
  if (!shares) return shares.error();
  const auto latest = unwrap_latest(tx, *shares);
  if (!latest) return latest.error();
  const auto start = newest_link(tx, *latest);
  if (!start) return start.error();
  const auto recovered = ledger::recover_ledger_secrets(*start, surroundings.historical_secret_at);
  if (!recovered) return recovered.error();
  std::vector<BroadcastSecret> secrets;
  for (const ledger::LedgerSecret& secret : recovered->all()) {
    secrets.push_back({secret.start, secret.key});
  }
  return broadcast_secrets(tx, secrets);
}

}  // namespace entente::gov
