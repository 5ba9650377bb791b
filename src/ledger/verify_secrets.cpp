#include "ledger/verify_secrets.h"

#include "base/json.h"
#include "ledger/entry.h"
#include "ledger/json_fields.h"
#include "ledger/shares.h"
#include "ledger/signature.h"

namespace entente::ledger {
namespace {

constexpr std::string_view service_config = "public:ccf.gov.service.config";
/// Rekeys are rare; a hostile ledger may not fill the memory with them.
constexpr size_t most_rekeys = 100'000;

/// What the recovery of the secrets starts from, as of some entry.
struct Material {
  Bytes shares;
  SeqNo historical_at;  ///< of the write in force when the shares were written
  Bytes config;
};

/// Collects the material; what no signature follows does not count.
class Collector {
 public:
  Result<void> take(const EntryView& entry) {
    const auto writes = read_maps(entry.public_maps);
    if (!writes) return writes.error();
    if (auto value = find_write(*writes, service_config, unit_key())) {
      pending_.config = to_bytes(*value);
    }
    if (auto value = find_write(*writes, maps::historical_encrypted_ledger_secret, unit_key())) {
      if (historical_.size() >= most_rekeys) {
        return Error{std::string(maps::historical_encrypted_ledger_secret) + ": too many writes"};
      }
      historical_[entry.txid.seqno] = to_bytes(*value);
    }
    if (auto value = find_write(*writes, maps::recovery_shares, unit_key())) {
      pending_.shares = to_bytes(*value);
      if (!historical_.empty()) pending_.historical_at = historical_.rbegin()->first;
    }
    for (const kv::MapWrites& map : *writes) {
      if (map.map == maps::signatures) signed_ = pending_;
    }
    return {};
  }

  const Material& material() const { return signed_; }

  Result<HistoricalSecret> historical(SeqNo seqno) const {
    const auto found = historical_.find(seqno);
    if (found == historical_.end()) {
      return Error{std::string(maps::historical_encrypted_ledger_secret) +
                   ": nothing was written at seqno " + std::to_string(seqno.value)};
    }
    return parse_historical_secret(found->second);
  }

 private:
  Material pending_;
  Material signed_;
  std::map<SeqNo, Bytes> historical_;
};

Result<size_t> threshold_of(BytesView config) {
  const auto document = json::parse(as_text(config));
  if (!document) return document.error().at(std::string(service_config));
  const auto threshold = fields::number(json::Reader(*document), "recovery_threshold");
  if (!threshold) return threshold.error().at(std::string(service_config));
  return static_cast<size_t>(*threshold);
}

Result<void> collect(Disk& disk, const std::vector<LedgerFile>& files, uint64_t entry_limit,
                     Collector& collector) {
  for (const LedgerFile& file : files) {
    auto reader = ChunkReader::open(disk, file.folder, file.name, entry_limit);
    if (!reader) return reader.error();
    for (;;) {
      const auto raw = reader->next();
      if (!raw) return raw.error();
      if (!*raw) break;
      const auto entry = parse_entry((*raw)->bytes, (*raw)->offset);
      if (!entry) return entry.error();
      if (auto taken = collector.take(*entry); !taken) return taken;
    }
  }
  return {};
}

}  // namespace

Result<LedgerSecrets> rebuild_secrets(Disk& disk, const std::vector<LedgerFile>& files,
                                      const VerifyOptions& options) {
  std::vector<crypto::RsaKeyPair> keys;
  for (const std::string& pem : options.member_keys) {
    auto key = crypto::RsaKeyPair::from_pem(pem);
    if (!key) return key.error().at("member key");
    keys.push_back(std::move(*key));
  }
  Collector collector;
  if (auto done = collect(disk, files, options.entry_limit, collector); !done) return done.error();
  const Material& material = collector.material();
  if (material.shares.empty()) {
    return Error{std::string(maps::recovery_shares) + ": the ledger holds none"};
  }
  const auto shares = parse_recovery_shares(material.shares);
  if (!shares) return shares.error().at(std::string(maps::recovery_shares));
  const auto threshold = threshold_of(material.config);
  if (!threshold) return threshold.error();
  const auto historical = collector.historical(material.historical_at);
  if (!historical) return historical.error();
  auto secrets =
      recover_ledger_secrets(*shares, keys, *threshold, *historical, material.historical_at,
                             [&](SeqNo seqno) { return collector.historical(seqno); });
  if (!secrets) return secrets.error().at("ledger secrets");
  return secrets;
}

}  // namespace entente::ledger
