#pragma once
// What replication must know of the table public:ccf.gov.nodes.info: which transaction changes who
// votes, and how. The same code reads it on the node that executes a transaction and on those that
// receive it, so every node derives the same configurations from the same ledger.
// Source: docs/consensus.md (reconfiguration), docs/ledger-format.md (built-in maps).
//
// Thread-safe. Writes of the store come through a local hook, in version order; a roll-back of the
// store is followed by truncate() before anything else is written.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "consensus/configuration.h"
#include "consensus/entry.h"
#include "entente/result.h"
#include "kv/write_set.h"

namespace entente::replica {

inline constexpr std::string_view nodes_info_map = "public:ccf.gov.nodes.info";

/// One row, as far as replication needs it.
struct NodeRow {
  enum class Status : uint8_t { pending, trusted, retired };
  Status status = Status::pending;
  std::string address;  ///< published `host:port` of the node-to-node interface
  /// Has not caught up since it joined: trusted, it receives the log and does not vote. The primary
  /// takes this away.
  bool learning = false;
  bool retired_committed = false;
  bool operator==(const NodeRow&) const = default;
};
/// Rows are written by governance scripts too: what does not parse is an error that names the
/// field.
Result<NodeRow> parse_node_row(BytesView json);

using NodeRows = std::map<NodeId, NodeRow>;

/// What one transaction means for consensus.
struct NodeChange {
  consensus::EntryKind kind = consensus::EntryKind::data;
  consensus::SharedValue<consensus::Configuration> configuration;
  consensus::SharedValue<std::set<NodeId>> retired;
};

/// The change that `writes` to the table make at `seqno`, and the rows after it. A row that does
/// not parse counts as absent. Rows that would leave nobody to vote change no configuration, and
/// learners that leave are nothing that consensus waits for.
NodeChange change_rows(NodeRows& rows, SeqNo seqno, const std::vector<kv::Write>& writes);

/// What the ledger says of a node.
enum class Standing : uint8_t {
  unknown,  ///< nothing yet, or that it waits for a vote
  trusted,  ///< it is, or was until it was retired: it has to learn of that
  removed   ///< it was retired, and its row deleted after that
};

class NodeTable {
 public:
  NodeTable();

  /// The store's local hook.
  void write(SeqNo seqno, const std::vector<kv::Write>& writes);
  /// What the transaction at `seqno`, not yet compacted, changed.
  NodeChange change(SeqNo seqno) const;
  Standing standing(const NodeId& node) const;
  /// As of the transaction at `seqno` (or the newest). Of compacted ones only the last state is
  /// known: what arrives again from before it is committed here, and is not looked at any more; the
  /// changes up to that state, made once more, end in that state.
  NodeRows rows(SeqNo seqno = {UINT64_MAX}) const;
  /// Retired as of the transaction at `seqno` without having voted ever, and not yet said to be
  /// deletable: nobody's quorum needs them.
  std::set<NodeId> retired_learners(SeqNo seqno) const;
  void truncate(SeqNo last);
  /// How many configurations are not compacted yet.
  size_t pending_configurations() const;
  /// Changes up to here need not be remembered one by one any more.
  void compact(SeqNo upto);

 private:
  struct Version {
    NodeRows rows;
    NodeChange change;
  };
  using Versions = std::map<SeqNo, Version>;
  Versions::const_iterator version_at(SeqNo seqno) const;

  mutable std::mutex mutex_;
  Versions versions_;                // guarded by mutex_; never empty
  std::map<NodeId, SeqNo> removed_;  // guarded by mutex_; by which transaction
  SeqNo compacted_;                  // guarded by mutex_
};

}  // namespace entente::replica
