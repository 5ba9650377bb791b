#pragma once
// One framed ledger entry, read without copying from bytes that nobody vouches for.
// Integers are little-endian; lp(x) is a u64 byte length followed by x.
//
//   offset  size  field
//   0       1     version, always 1
//   1       1     flags
//   2       6     L, number of bytes after these 8
//   8       16    GCM tag
//   24      12    GCM IV: u64 seqno, u32 view (top bit: snapshot)
//   36      8     P, length of the public domain
//   44      P     public domain, in clear, authenticated by the tag
//   44+P    L-36-P  private domain, AES-256-GCM ciphertext
//
// Source: docs/ledger-format.md, "Entry framing" and "Write set serialisation".

#include <cstdint>
#include <optional>
#include <string_view>

#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"
#include "kv/write_set.h"

namespace entente::ledger {

inline constexpr size_t entry_header_size = 8;    ///< version, flags, L
inline constexpr size_t entry_framing_size = 44;  ///< everything before the public domain
/// L of the largest entry that is accepted.
inline constexpr uint64_t max_entry_size = 1ull << 30;
inline constexpr uint64_t max_seqno = (1ull << 63) - 1;
inline constexpr uint64_t max_view = (1ull << 31) - 1;

/// Entry flags: where chunk files are cut.
inline constexpr uint8_t close_chunk_after = 0x01;
inline constexpr uint8_t close_chunk_before = 0x02;

enum class EntryType : uint8_t {
  write_set = 0,  ///< 1.x only
  snapshot = 1,   ///< snapshot files only
  write_set_claims = 2,
  write_set_evidence = 3,
  write_set_evidence_claims = 4,  ///< the only type that is written
};

/// Views into the parsed bytes: valid as long as those.
struct EntryView {
  BytesView bytes;  ///< the whole entry, header included
  uint8_t flags = 0;
  BytesView tag;             ///< 16
  BytesView iv;              ///< 12
  BytesView public_domain;   ///< also the AAD
  BytesView private_domain;  ///< ciphertext, as long as its plaintext; may be empty
  TxId txid;  ///< from the IV; seqno agrees with the public domain; view 0 in snapshots
  EntryType type = EntryType::write_set_evidence_claims;
  std::optional<Digest> claims_digest;           ///< types 2 and 4
  std::optional<Digest> commit_evidence_digest;  ///< types 3 and 4
  uint64_t reserved = 0;                         ///< not 0 in 1.x ledgers
  // Snapshots only:
  std::optional<Digest> snapshot_leaf;  ///< Merkle leaf of the entry at this seqno
  BytesView view_history;               ///< n u64: first seqno of view i+1
  BytesView public_maps;                ///< the rest of the public domain
};

/// Size in bytes of the whole entry (header included) that starts with `header`, of which at least
/// 8 bytes must be there. Errors: too short, version, size beyond max_entry_size or below framing.
/// `offset` as in parse_entry.
Result<uint64_t> entry_size(BytesView header, uint64_t offset = 0);

/// Parses exactly one entry that fills `bytes`. `offset` is added to the offsets in errors, so that
/// they name a place in a file. Checks framing, type, ids (seqno 1…2^63-1, equal in IV and public
/// domain; view 1…2^31-1, or 0 in snapshots). Does not look into maps and authenticates nothing.
Result<EntryView> parse_entry(BytesView bytes, uint64_t offset = 0);

/// How strict a reader of maps is.
enum class Ordering {
  required,  ///< maps, writes and removals ascend, one record per key: what is written today
  any,       ///< old ledgers: sorted while reading; for one key a later write wins, a write beats a
             ///< removal of the same key; repeated maps are merged
};

/// The maps of one domain (public: `EntryView::public_maps`; private: the decrypted private
/// domain), with writes and removals of each map merged in key order. `offset` as above, of the
/// first byte of `domain`. Work and memory are linear in domain.size(). Not for snapshots.
Result<kv::WriteSet> read_maps(BytesView domain, uint64_t offset = 0,
                               Ordering ordering = Ordering::required);

/// Both domains as one write set, maps ascending by name. The views stay those of the inputs.
kv::WriteSet merge_domains(kv::WriteSet public_maps, kv::WriteSet private_maps);

/// The value written to `key` of `map`; nullopt if nothing or a removal.
std::optional<BytesView> find_write(const kv::WriteSet& maps, std::string_view map, BytesView key);

/// Key of single-value maps: 8 zero bytes.
BytesView unit_key();

/// Merkle leaf of an entry whose bytes hash to `write_set_digest`. Not for snapshots.
Digest entry_leaf(const EntryView& entry, const Digest& write_set_digest);
/// The leaf for type 4: H(write set digest || evidence digest || claims digest).
Digest entry_leaf(const Digest& write_set_digest, const Digest& commit_evidence_digest,
                  const Digest& claims_digest);

}  // namespace entente::ledger
