#pragma once
// Offline verification of a ledger: what an auditor can establish from the files alone, and with a
// service certificate, ledger secrets or members' keys. Source: docs/ledger-format.md (14).
//
// One pass (two when members' keys are given) with memory bounded by the largest entry and the
// number of nodes and signatures' views, not by the ledger's length.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kv/write_set.h"
#include "ledger/chunk_file.h"
#include "ledger/secrets.h"

namespace entente::ledger {

struct VerifyProgress {
  SeqNo seqno;              ///< last entry checked
  uint64_t bytes_done = 0;  ///< of all files
  uint64_t bytes_total = 0;
};

/// An entry that kept the rules of its kind. A signature after it vouches for it: see
/// VerifyReport::last_verified.
struct VerifiedEntry {
  TxId txid;
  const kv::WriteSet& public_maps;  ///< lives as long as the call
  Digest leaf;                      ///< of the Merkle tree
};

struct VerifyOptions {
  /// Folders with chunk files; the first is the main one.
  std::vector<std::string> folders;
  /// Also read chunks that are not committed (the tail of a live or crashed node).
  bool uncommitted = true;
  bool recovery_files = false;
  /// Accept the ledger's own open chunk ending in a partial entry. If false that is a failure.
  bool accept_torn_tail = true;
  /// PEM. The last service identity in the ledger must have this public key.
  std::optional<std::string> service_certificate;
  /// With them every entry is decrypted and its evidence checked.
  LedgerSecrets secrets;
  /// PEM private encryption keys of members: the secrets are rebuilt from the shares in the ledger.
  std::vector<std::string> member_keys;
  /// Committed snapshot files to compare with the ledger: leaf and evidence.
  std::vector<std::string> snapshots;
  uint64_t entry_limit = default_entry_limit;
  /// Called for each entry in order; empty: never.
  std::function<void(const VerifiedEntry&)> on_entry;
  /// Called now and then (at least every few MB); empty: never.
  std::function<void(const VerifyProgress&)> progress;
};

/// Why verification stopped. text(): "ledger_3-13.committed at 1234, seqno 5, IV: …".
struct VerifyFailure {
  std::string file;
  uint64_t offset = 0;  ///< of the entry, 0 when the whole file is meant
  SeqNo seqno;          ///< 0 when unknown
  std::string field;    ///< "GCM tag", "signatures.root", "position table" …
  std::string reason;
  std::string text() const;
};

struct VerifiedSignature {
  TxId txid;
  Digest root;
  NodeId node;
  bool cose = false;
  uint64_t tree_first_leaf = 0;
};

struct VerifyReport {
  std::optional<VerifyFailure> failure;  ///< the first thing that is wrong; nullopt: all is well
  bool ok() const { return !failure; }

  uint64_t entries = 0;
  TxId last;                     ///< last entry read
  TxId last_verified;            ///< last signature that verified; what follows counts as absent
  SeqNo committed_last;          ///< last seqno in committed chunks
  uint64_t unverified_tail = 0;  ///< entries after last_verified
  std::optional<TornTail> torn_tail;  ///< of the open chunk
  std::string torn_file;

  std::map<unsigned, uint64_t> entry_types;  ///< how many entries of each
  uint64_t private_entries = 0;              ///< with a private domain
  uint64_t node_signatures = 0;
  uint64_t cose_signatures = 0;
  std::string service_status;
  Digest service_key;               ///< SHA-256 of the service key's DER SubjectPublicKeyInfo
  std::string service_certificate;  ///< PEM, last in the ledger
  std::vector<SeqNo> service_create_seqnos;
  std::vector<std::pair<View, SeqNo>> views;  ///< each view with its first seqno
  Digest last_signature_root;
  Digest committed_last_signature_root;
  Digest root_over_all_entries;
  bool secrets_checked = false;
  LedgerSecrets secrets;  ///< used: given or rebuilt
  /// Each write of the chain of old secrets names the secret before it. An election during a
  /// recovery breaks that, legally.
  bool secret_chain_holds = true;
  std::vector<std::string> warnings;  ///< legal oddities of old releases, worth a line

  struct Chunk {
    std::string file;
    SeqNo first, last;
    bool complete = false;
    uint64_t bytes = 0;
  };
  std::vector<Chunk> chunks;
};

/// Called for each signature in order, if the caller wants the list (it is not kept otherwise).
using SignatureSeen = std::function<void(const VerifiedSignature&)>;

/// Never throws; every refusal is in the report.
VerifyReport verify_ledger(Disk& disk, const VerifyOptions& options,
                           const SignatureSeen& on_signature = {});

/// The chunk files that make up one ledger, in order, and what is wrong with their names.
struct LedgerFile {
  std::string folder;
  ChunkName name;
};
Result<std::vector<LedgerFile>> ledger_files(Disk& disk, const VerifyOptions& options);

/// A committed snapshot file on its own: digest against the receipt's claims, proof, signature,
/// the signer against the trusted service certificate if given, and the maps' framing.
struct SnapshotReport {
  std::optional<VerifyFailure> failure;
  bool ok() const { return !failure; }
  SeqNo seqno;
  Digest digest;
  Digest leaf;
  SeqNo evidence;  ///< seqno of the entry that holds the evidence; from the file name
  std::vector<SeqNo> view_history;
  uint64_t entry_size = 0;  ///< bytes of the snapshot proper; the receipt follows
  uint64_t public_maps = 0;
  Digest root_with_leaf;  ///< Merkle root over leaves 0 … seqno
};
SnapshotReport verify_snapshot(Disk& disk, const std::string& path,
                               const std::optional<std::string>& service_certificate = {});

}  // namespace entente::ledger
