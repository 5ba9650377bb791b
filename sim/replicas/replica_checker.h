#pragma once
// What must hold among whole replicas: checked after every step of one, against a record of all.
// The ids are those of docs/verification.md.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/replicas/replica_node.h"

namespace entente::sim {

class ReplicaChecker {
 public:
  void after_step(const ReplicaNode& node);
  /// A node has answered a question for a status.
  void told(const ReplicaNode& node, TxId id, TxStatus status);
  /// Stores and ledgers of these nodes are equal as far as all have committed.
  void compare(const std::vector<const ReplicaNode*>& nodes);

  const std::optional<std::string>& violation() const { return violation_; }
  void fail(const std::string& what) {
    if (!violation_) violation_ = what;
  }
  /// The longest committed prefix: views by seqno, from 1 on.
  uint64_t committed() const { return views_.size(); }
  /// Over all roots and digests that were compared.
  uint64_t compared() const { return compared_; }

 private:
  void check_tip(const ReplicaNode& node, const replica::Replica::Tip& tip);
  void check_commit(const ReplicaNode& node, const replica::Replica::Tip& tip);

  std::optional<std::string> violation_;
  std::vector<View> views_;
  std::map<SeqNo, Digest> roots_;
  std::map<SeqNo, Digest> states_;
  std::set<TxId> invalid_;
  std::map<size_t, SeqNo> commits_;
  std::map<size_t, TxId> lasts_;  // of the stores
  uint64_t compared_ = 0;
};

}  // namespace entente::sim
