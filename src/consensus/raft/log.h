#pragma once
// The log as consensus holds it: what the entries say about views, commit points, voters and
// leaving nodes, and the newest entries themselves. Source: docs/consensus.md (the log).

#include <deque>
#include <optional>

#include "consensus/entry.h"
#include "consensus/membership.h"
#include "consensus/state_hash.h"
#include "consensus/view_history.h"

namespace entente::consensus {

class Log {
 public:
  /// At most about `retained` committed entries are kept in memory.
  explicit Log(uint64_t retained) : retained_(retained) {}

  /// Begins after `base`, which is committed.
  void begin(TxId base, ViewHistory views, std::vector<Configuration> configurations,
             Removals removals);

  SeqNo last() const { return last_; }      ///< appended
  SeqNo stable() const { return stable_; }  ///< validated and held
  SeqNo commit() const { return commit_; }  ///< globally committed
  TxId id_of(SeqNo seqno) const { return {view_of(seqno), seqno}; }
  View view_of(SeqNo seqno) const { return views_.view_of(seqno, last_); }

  /// The next entry.
  void append(const EntryMeta& entry);
  /// Removes everything above `last`, which is not below the commit point.
  void truncate(SeqNo last);
  void set_stable(SeqNo upto) { stable_ = upto; }
  void set_commit(SeqNo upto);

  /// The last signature that is stable, or the commit point if that is higher: what counts in
  /// elections.
  TxId last_committable() const;
  /// The highest signature in (commit, upto], if there is one.
  std::optional<SeqNo> signature_upto(SeqNo upto) const;
  /// Signatures above the commit point, ascending.
  const std::deque<SeqNo>& committable() const { return committable_; }
  /// The highest entry that a log containing `id` at its end could share with this one.
  TxId highest_possible(TxId id) const;

  /// Entries above this one can be read.
  SeqNo base() const { return base_; }
  const EntryMeta& at(SeqNo seqno) const;
  uint64_t uncommitted_bytes() const { return uncommitted_bytes_; }

  const ViewHistory& views() const { return views_; }
  const ActiveConfigurations& configurations() const { return configurations_; }
  const Removals& removals() const { return removals_; }

#ifdef ENTENTE_MUTANTS
  void forget_committable() {
    committable_.clear();
  }
#endif

  void hash(StateHasher& hasher) const;
  void check_invariants() const;

 private:
  uint64_t retained_;
  SeqNo base_;
  SeqNo last_;
  SeqNo stable_;
  SeqNo commit_;
  std::deque<EntryMeta> entries_;  // base_+1 … last_
  uint64_t uncommitted_bytes_ = 0;
  ViewHistory views_;
  std::deque<SeqNo> committable_;
  ActiveConfigurations configurations_;
  Removals removals_;
};

}  // namespace entente::consensus
