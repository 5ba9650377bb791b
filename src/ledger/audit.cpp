#include "ledger/audit.h"

#include <algorithm>

#include "base/json.h"
#include "crypto/digest.h"
#include "ledger/entry.h"
#include "ledger/json_fields.h"
#include "ledger/shares.h"

namespace entente::ledger {
namespace {

constexpr std::string_view snapshot_evidence = "public:ccf.internal.snapshot_evidence";
constexpr uint8_t known_flags = close_chunk_after | close_chunk_before;
/// Between signatures the tree is trimmed at this size, so that an unsigned stretch of any length
/// takes no more memory.
constexpr uint64_t most_leaves = 1 << 16;

bool writes_map(const kv::WriteSet& writes, std::string_view name) {
  return std::any_of(writes.begin(), writes.end(),
                     [&](const kv::MapWrites& map) { return map.map == name; });
}

}  // namespace

Audit::Audit(VerifyReport& report, const LedgerSecrets& secrets, const SignatureSeen& on_signature)
    : report_(report), on_signature_(on_signature) {
  if (!secrets.empty()) sealer_.emplace(std::make_shared<LedgerSecrets>(secrets));
  report_.secrets_checked = sealer_.has_value();
}

void Audit::expect_snapshot(const SnapshotReport& snapshot) {
  snapshots_.insert_or_assign(snapshot.seqno, snapshot);
}

void Audit::begin_chunk(bool complete, bool committed) {
  unsigned_at_.clear();  // offsets of another file
  chunk_complete_ = complete;
  chunk_committed_ = committed;
  chunk_empty_ = true;
}

// ------------------------------------------------------------------------------ place in the order

Result<void> Audit::check_order(const EntryView& entry) const {
  const TxId& txid = entry.txid;
  const SeqNo expected = previous_ ? previous_->seqno + 1 : SeqNo{1};
  if (txid.seqno != expected) {
    return Error{"seqno: is " + std::to_string(txid.seqno.value) + " where " +
                 std::to_string(expected.value) + " is next"};
  }
  if (!previous_ || txid.view == previous_->view) return {};
  if (txid.view < previous_->view) {
    return Error{"view: goes back from " + std::to_string(previous_->view.value) + " to " +
                 std::to_string(txid.view.value)};
  }
  if (!previous_signed_) return Error{"view: a new one begins, but not after a signature"};
  return {};
}

Result<void> Audit::check_flags(const EntryView& entry, bool signature) const {
  if ((entry.flags & ~known_flags) != 0) {
    return Error{"flags: unknown value " + std::to_string(entry.flags)};
  }
  if ((entry.flags & close_chunk_after) != 0 && !signature) {
    return Error{"flags: 0x01 (close chunk) on an entry that is not a signature"};
  }
  if (chunk_empty_) return {};
  if ((entry.flags & close_chunk_before) != 0) {
    return Error{"flags: 0x02 (close chunk before) on an entry that does not begin a chunk"};
  }
  if (previous_closes_)
    return Error{"flags: the entry before has 0x01, the chunk should have ended"};
  return {};
}

// Releases wrote ever newer types; an entry may not be older than the service that it belongs to.
Result<void> Audit::check_type(const EntryView& entry) const {
  const auto value = static_cast<unsigned>(entry.type);
  if (entry.type == EntryType::snapshot || entry.type == EntryType::write_set_claims) {
    return Error{"entry type: " + std::to_string(value) + " does not belong into a ledger"};
  }
  if (entry.type < epoch_type_) {
    return Error{"entry type: " + std::to_string(value) + " in a service of newer type"};
  }
  if (entry.type == EntryType::write_set_evidence_claims && entry.reserved != 0) {
    return Error{"reserved field: is not 0"};
  }
  return {};
}

Result<void> Audit::end_chunk() {
  if (chunk_complete_ && !previous_signed_) {
    return Error{"chunk end: the last entry is not a signature"};
  }
  return {};
}

// ----------------------------------------------------------------------------------------- content

Result<kv::WriteSet> Audit::read_public_maps(const EntryView& entry, uint64_t offset) const {
  const uint64_t start =
      offset + static_cast<uint64_t>(entry.public_maps.data() - entry.bytes.data());
  auto writes = read_maps(entry.public_maps, start);
  if (!writes) return writes;
  for (const kv::MapWrites& map : *writes) {
    if (!kv::is_public(map.map)) return Error{"public domain: holds a private map"};
  }
  return writes;
}

Result<void> Audit::check_private(const EntryView& entry) {
  if (!sealer_) return {};
  if (auto opened = sealer_->open(entry, plaintext_); !opened) return opened;
  const auto writes = read_maps(plaintext_);
  if (!writes) return Error{"private domain: " + writes.error().message};
  for (const kv::MapWrites& map : *writes) {
    if (kv::is_public(map.map)) return Error{"private domain: holds a public map"};
  }
  return sealer_->check_commit_evidence(entry);
}

// A root that differs says only that something since the last signature is wrong. The signature's
// own tree holds the leaves and says which entry it is.
Result<void> Audit::find_altered(const SignatureTransaction& signature) const {
  if (!signature.tree || signature.tree->size() != tree_.size()) return {};
  const uint64_t end = tree_.size();
  const uint64_t held =
      std::max({signature.tree->first(), tree_.first(), end - unsigned_at_.size()});
  for (uint64_t index = held; index < end; ++index) {
    if (signature.tree->leaf(index) == tree_.leaf(index)) continue;
    return Error{"byte " + std::to_string(unsigned_at_[unsigned_at_.size() - (end - index)]) +
                 ": seqno " + std::to_string(index) +
                 ": Merkle leaf: the entry is not the one that the signature at " +
                 std::to_string(signature.node.txid.seqno.value) + " covers"};
  }
  return {};
}

Result<void> Audit::check_signature(const EntryView& entry, const SignatureTransaction& signature) {
  const std::string field(maps::signatures);
  if (!entry.private_domain.empty()) return Error{"private domain: in a signature transaction"};
  if (entry.claims_digest && *entry.claims_digest != Digest{}) {
    return Error{"claims digest: in a signature transaction"};
  }
  const Digest root = tree_.root();
  if (signature.node.root != root) {
    if (auto altered = find_altered(signature); !altered) return altered;
    return Error{field + ": root: is " + signature.node.root.hex() + ", the entries give " +
                 root.hex()};
  }
  if (auto verified = nodes_.check_signature(signature.node); !verified) return verified;
  if (signature.cose) {
    if (!service_.key()) return Error{std::string(maps::cose_signatures) + ": no service is known"};
    if (auto verified = verify_cose_signature(*signature.cose, root, *service_.key()); !verified) {
      return verified.error().at(std::string(maps::cose_signatures));
    }
  }
  const uint64_t last = last_signature_ ? last_signature_->txid.seqno.value : 0;
  if (signature.tree && signature.tree->first() > last) {
    return Error{std::string(maps::tree) +
                 ": first leaf: " + std::to_string(signature.tree->first()) +
                 " leaves out entries since the signature " + std::to_string(last)};
  }
  if (!signature.tree && entry.type == EntryType::write_set_evidence_claims) {
    return Error{std::string(maps::tree) + ": missing"};
  }
  return {};
}

Result<void> Audit::check_snapshot_evidence(const EntryView& entry, const kv::WriteSet& writes) {
  const auto value = find_write(writes, snapshot_evidence, unit_key());
  if (!value) return {};
  const std::string field(snapshot_evidence);
  const auto document = json::parse(as_text(*value));
  if (!document) return document.error().at(field);
  const json::Reader reader(*document);
  const auto hash = fields::digest(reader, "hash");
  if (!hash) return hash.error().at(field);
  const auto version = fields::seqno(reader, "version");
  if (!version) return version.error().at(field);
  if (*version >= entry.txid.seqno) return Error{field + ": version: is not in the past"};
  if (entry.claims_digest && *entry.claims_digest != *hash) {
    return Error{"claims digest: is not the hash of the snapshot evidence"};
  }
  const auto expected = snapshots_.find(*version);
  if (expected != snapshots_.end() && expected->second.evidence == entry.txid.seqno &&
      expected->second.digest != *hash) {
    return Error{field + ": hash: is not that of the snapshot file"};
  }
  return {};
}

Result<void> Audit::check_snapshot_leaf(SeqNo seqno, const Digest& leaf) {
  const auto expected = snapshots_.find(seqno);
  if (expected == snapshots_.end() || expected->second.leaf == leaf) return {};
  return Error{"Merkle leaf: differs from that in the snapshot file"};
}

void Audit::note_secret_chain(const kv::WriteSet& writes, SeqNo seqno) {
  const auto value = find_write(writes, maps::historical_encrypted_ledger_secret, unit_key());
  if (!value) return;
  const auto secret = parse_historical_secret(*value);
  if (!secret) {
    report_.warnings.push_back("seqno " + std::to_string(seqno.value) + ": " +
                               std::string(maps::historical_encrypted_ledger_secret) +
                               " cannot be read: " + secret.error().message);
    return;
  }
  const bool follows =
      !chain_current_ || (secret->previous && secret->previous->version == *chain_current_);
  if (!follows) report_.secret_chain_holds = false;
  chain_current_ = secret->current_version(seqno);
}

// -------------------------------------------------------------------------------------- one entry

void Audit::count(const EntryView& entry) {
  ++report_.entries;
  ++report_.entry_types[static_cast<unsigned>(entry.type)];
  if (!entry.private_domain.empty()) ++report_.private_entries;
  if (report_.views.empty() || report_.views.back().first != entry.txid.view) {
    report_.views.emplace_back(entry.txid.view, entry.txid.seqno);
  }
  report_.last = entry.txid;
}

Result<void> Audit::entry(const ChunkEntry& raw) {
  const auto parsed = parse_entry(raw.bytes, raw.offset);
  if (!parsed) return parsed.error();
  const EntryView& entry = *parsed;
  if (auto checked = check_order(entry); !checked) return checked;
  const auto writes = read_public_maps(entry, raw.offset);
  if (!writes) return writes.error();

  const auto signature = read_signature(*writes, entry.txid);
  if (!signature) return signature.error();
  const bool signs = signature->has_value();
  if (!signs) {
    for (const std::string_view map : {maps::cose_signatures, maps::tree}) {
      if (writes_map(*writes, map)) return Error{std::string(map) + ": without a node signature"};
    }
  }
  if (auto checked = check_flags(entry, signs); !checked) return checked;
  if (auto checked = check_private(entry); !checked) return checked;

  if (signs) {
    if (auto checked = check_signature(entry, **signature); !checked) return checked;
  }
  const bool closes_before = (entry.flags & close_chunk_before) != 0;
  if (auto applied = service_.apply(*writes, entry.txid, closes_before, last_signature_);
      !applied) {
    return applied;
  }
  if (service_.just_created()) epoch_type_ = entry.type;
  if (auto checked = check_type(entry); !checked) return checked;
  if (auto applied = nodes_.apply(*writes, service_.certificate()); !applied) return applied;
  if (auto checked = check_snapshot_evidence(entry, *writes); !checked) return checked;
  note_secret_chain(*writes, entry.txid.seqno);

  const Digest leaf = entry_leaf(entry, crypto::sha256(entry.bytes));
  if (auto checked = check_snapshot_leaf(entry.txid.seqno, leaf); !checked) return checked;
  tree_.append(leaf);
  unsigned_at_.push_back(raw.offset);
  if (signs || tree_.size() - tree_.first() >= most_leaves) {
    tree_.flush(tree_.size() - 1);
    unsigned_at_.clear();
  }

  count(entry);
  if (on_entry_ != nullptr && *on_entry_) (*on_entry_)({entry.txid, *writes, leaf});
  if (signs) {
    const NodeSignature& node = (*signature)->node;
    ++report_.node_signatures;
    if ((*signature)->cose) ++report_.cose_signatures;
    last_signature_ = {entry.txid, node.root};
    report_.last_verified = entry.txid;
    report_.last_signature_root = node.root;
    if (chunk_committed_) report_.committed_last_signature_root = node.root;
    if (on_signature_) {
      const auto& tree = (*signature)->tree;
      on_signature_({entry.txid, node.root, node.node, (*signature)->cose.has_value(),
                     tree ? tree->first() : 0});
    }
  }
  report_.unverified_tail = report_.last.seqno - report_.last_verified.seqno;
  previous_ = entry.txid;
  previous_signed_ = signs;
  previous_closes_ = (entry.flags & close_chunk_after) != 0;
  chunk_empty_ = false;
  return {};
}

Result<void> Audit::finish() {
  report_.root_over_all_entries = tree_.root();
  report_.service_status = service_.status();
  report_.service_certificate = service_.certificate_pem();
  report_.service_create_seqnos = service_.created_at();
  if (service_.key()) report_.service_key = service_.key()->digest();
  return service_.check_chain();
}

}  // namespace entente::ledger
