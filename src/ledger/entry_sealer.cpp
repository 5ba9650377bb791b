#include "ledger/entry_sealer.h"

#include <cstring>
#include <utility>

#include "base/assert.h"
#include "crypto/digest.h"

namespace entente::ledger {
namespace {

/// Type, seqno, claims digest, evidence digest, reserved.
constexpr size_t public_header_size = 1 + 8 + 32 + 32 + 8;

struct DomainSizes {
  size_t in_clear = public_header_size;
  size_t encrypted = 0;
  size_t total() const { return entry_framing_size + in_clear + encrypted; }
};

/// Name, read version, read count, write count, remove count, and the records.
size_t map_size(const kv::MapWrites& map) {
  size_t size = 8 + map.map.size() + 8 + 8 + 8 + 8;
  for (const kv::Write& write : map.writes) {
    size += 8 + write.key.size() + (write.value ? 8 + write.value->size() : 0);
  }
  return size;
}

DomainSizes domain_sizes(const kv::WriteSet& writes) {
  DomainSizes sizes;
  for (const kv::MapWrites& map : writes) {
    if (map.writes.empty()) continue;
    (kv::is_public(map.map) ? sizes.in_clear : sizes.encrypted) += map_size(map);
  }
  return sizes;
}

/// Appends to memory whose size was computed before.
class Cursor {
 public:
  explicit Cursor(uint8_t* at) : at_(at) {}

  uint8_t* at() const { return at_; }
  void u8(uint8_t value) { *at_++ = value; }
  template <typename Integer>
  void integer(Integer value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void u64(uint64_t value) { integer(value); }
  void raw(BytesView bytes) {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void lp(BytesView bytes) {
    u64(bytes.size());
    raw(bytes);
  }

 private:
  uint8_t* at_;
};

void write_map(Cursor& out, const kv::MapWrites& map) {
  out.lp(as_bytes(map.map));
  out.u64(0);  // read version
  out.u64(0);  // read count
  uint64_t written = 0;
  const auto write_count = out;  // known after the loop
  out.u64(0);
  for (const kv::Write& write : map.writes) {
    if (!write.value) continue;
    out.lp(write.key);
    out.lp(*write.value);
    ++written;
  }
  Cursor(write_count).u64(written);
  out.u64(map.writes.size() - written);
  if (written == map.writes.size()) return;
  for (const kv::Write& write : map.writes) {
    if (!write.value) out.lp(write.key);
  }
}

void write_maps(Cursor& out, const kv::WriteSet& writes, bool in_clear) {
  for (const kv::MapWrites& map : writes) {
    if (!map.writes.empty() && kv::is_public(map.map) == in_clear) write_map(out, map);
  }
}

std::span<const uint8_t, crypto::gcm_iv_size> iv_of(const EntryView& entry) {
  return entry.iv.first<crypto::gcm_iv_size>();
}
std::span<const uint8_t, crypto::gcm_tag_size> tag_of(const EntryView& entry) {
  return entry.tag.first<crypto::gcm_tag_size>();
}

}  // namespace

Bytes encode_maps(const kv::WriteSet& writes, Domain domain) {
  const DomainSizes sizes = domain_sizes(writes);
  const bool in_clear = domain == Domain::in_clear;
  Bytes out(in_clear ? sizes.in_clear - public_header_size : sizes.encrypted);
  Cursor cursor(out.data());
  write_maps(cursor, writes, in_clear);
  return out;
}

uint64_t sealed_size(const kv::WriteSet& writes) {
  return domain_sizes(writes).total();
}

EntrySealer::EntrySealer(std::shared_ptr<const LedgerSecrets> secrets)
    : secrets_(std::move(secrets)) {
  ENTENTE_ASSERT(secrets_ != nullptr);
}

void EntrySealer::use(std::shared_ptr<const LedgerSecrets> secrets) {
  ENTENTE_ASSERT(secrets != nullptr);
  keyed_.clear();
  secrets_ = std::move(secrets);
}

EntrySealer::Keyed* EntrySealer::keyed(SeqNo seqno) {
  const LedgerSecret* secret = secrets_->find(seqno);
  if (secret == nullptr) return nullptr;
  for (Keyed& known : keyed_) {
    if (known.secret == secret) return &known;
  }
  keyed_.push_back({secret, crypto::Aes256Gcm(secret->key)});
  return &keyed_.back();
}

SealedEntry EntrySealer::seal(const kv::WriteSet& writes, const TxId& txid,
                              const Digest& claims_digest, uint8_t flags, Bytes& out) {
  const size_t start = out.size();
  out.resize(start + sealed_size(writes));
  return seal_into(writes, txid, claims_digest, flags, std::span(out).subspan(start));
}

SealedEntry EntrySealer::seal_into(const kv::WriteSet& writes, const TxId& txid,
                                   const Digest& claims_digest, uint8_t flags,
                                   std::span<uint8_t> out) {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  const DomainSizes sizes = domain_sizes(writes);
  ENTENTE_ASSERT(out.size() == sizes.total());
  ENTENTE_ASSERT(sizes.total() <= max_entry_size);
  ENTENTE_ASSERT(txid.seqno.value >= 1 && txid.seqno.value <= max_seqno);
  ENTENTE_ASSERT(txid.view.value >= 1 && txid.view.value <= max_view);
  Keyed* keyed = this->keyed(txid.seqno);
  ENTENTE_ASSERT(keyed != nullptr);

  SealedEntry sealed;
  sealed.size = sizes.total();
  sealed.commit_evidence_digest =
      ledger::commit_evidence_digest(keyed->secret->commit_secret, txid);

  Cursor cursor(out.data());
  // Version, flags and the 48-bit size share one integer.
  cursor.u64(1 | uint64_t{flags} << 8 | uint64_t{sizes.total() - entry_header_size} << 16);
  const std::span<uint8_t, crypto::gcm_tag_size> tag(cursor.at(), crypto::gcm_tag_size);
  Cursor iv(tag.data() + tag.size());
  iv.u64(txid.seqno.value);
  iv.integer(static_cast<uint32_t>(txid.view.value));
  iv.u64(sizes.in_clear);

  Cursor in_clear = iv;
  in_clear.u8(static_cast<uint8_t>(EntryType::write_set_evidence_claims));
  in_clear.u64(txid.seqno.value);
  in_clear.raw(claims_digest);
  in_clear.raw(sealed.commit_evidence_digest);
  in_clear.u64(0);
  write_maps(in_clear, writes, true);
  Cursor encrypted = in_clear;
  write_maps(encrypted, writes, false);
  ENTENTE_ASSERT(encrypted.at() == out.data() + out.size());

  const std::span<uint8_t> private_domain(in_clear.at(), sizes.encrypted);
  keyed->cipher.seal(
      std::span<const uint8_t, crypto::gcm_iv_size>(tag.data() + tag.size(), crypto::gcm_iv_size),
      {out.data() + entry_framing_size, sizes.in_clear}, private_domain, private_domain, tag);

  sealed.write_set_digest = crypto::sha256(out);
  sealed.leaf = entry_leaf(sealed.write_set_digest, sealed.commit_evidence_digest, claims_digest);
  return sealed;
}

Result<void> EntrySealer::open(const EntryView& entry, Bytes& plaintext) {
  plaintext.clear();
  Keyed* keyed = this->keyed(entry.txid.seqno);
  if (keyed == nullptr) {
    return Error{"seqno " + std::to_string(entry.txid.seqno.value) +
                 ": no ledger secret is known that applies"};
  }
  plaintext.resize(entry.private_domain.size());
  if (!keyed->cipher.open(iv_of(entry), entry.public_domain, entry.private_domain, tag_of(entry),
                          plaintext)) {
    plaintext.clear();
    return Error{"seqno " + std::to_string(entry.txid.seqno.value) +
                 ": GCM tag: does not authenticate the entry under the ledger secret from " +
                 std::to_string(keyed->secret->start.value)};
  }
  return {};
}

Result<kv::WriteSet> EntrySealer::open_maps(const EntryView& entry, Bytes& plaintext,
                                            Ordering ordering) {
  if (auto opened = open(entry, plaintext); !opened) return opened.error();
  const auto offset = static_cast<uint64_t>(entry.public_maps.data() - entry.bytes.data());
  auto in_clear = read_maps(entry.public_maps, offset, ordering);
  if (!in_clear) return in_clear.error().at("public domain");
  auto encrypted = read_maps(plaintext, 0, ordering);
  if (!encrypted) return encrypted.error().at("private domain");
  for (const kv::MapWrites& map : *in_clear) {
    if (!kv::is_public(map.map)) return Error{"public domain: holds a private map"};
  }
  for (const kv::MapWrites& map : *encrypted) {
    if (kv::is_public(map.map)) return Error{"private domain: holds a public map"};
  }
  return merge_domains(std::move(*in_clear), std::move(*encrypted));
}

Result<void> EntrySealer::check_commit_evidence(const EntryView& entry) const {
  if (!entry.commit_evidence_digest) return {};
  const LedgerSecret* secret = secrets_->find(entry.txid.seqno);
  if (secret == nullptr) {
    return Error{"seqno " + std::to_string(entry.txid.seqno.value) +
                 ": no ledger secret is known that applies"};
  }
  const Digest expected = ledger::commit_evidence_digest(secret->commit_secret, entry.txid);
  if (expected == *entry.commit_evidence_digest) return {};
  return Error{"seqno " + std::to_string(entry.txid.seqno.value) +
               ": commit evidence digest: is not that of the transaction id"};
}

}  // namespace entente::ledger
