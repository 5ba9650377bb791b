// A committed snapshot file on its own. Source: docs/ledger-format.md (11.2, 11.3).

#include <charconv>
#include <cstring>

#include "crypto/digest.h"
#include "ledger/byte_reader.h"
#include "ledger/entry.h"
#include "ledger/receipt.h"
#include "ledger/signature.h"
#include "ledger/verify.h"

namespace entente::ledger {
namespace {

/// Whole snapshots are read into memory.
constexpr uint64_t largest_snapshot = 4ull << 30;

struct SnapshotName {
  SeqNo seqno;
  SeqNo evidence;
};

/// `snapshot_<S>_<E>.committed`
std::optional<SnapshotName> parse_name(std::string_view name) {
  constexpr std::string_view prefix = "snapshot_";
  constexpr std::string_view suffix = ".committed";
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  name.remove_suffix(suffix.size());
  SnapshotName parsed;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, parsed.seqno.value);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '_') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, parsed.evidence.value);
  if (second.ec != std::errc() || second.ptr != end) return std::nullopt;
  if (parsed.seqno.value == 0 || parsed.evidence <= parsed.seqno) return std::nullopt;
  return parsed;
}

uint64_t padding(uint64_t size) {
  return (8 - size % 8) % 8;
}

/// The value of the unit key in one map's state, while its records' framing is checked.
Result<std::optional<BytesView>> read_state(BytesView state, uint64_t offset,
                                            const std::string& field) {
  ByteReader reader(state, offset);
  std::optional<BytesView> unit;
  while (!reader.at_end()) {
    BytesView key, value, skipped;
    uint64_t size = 0;
    if (!reader.lp(key) || !reader.bytes(padding(key.size()), skipped)) {
      return reader.missing(field + ": key");
    }
    if (!reader.u64(size)) return reader.missing(field + ": value size");
    const uint64_t at = reader.offset();
    BytesView version;
    if (size < 8) {
      return Error{"byte " + std::to_string(at) + ": " + field + ": value size: below 8"};
    }
    if (!reader.bytes(8, version) || !reader.bytes(size - 8, value) ||
        !reader.bytes(padding(size), skipped)) {
      return reader.missing(field + ": value");
    }
    if (equal(key, unit_key())) unit = value;
  }
  return unit;
}

struct PublicState {
  uint64_t maps = 0;
  std::optional<BytesView> tree;
};

Result<PublicState> read_public_state(BytesView domain, uint64_t offset) {
  ByteReader reader(domain, offset);
  PublicState found;
  std::string_view previous;
  while (!reader.at_end()) {
    BytesView name, state;
    uint64_t version = 0;
    const uint64_t at = reader.offset();
    if (!reader.lp(name)) return reader.missing("map name");
    if (found.maps > 0 && as_text(name) <= previous) {
      return Error{"byte " + std::to_string(at) + ": map name: not in ascending order"};
    }
    if (!kv::is_public(as_text(name))) {
      return Error{"byte " + std::to_string(at) + ": map name: private in the public domain"};
    }
    if (!reader.u64(version)) return reader.missing("map version");
    const uint64_t state_at = reader.offset() + 8;
    if (!reader.lp(state)) return reader.missing("map state");
    previous = as_text(name);
    const std::string field = "map " + std::string(previous.substr(0, 128));
    auto unit = read_state(state, state_at, field);
    if (!unit) return unit.error();
    if (previous == maps::tree) found.tree = *unit;
    ++found.maps;
  }
  return found;
}

Result<void> check(BytesView content, const SnapshotName& name,
                   const std::optional<std::string>& service_certificate, SnapshotReport& report) {
  if (content.empty()) return Error{"file: is empty"};
  const auto size = entry_size(content);
  if (!size) return size.error();
  if (*size > content.size()) return Error{"byte 0: entry size: beyond the end of the file"};
  if (*size == content.size()) return Error{"receipt: missing"};
  report.entry_size = *size;
  const BytesView bytes = content.first(*size);
  const auto entry = parse_entry(bytes);
  if (!entry) return entry.error();
  if (entry->type != EntryType::snapshot) return Error{"entry type: not a snapshot"};
  report.seqno = entry->txid.seqno;
  if (report.seqno != name.seqno)
    return Error{"file name: the snapshot is that of seqno " + std::to_string(report.seqno.value)};
  report.digest = crypto::sha256(bytes);
  report.leaf = *entry->snapshot_leaf;
  ByteReader history(entry->view_history);
  for (SeqNo start; history.u64(start.value);) report.view_history.push_back(start);

  const auto receipt = parse_receipt(as_text(content.subspan(*size)));
  if (!receipt) return receipt.error().at("receipt");
  if (!receipt->components || !receipt->components->claims_digest) {
    return Error{"receipt: claims_digest: missing"};
  }
  if (*receipt->components->claims_digest != report.digest) {
    return Error{"receipt: claims_digest: is not the digest of the snapshot"};
  }
  const auto evidence = evidence_txid(receipt->components->commit_evidence);
  if (!evidence || evidence->seqno != name.evidence) {
    return Error{"receipt: commit_evidence: is not that of seqno " +
                 std::to_string(name.evidence.value)};
  }
  const Digest root = fold_path(receipt->components->leaf(), receipt->proof);
  const auto certificate = crypto::Certificate::from_pem(receipt->certificate);
  if (!certificate) return certificate.error().at("receipt: cert");
  const auto key = certificate->public_key();
  if (!key) return key.error().at("receipt: cert");
  if (!key->verify_digest(root, receipt->signature)) {
    return Error{"receipt: signature: does not verify over the root with cert"};
  }
  if (service_certificate) {
    const auto verified =
        verify_receipt(content.subspan(*size), std::string_view(*service_certificate));
    if (!verified) return verified.error().at("receipt");
  }

  const uint64_t offset = static_cast<uint64_t>(entry->public_maps.data() - bytes.data());
  const auto state = read_public_state(entry->public_maps, offset);
  if (!state) return state.error();
  report.public_maps = state->maps;
  if (!state->tree) return Error{"map " + std::string(maps::tree) + ": missing"};
  auto tree = MerkleTree::deserialise(*state->tree);
  if (!tree) return tree.error().at("map " + std::string(maps::tree));
  if (tree->size() != report.seqno.value) {
    return Error{"map " + std::string(maps::tree) + ": covers " + std::to_string(tree->size()) +
                 " leaves, expected " + std::to_string(report.seqno.value)};
  }
  tree->append(report.leaf);
  report.root_with_leaf = tree->root();
  return {};
}

}  // namespace

SnapshotReport verify_snapshot(Disk& disk, const std::string& path,
                               const std::optional<std::string>& service_certificate) {
  SnapshotReport report;
  const std::string file = path.substr(path.rfind('/') + 1);
  const auto fail = [&](const std::string& message) {
    report.failure = VerifyFailure{file, 0, report.seqno, "snapshot", message};
  };
  const auto name = parse_name(file);
  if (!name) {
    fail("file name: not that of a committed snapshot");
    return report;
  }
  report.evidence = name->evidence;
  const auto content = read_file(disk, path, largest_snapshot);
  if (!content) {
    fail(content.error().message);
    return report;
  }
  if (auto checked = check(*content, *name, service_certificate, report); !checked) {
    fail(checked.error().message);
  }
  return report;
}

}  // namespace entente::ledger
