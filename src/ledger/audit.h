#pragma once
// The checks of offline verification, entry by entry. verify.cpp feeds it from the files.
// Source: docs/ledger-format.md (14.1, 14.2).

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "ledger/chunk_file.h"
#include "ledger/entry_sealer.h"
#include "ledger/merkle.h"
#include "ledger/node_register.h"
#include "ledger/service_history.h"
#include "ledger/verify.h"

namespace entente::ledger {

/// Every refusal is an Error "field: reason", possibly with "byte N: " of the file before it.
class Audit {
 public:
  /// `secrets`: empty if none are known. Writes its findings into `report`.
  Audit(VerifyReport& report, const LedgerSecrets& secrets, const SignatureSeen& on_signature);

  /// Called for each entry that kept the rules; `seen` must outlive this object.
  void tell(const std::function<void(const VerifiedEntry&)>& seen) { on_entry_ = &seen; }

  /// A snapshot file to compare with the ledger when its entries come by.
  void expect_snapshot(const SnapshotReport& snapshot);

  void begin_chunk(bool complete, bool committed);
  Result<void> entry(const ChunkEntry& entry);
  Result<void> end_chunk();
  /// After the last entry.
  Result<void> finish();

  const ServiceHistory& service() const { return service_; }

 private:
  Result<void> check_order(const EntryView& entry) const;
  Result<void> check_flags(const EntryView& entry, bool signature) const;
  Result<void> check_type(const EntryView& entry) const;
  Result<kv::WriteSet> read_public_maps(const EntryView& entry, uint64_t offset) const;
  Result<void> check_private(const EntryView& entry);
  Result<void> find_altered(const SignatureTransaction& signature) const;
  Result<void> check_signature(const EntryView& entry, const SignatureTransaction& signature);
  Result<void> check_snapshot_evidence(const EntryView& entry, const kv::WriteSet& writes);
  Result<void> check_snapshot_leaf(SeqNo seqno, const Digest& leaf);
  void note_secret_chain(const kv::WriteSet& writes, SeqNo seqno);
  void count(const EntryView& entry);

  VerifyReport& report_;
  const SignatureSeen& on_signature_;
  const std::function<void(const VerifiedEntry&)>* on_entry_ = nullptr;
  NodeRegister nodes_;
  ServiceHistory service_;
  MerkleTree tree_;
  std::optional<EntrySealer> sealer_;
  Bytes plaintext_;

  std::optional<TxId> previous_;
  std::vector<uint64_t> unsigned_at_;  ///< file offsets of the entries since the last signature
  bool previous_signed_ = false;
  bool previous_closes_ = false;
  std::optional<LastSignature> last_signature_;
  EntryType epoch_type_ = EntryType::write_set;  ///< of the entry that created the service

  bool chunk_complete_ = false;
  bool chunk_committed_ = false;
  bool chunk_empty_ = true;

  /// Start of the secret that the last write of the chain made current.
  std::optional<SeqNo> chain_current_;
  std::map<SeqNo, SnapshotReport> snapshots_;
};

}  // namespace entente::ledger
