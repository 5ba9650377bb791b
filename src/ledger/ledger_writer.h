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
  SeqNo last;                        ///< last whole entry, or the snapshot's seqno if that is later
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
  /// Whether append() would take `batch` if the disk did: after a failed append this tells a batch
  /// that can never be written from a disk that refuses now.
  Result<void> accepts(BytesView batch) const;

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
  struct LiveChunk;
  struct CommittedChunk;
  struct Segment;
  struct Place;
  using LiveChunks = std::map<SeqNo, std::shared_ptr<LiveChunk>>;
  using CommittedChunks = std::map<SeqNo, CommittedChunk>;
  LedgerWriter(Disk& disk, LedgerConfig config);

  // ledger_start_up.cpp
  Result<void> start_new_service();
  Result<void> start_existing();
  Result<std::vector<ChunkName>> index_main();
  Result<void> index_read_only(const std::string& folder);
  Result<void> make_writable_again(ChunkName& name);
  Result<void> adopt(std::vector<ChunkName> names);
  Result<std::shared_ptr<LiveChunk>> scan(const ChunkName& name, std::string& refusal);
  std::string gap_before(const LiveChunk& chunk) const;
  Result<void> put_aside(const std::string& name, const std::string& why);
  Result<void> rename_in_main(const std::string& from, const std::string& to);

  // ledger_writer.cpp
  LiveChunk* open_chunk() const;
  Result<std::vector<Segment>> plan(BytesView batch) const;
  Result<void> execute(const Segment& segment);
  Result<void> create(const std::shared_ptr<LiveChunk>& chunk);
  Result<void> settle(const Segment& last);
  void publish(const std::vector<Segment>& segments);
  Result<void> repair();
  Result<void> sync_main_folder();
  Result<void> name_committed(LiveChunk& chunk);

  // ledger_lookup.cpp
  std::optional<Place> find(SeqNo first, SeqNo last, uint64_t max_bytes) const;
  Result<Range> read_place(const Place& place, uint64_t max_bytes) const;

  // Of the disk thread alone:
  Disk& disk_;
  LedgerConfig config_;
  StartUpReport report_;
  bool recovering_ = false;
  bool folder_dirty_ = false;  ///< names changed since the main folder was synced
  /// Files may differ from what is published below: bring them in line before anything else.
  bool repair_pending_ = false;
  std::vector<std::shared_ptr<LiveChunk>> doomed_;  ///< not published (any more); to be removed
  Bytes gathered_;

  mutable std::mutex mutex_;          ///< guards what follows; only the disk thread changes it
  LiveChunks live_;                   ///< main folder, not yet renamed to `.committed`
  CommittedChunks committed_chunks_;  ///< main folder
  std::vector<CommittedChunks> read_only_chunks_;  ///< in the order of the configuration
  SeqNo last_;
  SeqNo committed_;
  uint64_t moves_ = 0;  ///< cuts and renames: a read that overlaps one is repeated
};

}  // namespace entente::ledger
