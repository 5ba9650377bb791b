#include "ledger/entry.h"

#include <array>
#include <string>

#include "base/assert.h"
#include "crypto/aead.h"
#include "crypto/digest.h"
#include "ledger/byte_reader.h"
#include "ledger/merkle.h"

namespace entente::ledger {
namespace {

constexpr uint32_t snapshot_bit = 0x80000000u;

struct TypeFields {
  bool claims;
  bool evidence;
  bool snapshot;
};

/// Public domain header by entry type.
constexpr TypeFields type_fields[] = {
    {false, false, false}, {false, false, true}, {true, false, false},
    {false, true, false},  {true, true, false},
};

Error wrong(uint64_t offset, std::string_view field, std::string_view what) {
  return {"byte " + std::to_string(offset) + ": " + std::string(field) + ": " + std::string(what)};
}

Result<void> read_public_header(ByteReader& reader, EntryView& entry) {
  const uint64_t type_at = reader.offset();
  uint8_t type = 0;
  uint64_t seqno = 0;
  if (!reader.u8(type)) return reader.missing("entry type");
  if (type >= std::size(type_fields)) {
    return wrong(type_at, "entry type", "unknown value " + std::to_string(type));
  }
  entry.type = static_cast<EntryType>(type);
  const TypeFields fields = type_fields[type];

  const uint64_t seqno_at = reader.offset();
  if (!reader.u64(seqno)) return reader.missing("seqno");
  if (seqno != entry.txid.seqno.value) {
    return wrong(seqno_at, "seqno",
                 std::to_string(seqno) + " differs from " + std::to_string(entry.txid.seqno.value) +
                     " in the IV");
  }
  if (fields.claims && !reader.digest(entry.claims_digest)) return reader.missing("claims digest");
  if (fields.evidence && !reader.digest(entry.commit_evidence_digest)) {
    return reader.missing("commit evidence digest");
  }
  if (!reader.u64(entry.reserved)) return reader.missing("reserved field");
  if (fields.snapshot) {
    const uint64_t leaf_at = reader.offset();
    BytesView leaf;
    if (!reader.lp(leaf)) return reader.missing("snapshot leaf");
    entry.snapshot_leaf = Digest::from_bytes(leaf);
    if (!entry.snapshot_leaf) return wrong(leaf_at, "snapshot leaf", "not 32 bytes");
    const uint64_t history_at = reader.offset();
    if (!reader.lp(entry.view_history)) return reader.missing("view history");
    if (entry.view_history.size() % 8 != 0) {
      return wrong(history_at, "view history", "length is not a multiple of 8");
    }
  }
  entry.public_maps = reader.rest();
  return {};
}

/// Ids as the IV holds them.
Result<void> read_iv(EntryView& entry, uint64_t offset) {
  ByteReader reader(entry.iv, offset);
  uint32_t view = 0;
  if (!reader.u64(entry.txid.seqno.value) || !reader.u32(view)) return reader.missing("IV");
  if (entry.txid.seqno.value == 0 || entry.txid.seqno.value > max_seqno) {
    return wrong(offset, "IV", "seqno out of range");
  }
  entry.txid.view.value = view & ~snapshot_bit;
  return {};
}

Result<void> check_view(const EntryView& entry, uint64_t iv_at) {
  const bool marked = (entry.iv[11] & 0x80) != 0;
  const bool snapshot = entry.type == EntryType::snapshot;
  if (marked != snapshot) {
    return wrong(iv_at + 8, "IV",
                 snapshot ? "a snapshot without the snapshot bit" : "snapshot bit on an entry");
  }
  if (!snapshot && entry.txid.view.value == 0) return wrong(iv_at + 8, "IV", "view is 0");
  return {};
}

}  // namespace

Result<uint64_t> entry_size(BytesView header, uint64_t offset) {
  if (header.size() < entry_header_size) return ByteReader(header, offset).missing("entry header");
  if (header[0] != 1) {
    return wrong(offset, "version", "is " + std::to_string(header[0]) + ", expected 1");
  }
  uint64_t rest = 0;
  std::memcpy(&rest, header.data() + 2, 6);
  if (rest < entry_framing_size - entry_header_size) {
    return wrong(offset + 2, "entry size", std::to_string(rest) + " is too small");
  }
  if (rest > max_entry_size) {
    return wrong(offset + 2, "entry size", std::to_string(rest) + " is above the limit");
  }
  return rest + entry_header_size;
}

Result<EntryView> parse_entry(BytesView bytes, uint64_t offset) {
  auto size = entry_size(bytes, offset);
  if (!size) return size.error();
  if (*size != bytes.size()) {
    return wrong(
        offset + 2, "entry size",
        std::to_string(*size) + " bytes announced, " + std::to_string(bytes.size()) + " present");
  }
  EntryView entry;
  entry.bytes = bytes;
  entry.flags = bytes[1];
  if ((entry.flags & ~(close_chunk_after | close_chunk_before)) != 0) {
    return wrong(offset + 1, "flags", "unknown bits " + std::to_string(entry.flags));
  }
  ByteReader reader(bytes.subspan(entry_header_size), offset + entry_header_size);
  const bool framed =
      reader.bytes(crypto::gcm_tag_size, entry.tag) && reader.bytes(crypto::gcm_iv_size, entry.iv);
  ENTENTE_ASSERT(framed);  // entry_size() requires the whole framing
  const uint64_t iv_at = offset + entry_header_size + crypto::gcm_tag_size;
  if (auto read = read_iv(entry, iv_at); !read) return read.error();

  const uint64_t public_at = reader.offset();
  if (!reader.lp(entry.public_domain)) {
    return wrong(public_at, "public domain size", "ends beyond the entry");
  }
  entry.private_domain = reader.rest();
  ByteReader header(entry.public_domain, offset + entry_framing_size);
  if (auto read = read_public_header(header, entry); !read) return read.error();
  if (auto checked = check_view(entry, iv_at); !checked) return checked.error();
  return entry;
}

Digest entry_leaf(const Digest& write_set_digest, const Digest& commit_evidence_digest,
                  const Digest& claims_digest) {
  std::array<uint8_t, 3 * Digest::size> parts;
  std::memcpy(parts.data(), write_set_digest.bytes.data(), Digest::size);
  std::memcpy(parts.data() + 32, commit_evidence_digest.bytes.data(), Digest::size);
  std::memcpy(parts.data() + 64, claims_digest.bytes.data(), Digest::size);
  return crypto::sha256(parts);
}

Digest entry_leaf(const EntryView& entry, const Digest& write_set_digest) {
  switch (entry.type) {
    case EntryType::write_set:
      return write_set_digest;
    case EntryType::write_set_claims:
      return hash_pair(write_set_digest, *entry.claims_digest);
    case EntryType::write_set_evidence:
      return hash_pair(write_set_digest, *entry.commit_evidence_digest);
    case EntryType::write_set_evidence_claims:
      return entry_leaf(write_set_digest, *entry.commit_evidence_digest, *entry.claims_digest);
    case EntryType::snapshot:
      break;
  }
  invariant_broken("a snapshot has no leaf of its own");
}

}  // namespace entente::ledger
