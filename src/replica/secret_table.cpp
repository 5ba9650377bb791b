#include "replica/secret_table.h"

#include "base/log.h"

namespace entente::replica {

using ledger::LedgerSecrets;

SecretTable::SecretTable(NodeId self, std::optional<crypto::RsaKeyPair> key)
    : self_(std::move(self)),
      key_(std::move(key)),
      given_(std::make_shared<LedgerSecrets>()),
      current_(given_) {}

void SecretTable::give(std::shared_ptr<const LedgerSecrets> secrets) {
  const std::lock_guard lock(mutex_);
  given_ = std::move(secrets);
  rebuild();
}

void SecretTable::write(SeqNo seqno, const std::vector<kv::Write>& writes) {
  for (const kv::Write& write : writes) {
    if (!write.value || !key_) continue;
    const auto broadcast = ledger::parse_secret_broadcast(*write.value);
    if (!broadcast) {
      log::fail("replica", "{} at {}: {}", ledger::maps::encrypted_ledger_secrets, seqno.value,
                broadcast.error().message);
      continue;
    }
    const auto own = broadcast->nodes.find(self_);
    if (own == broadcast->nodes.end()) continue;  // it was given what it needs when it joined
    const std::lock_guard lock(mutex_);
    for (const auto& item : own->second) {
      auto secret = ledger::open_ledger_secret(item.sealed, *key_);
      if (!secret) {
        log::fail("replica", "{} at {}: the secret for this node does not open: {}",
                  ledger::maps::encrypted_ledger_secrets, seqno.value, secret.error().message);
        continue;
      }
      learned_.push_back({seqno, item.start(seqno), *secret});
      log::info("replica", "A new ledger secret applies from {} on", learned_.back().start.value);
    }
    rebuild();
  }
}

void SecretTable::truncate(SeqNo last) {
  const std::lock_guard lock(mutex_);
  if (learned_.empty() || learned_.back().by <= last) return;
  std::erase_if(learned_, [&](const Learned& one) { return one.by > last; });
  rebuild();
}

std::shared_ptr<const LedgerSecrets> SecretTable::get() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

/// What the ledger says counts more than what was given: a primary may have given a secret of a
/// transaction that was rolled back afterwards.
void SecretTable::rebuild() {
  auto next = std::make_shared<LedgerSecrets>();
  const auto add = [&](SeqNo start, const crypto::SymmetricKey& key) {
    if (auto added = next->add(start, key); !added) {
      log::fail("replica", "{}", added.error().message);
    }
  };
  for (const Learned& one : learned_) add(one.start, one.key);
  for (const ledger::LedgerSecret& secret : given_->all()) {
    const ledger::LedgerSecret* known = next->find(secret.start);
    if (known == nullptr || known->start != secret.start) add(secret.start, secret.key);
  }
  current_ = std::move(next);
  generation_.fetch_add(1, std::memory_order_release);
}

}  // namespace entente::replica
