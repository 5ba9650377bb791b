#pragma once
// Active configurations: which nodes vote, as entries of the log say. Shared by both protocols.
// Source: docs/consensus.md (vocabulary, reconfiguration).

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "entente/types.h"

namespace entente::consensus {

/// The voters that one log entry introduces. Every configuration needs its own quorum.
struct Configuration {
  SeqNo seqno;                           ///< of the entry that introduced it
  std::map<NodeId, std::string> voters;  ///< id → `host:port` of the node-to-node interface
  std::map<NodeId, std::string> learners = {};  ///< receive the log, do not count
  bool operator==(const Configuration&) const = default;
};

/// floor(n/2)+1: the size of a quorum of n voters that may crash.
inline size_t crash_quorum(size_t voters) {
  return voters / 2 + 1;
}

/// The last committed configuration and every later one in the log, in log order.
class ActiveConfigurations {
 public:
  const std::vector<Configuration>& all() const { return active_; }
  bool empty() const { return active_.empty(); }

  /// Appended entries come in log order.
  void append(Configuration configuration);
  /// Drops configurations that a later committed one has replaced.
  void commit(SeqNo committed);
  /// Forgets configurations introduced above `last`.
  void truncate(SeqNo last);

  /// In any active configuration introduced at or below `at`.
  bool is_voter(const NodeId& node, SeqNo at = {UINT64_MAX}) const;
  /// Every voter and learner of any active configuration, with its newest address.
  std::map<NodeId, std::string> nodes() const;

  /// True when `agrees(node)` holds for a quorum of every configuration introduced at or below
  /// `at`. False when there is no such configuration.
  template <typename Agrees>
  bool quorum(SeqNo at, const Agrees& agrees) const {
    bool found = false;
    for (const Configuration& configuration : active_) {
      if (configuration.seqno > at) break;
      found = true;
      size_t count = 0;
      for (const auto& [node, address] : configuration.voters) count += agrees(node) ? 1 : 0;
      if (count < crash_quorum(configuration.voters.size())) return false;
    }
    return found;
  }

 private:
  std::vector<Configuration> active_;
};

}  // namespace entente::consensus
