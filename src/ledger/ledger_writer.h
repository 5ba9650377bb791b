#pragma once
// The ledger directory of one node: appends entries to the open chunk, closes chunks where entries
// say so, renames them when committed, rolls back what did not commit, and finds entries again.
// Source: docs/ledger-format.md (3.1 to 3.5).
//
// Threads: append, sync, truncate, commit, start_recovery and finish_recovery belong to one thread
// (the disk thread). Reads may come from any thread at the same time.
//
// Errors: every failure of the disk is a value. After a failed append nothing of that batch counts
// as written; the same or another batch may be tried again. What the failed attempt left in the
// files is removed before the next write, and if the process dies first, start-up sees whole
// entries only.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ledger/chunk_file.h"

namespace entente::ledger {

enum class Durability {
  none,         ///< append leaves the bytes with the operating system: survives kill -9
  batch_fsync,  ///< append returns when the batch survives a power cut
};

enum class StartUp {
  new_service,  ///< main and read-only folders must hold no ledger files
  existing,     ///< join and recover: read what is there, put aside what cannot be used
};

struct LedgerConfig {
  std::string main;                    ///< created if absent
  std::vector<std::string> read_only;  ///< only `.committed` files count; never written
  Durability durability = Durability::none;
  uint64_t entry_limit = default_entry_limit;
  /// Start from a snapshot at this seqno: later committed chunks of the main folder become
  /// writable again, for the caller to compare with what it replays and to truncate.
  std::optional<SeqNo> snapshot;
};

/// What start-up found and did, for the log.
struct StartUpReport {
  SeqNo last;                        ///< last whole entry
  SeqNo committed;                   ///< last seqno in a committed chunk, 0 if none
  std::vector<std::string> actions;  ///< "ledger_7: cut to 3 entries", "ledger_9: put aside: …"
};

class LedgerWriter {
 public:
  static Result<std::unique_ptr<LedgerWriter>> open(Disk& disk, LedgerConfig config, StartUp start);
  ~LedgerWriter();
  LedgerWriter(const LedgerWriter&) = delete;
  LedgerWriter& operator=(const LedgerWriter&) = delete;

  const StartUpReport& start_up_report() const { return report_; }

  // ------------------------------------------------------------------------------ disk thread

  /// Whole entries, back to back, with consecutive seqnos from last()+1 (from any seqno when the
  /// directory is empty). One write per chunk touched, normally one.
  Result<void> append(BytesView batch);
  /// The same for entries that are not adjacent in memory (copied into one buffer first).
  Result<void> append(const std::vector<BytesView>& entries);

  /// Makes everything appended survive a power cut, whatever the policy.
  Result<void> sync();

  /// Discards every entry after `seqno`; not below the commit point (asserted).
  Result<void> truncate(SeqNo seqno);

  /// Everything up to `seqno` is committed: complete chunks that end there or before get their
  /// final name. A failed rename is tried again at the next call. Going back is ignored.
  Result<void> commit(SeqNo seqno);

  /// Disaster recovery: chunks begun from now on carry `.recovery` …
  void start_recovery() { recovering_ = true; }
  /// … until here, where all those suffixes go.
  Result<void> finish_recovery();

  // ------------------------------------------------------------------------------- any thread

  SeqNo last() const;       ///< 0 if empty
  SeqNo committed() const;  ///< as far as commit() or start-up said
  /// One entry, byte for byte. Its frame and seqno are checked, nothing else is.
  Result<Bytes> read(SeqNo seqno) const;

  struct Range {
    SeqNo first, last;
    Bytes bytes;  ///< the entries, back to back
  };
  /// Entries from `first` on: as many of them up to `last` as fit in `max_bytes` and stand in one
  /// chunk, at least one. Unknown `first` is an error.
  Result<Range> read_range(SeqNo first, SeqNo last, uint64_t max_bytes) const;

 private:
  struct Chunk;
  struct Segment;
  LedgerWriter(Disk& disk, LedgerConfig config);

  Result<void> start_new_service();
  Result<void> start_existing();
  Result<void> index_committed(const std::string& folder, bool main);
  Result<void> adopt_uncommitted(const std::vector<ChunkName>& names);
  Result<std::shared_ptr<Chunk>> scan_uncommitted(const ChunkName& name, std::string* refusal);
  Result<void> put_aside(const std::string& name, const std::string& why);

  Result<std::vector<Segment>> plan(BytesView batch) const;
  Result<void> write_segment(const Segment& segment, BytesView batch);
  Result<void> create_chunk(SeqNo first);
  Result<void> complete_open_chunk();
  Result<void> cut_back_to(SeqNo seqno);
  Result<void> repair();
  Result<void> sync_open_files();

  struct Found;
  Result<Found> find(SeqNo seqno) const;
  Result<Range> read_once(SeqNo first, SeqNo last, uint64_t max_bytes) const;

  Disk& disk_;
  LedgerConfig config_;
  StartUpReport report_;
  bool recovering_ = false;
  /// A failed operation left files that differ from the published picture: cut them back to it
  /// before anything else.
  bool repair_pending_ = false;
  Bytes scratch_;

  mutable std::mutex mutex_;                        ///< guards everything below against readers
  std::map<SeqNo, std::shared_ptr<Chunk>> chunks_;  ///< of the main folder, by first seqno
  std::vector<std::map<SeqNo, std::shared_ptr<Chunk>>> read_only_;
  SeqNo last_;
  SeqNo committed_;
  uint64_t cuts_ = 0;  ///< a read that overlaps a cut is repeated
};

}  // namespace entente::ledger
