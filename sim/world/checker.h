#pragma once
// What must hold in a cluster after every step, checked against a record of everything that ever
// happened in it. Each step is checked in time that does not grow with the history. The ids are
// those of docs/verification.md.

#include <deque>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/world/node.h"

namespace entente::sim {

class Checker {
 public:
  using Nodes = std::map<NodeId, std::unique_ptr<Node>>;
  explicit Checker(const Nodes& nodes);

  /// `node` has just taken `event`.
  void after_step(const Node& node, const Event& event);
  /// A snapshot of `donor` will be what `node` begins with.
  void joined(const Node& node);

  /// "I-5: what is wrong" of the first violation, or nothing.
  const std::optional<std::string>& violation() const { return violation_; }
  /// The longest prefix that was ever committed anywhere.
  const std::vector<EntryMeta>& committed() const { return committed_; }
  /// Who led the view, if anybody did.
  std::optional<NodeId> leader_of(View view) const {
    const auto leader = leaders_.find(view);
    return leader == leaders_.end() ? std::nullopt : std::optional(leader->second);
  }
  /// How often interesting things happened, also those that never did.
  const std::map<std::string, uint64_t>& probes() const { return probes_; }
  void probe(const std::string& name) { ++probes_[name]; }

 private:
  struct TxIdHash {
    size_t operator()(const TxId& id) const {
      return id.view.value * 0x9e3779b97f4a7c15 ^ id.seqno.value;
    }
  };
  struct Known {
    TxId previous;
    EntryMeta entry;
  };
  // What a node was when it was last looked at.
  struct Before {
    Leadership role = Leadership::none;
    View view;
    SeqNo last;
    SeqNo stable;
    SeqNo commit;
    MembershipPhase phase = MembershipPhase::active;
    std::map<NodeId, SeqNo> matches;
    std::map<NodeId, MonotonicTime> heard;  // a leader's peers
    std::map<View, uint64_t> conflicts;
    size_t configurations = 0;
    // Of the ledger, so that nothing needs to be read twice.
    std::deque<SeqNo> signatures;              // above the commit point
    std::vector<SeqNo> configuration_entries;  // all
  };

  void fail(const std::string& id, const Node& node, const std::string& what);
  bool extends(const Node& node, const EntryMeta& entry, TxId previous, bool proposed);
  void check_log(const Node& node, const Event& event, Before& before);
  void check_commit_points(const Node& node, const Event& event, Before& before);
  static void remember(const EntryMeta& entry, Before& before);
  void check_truncation(const Node& node, const Event& event, Before& before);
  void check_commit(const Node& node, const Before& before);
  void check_held_by_quorum(const Node& node, SeqNo upto);
  void check_leader(const Node& node, const Before& before);
  void check_matches(const Node& node, Before& before);
  void check_hears_quorum(const Node& node, const Event& event, Before& before);
  void check_role(const Node& node, const Before& before);
  void check_membership(const Node& node, const Event& event, Before& before);
  void check_sent(const Node& node, const Outputs::Send& send);
  void check_reads(const Node& node, const Event& event);
  // checker_committed.cpp
  void check_refinement(const Node& node, const Before& before);
  void check_quorum_log(const Node& node);
  void check_pending(const Node& node);
  void count_probes(const Node& node, const Event& event, const Before& before);

  const Nodes* nodes_;
  std::optional<std::string> violation_;
  std::vector<EntryMeta> committed_;
  std::unordered_map<TxId, Known, TxIdHash> known_;
  std::map<View, NodeId> leaders_;
  std::set<View> views_with_entries_;
  std::map<std::pair<View, NodeId>, NodeId> votes_;
  std::map<std::pair<NodeId, uint64_t>, size_t> barriers_;  // committed when asked
  std::map<NodeId, Before> before_;
  std::map<std::string, uint64_t> probes_;
};

}  // namespace entente::sim
