#include "ledger/shares.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/aead.h"
#include "ledger/json_fields.h"

namespace entente::ledger {
namespace {

/// A sealed ledger secret: 32 bytes under `key`.
Result<crypto::SymmetricKey> open_secret(const crypto::SymmetricKey& key, BytesView blob) {
  crypto::Aes256Gcm cipher(key);
  auto plaintext = crypto::open_gcm_blob(cipher, blob);
  if (!plaintext) return plaintext.error();
  const crypto::WipeAtExit wipe(*plaintext);
  if (plaintext->size() != crypto::SymmetricKey::size) {
    return Error{"holds " + std::to_string(plaintext->size()) + " bytes, not a 32-byte secret"};
  }
  return crypto::SymmetricKey(
      std::span<const uint8_t>(*plaintext).first<crypto::SymmetricKey::size>());
}

std::vector<RecoveryMember> sorted_participants(std::span<const RecoveryMember> members) {
  std::vector<RecoveryMember> participants;
  for (const RecoveryMember& member : members) {
    if (!member.owner) participants.push_back(member);
  }
  std::sort(participants.begin(), participants.end(),
            [](const RecoveryMember& a, const RecoveryMember& b) { return a.id < b.id; });
  return participants;
}

Result<void> encrypt_share(const RecoveryMember& member, const crypto::Share& share,
                           RecoveryShares& out) {
  Bytes plaintext = share.encode();
  const crypto::WipeAtExit wipe(plaintext);
  auto encrypted = member.encryption_key.encrypt_oaep_sha256(plaintext);
  if (!encrypted) return encrypted.error().at("member " + member.id);
  if (!out.encrypted_shares.emplace(member.id, std::move(*encrypted)).second) {
    return Error{"member " + member.id + ": appears twice"};
  }
  return {};
}

Result<void> distribute(const crypto::SharedSecret& secret, std::span<const RecoveryMember> members,
                        size_t threshold, RandomSource& random, RecoveryShares& out) {
  const std::vector<RecoveryMember> participants = sorted_participants(members);
  if (!participants.empty()) {
    auto shares = secret.split(threshold, participants.size(), random);
    if (!shares) return shares.error();
    for (size_t i = 0; i < participants.size(); ++i) {
      if (auto done = encrypt_share(participants[i], (*shares)[i], out); !done) return done;
    }
  } else if (threshold != 1) {
    return Error{"recovery threshold: must be 1 when there are only owners"};
  }
  for (const RecoveryMember& member : members) {
    if (!member.owner) continue;
    if (auto done = encrypt_share(member, secret.full_share(), out); !done) return done;
  }
  return {};
}

}  // namespace

// ------------------------------------------------------------------------------- recovery_shares

std::string RecoveryShares::json() const {
  json::object out;
  out["wrapped_latest_ledger_secret"] = to_base64(wrapped_secret);
  json::object& shares = out["encrypted_shares"].emplace_object();
  for (const auto& [member, share] : encrypted_shares) shares[member] = to_base64(share);
  if (previous_secret_stored_version) {
    out["previous_secret_stored_version"] = previous_secret_stored_version->value;
  }
  return json::dump(out);
}

Result<RecoveryShares> parse_recovery_shares(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) return document.error();
  const json::Reader reader(*document);
  RecoveryShares parsed;
  auto wrapped = fields::base64(reader, "wrapped_latest_ledger_secret");
  if (!wrapped) return wrapped.error();
  parsed.wrapped_secret = std::move(*wrapped);
  auto member = reader.member("encrypted_shares");
  if (!member) return member.error();
  auto shares = member->as_object();
  if (!shares) return shares.error();
  for (const auto& share : **shares) {
    auto encrypted = fields::base64(*member, share.key());
    if (!encrypted) return encrypted.error();
    parsed.encrypted_shares.emplace(share.key(), std::move(*encrypted));
  }
  auto previous = fields::optional(reader, "previous_secret_stored_version", fields::seqno);
  if (!previous) return previous.error();
  parsed.previous_secret_stored_version = *previous;
  return parsed;
}

Result<RecoveryShares> share_ledger_secret(const crypto::SymmetricKey& latest,
                                           std::span<const RecoveryMember> members,
                                           size_t threshold,
                                           std::optional<SeqNo> previous_secret_stored_version,
                                           RandomSource& random) {
  if (members.empty()) return Error{"recovery shares: there is no member to give one to"};
  RecoveryShares shares;
  shares.previous_secret_stored_version = previous_secret_stored_version;
  const auto secret = crypto::SharedSecret::generate(random);
  // The wrapping key is new and wraps only this once, so its IV may be constant.
  crypto::Aes256Gcm cipher(secret.wrapping_key());
  shares.wrapped_secret = crypto::seal_gcm_blob(cipher, crypto::GcmIv{}, latest);
  if (auto done = distribute(secret, members, threshold, random, shares); !done) {
    return done.error();
  }
  return shares;
}

Result<crypto::Share> decrypt_share(const RecoveryShares& shares, const std::string& member_id,
                                    const crypto::RsaKeyPair& key) {
  const auto found = shares.encrypted_shares.find(member_id);
  if (found == shares.encrypted_shares.end()) {
    return Error{"encrypted_shares: none for member " + member_id};
  }
  auto plaintext = key.decrypt_oaep_sha256(found->second);
  if (!plaintext) return plaintext.error().at("encrypted_shares/" + member_id);
  const crypto::WipeAtExit wipe(*plaintext);
  auto share = crypto::Share::parse(*plaintext);
  if (!share) return share.error().at("encrypted_shares/" + member_id);
  return share;
}

Result<crypto::SymmetricKey> unwrap_latest_secret(const RecoveryShares& shares,
                                                  std::span<const crypto::Share> collected,
                                                  size_t threshold) {
  auto secret = crypto::SharedSecret::combine(collected, threshold);
  if (!secret) return secret.error();
  auto latest = open_secret(secret->wrapping_key(), shares.wrapped_secret);
  if (!latest) return latest.error().at("wrapped_latest_ledger_secret");
  return latest;
}

// ------------------------------------------------------------ historical_encrypted_ledger_secret

std::string HistoricalSecret::json() const {
  json::object out;
  if (next_version) out["next_version"] = next_version->value;
  if (previous) {
    json::object& older = out["previous_ledger_secret"].emplace_object();
    older["encrypted_data"] = to_base64(previous->encrypted);
    older["version"] = previous->version.value;
    if (previous->previous_secret_stored_version) {
      older["previous_secret_stored_version"] = previous->previous_secret_stored_version->value;
    }
  }
  return json::dump(out);
}

Result<HistoricalSecret> parse_historical_secret(BytesView text) {
  auto document = json::parse(as_text(text));
  if (!document) return document.error();
  const json::Reader reader(*document);
  if (auto object = reader.as_object(); !object) return object.error();
  HistoricalSecret parsed;
  auto next = fields::optional(reader, "next_version", fields::seqno);
  if (!next) return next.error();
  parsed.next_version = *next;
  if (!fields::present(reader, "previous_ledger_secret")) return parsed;

  const json::Reader older = *reader.member("previous_ledger_secret");
  HistoricalSecret::Previous previous;
  auto encrypted = fields::base64(older, "encrypted_data");
  if (!encrypted) return encrypted.error();
  previous.encrypted = std::move(*encrypted);
  auto version = fields::seqno(older, "version");
  if (!version) return version.error();
  previous.version = *version;
  auto stored = fields::optional(older, "previous_secret_stored_version", fields::seqno);
  if (!stored) return stored.error();
  previous.previous_secret_stored_version = *stored;
  parsed.previous = std::move(previous);
  return parsed;
}

HistoricalSecret first_historical_secret() {
  return {.next_version = SeqNo{1}, .previous = {}};
}

HistoricalSecret make_historical_secret(const crypto::SymmetricKey& current,
                                        const LedgerSecret& previous,
                                        std::optional<SeqNo> previous_stored_at,
                                        std::optional<SeqNo> next_version, RandomSource& random) {
  crypto::GcmIv iv;
  random.fill(iv);
  crypto::Aes256Gcm cipher(current);
  return {.next_version = next_version,
          .previous = HistoricalSecret::Previous{
              .encrypted = crypto::seal_gcm_blob(cipher, iv, previous.key),
              .version = previous.start,
              .previous_secret_stored_version = previous_stored_at}};
}

// ----------------------------------------------------------------------------- the offline chain

namespace {

/// The secret that `record` holds, decrypted by the oldest one known, unless that version is known
/// already: an election during a recovery can store the same secret twice.
Result<void> add_previous(const HistoricalSecret::Previous& record, LedgerSecrets& secrets) {
  const LedgerSecret& oldest = secrets.all().front();
  const LedgerSecret* known = secrets.find(record.version);
  if (known != nullptr && known->start == record.version) return {};
  if (record.version >= oldest.start) {
    return Error{"version: " + std::to_string(record.version.value) +
                 " does not precede the secret from " + std::to_string(oldest.start.value)};
  }
  auto secret = open_secret(oldest.key, record.encrypted);
  if (!secret) return secret.error().at("encrypted_data");
  return secrets.add(record.version, *secret);
}

}  // namespace

Result<LedgerSecrets> recover_ledger_secrets(const SecretChainStart& start,
                                             const HistoricalSecretAt& written_at) {
  LedgerSecrets secrets;
  HistoricalSecret record = start.historical;
  SeqNo at = start.historical_written_at;
  if (auto added = secrets.add(record.current_version(at), start.latest); !added) {
    return added.error();
  }
  while (record.previous) {
    const std::string place =
        "historical_encrypted_ledger_secret written at " + std::to_string(at.value);
    if (auto added = add_previous(*record.previous, secrets); !added) {
      return added.error().at(place);
    }
    const auto next = record.previous->previous_secret_stored_version;
    if (!next || secrets.all().front().start == SeqNo{1}) break;
    if (*next >= at) return Error{place + ": previous_secret_stored_version: does not go back"};
    at = *next;
    auto older = written_at(at);
    if (!older) {
      return older.error().at("historical_encrypted_ledger_secret written at " +
                              std::to_string(at.value));
    }
    record = std::move(*older);
  }
  return secrets;
}

Result<LedgerSecrets> recover_ledger_secrets(const RecoveryShares& shares,
                                             std::span<const crypto::RsaKeyPair> member_keys,
                                             size_t threshold, const HistoricalSecret& historical,
                                             SeqNo historical_written_at,
                                             const HistoricalSecretAt& written_at) {
  std::vector<crypto::Share> collected;
  std::string refusal = "no share is encrypted for the given keys";
  for (const auto& encrypted : shares.encrypted_shares) {
    for (const crypto::RsaKeyPair& key : member_keys) {
      auto plaintext = key.decrypt_oaep_sha256(encrypted.second);
      if (!plaintext) continue;
      const crypto::WipeAtExit wipe(*plaintext);
      auto share = crypto::Share::parse(*plaintext);
      if (share) {
        collected.push_back(*share);
      } else {
        refusal = "encrypted_shares/" + encrypted.first + ": " + share.error().message;
      }
      break;
    }
  }
  if (collected.empty()) return Error{"recovery_shares: " + refusal};
  auto latest = unwrap_latest_secret(shares, collected, threshold);
  if (!latest) return latest.error().at("recovery_shares");
  return recover_ledger_secrets({*latest, historical, historical_written_at}, written_at);
}

}  // namespace entente::ledger
