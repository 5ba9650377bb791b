#pragma once
// How nodes leave: the phases between the entry that removes a voter and the moment from which it
// is safe to delete it, as the log says. Shared by both protocols.
// Source: docs/consensus.md (leaving).

#include <map>
#include <set>
#include <string_view>
#include <vector>

#include "consensus/configuration.h"
#include "entente/types.h"

namespace entente::consensus {

enum class MembershipPhase : uint8_t {
  active,
  ordered,           ///< a configuration without the node follows one with it in the log
  signed_off,        ///< a signature follows that configuration
  completed,         ///< that signature is committed; the node still helps
  retired_committed  ///< a committed `retired` entry names it; it may be deleted
};
/// `Ordered`, `Signed` …, as /node/consensus prints them.
std::string_view to_text(MembershipPhase phase);

/// Every voter that was ever removed, with the entries that move it through the phases. A seqno
/// of 0 means: not yet.
struct Removal {
  SeqNo ordered;  ///< the configuration that no longer names it
  SeqNo signed_off;
  SeqNo retired;
  bool operator==(const Removal&) const = default;
};

class Removals {
 public:
  /// `next` follows `previous` in the log.
  void on_configuration(const Configuration& previous, const Configuration& next);
  void on_signature(SeqNo seqno);
  void on_retired(const std::set<NodeId>& nodes, SeqNo seqno);
  /// Forgets what entries above `last` said.
  void truncate(SeqNo last);

  MembershipPhase phase(const NodeId& node, SeqNo commit) const;
  /// Whether any phase at the commit point `after` is another than at `before`.
  bool move(SeqNo before, SeqNo after) const;
  /// Completed at `commit` and named by no `retired` entry of the log.
  std::set<NodeId> to_name(SeqNo commit) const;
  const std::map<NodeId, Removal>& all() const { return removals_; }
  /// From what a snapshot carries.
  static Removals from(std::map<NodeId, Removal> removals);

  bool operator==(const Removals&) const = default;

 private:
  std::map<NodeId, Removal> removals_;
};

}  // namespace entente::consensus
