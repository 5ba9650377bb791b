#pragma once
// The nodes of a simulated service, dead ones included, watched by the checker. What carries the
// messages is the caller's choice.

#include <functional>
#include <map>
#include <memory>

#include "sim/world/checker.h"
#include "sim/world/node.h"

namespace entente::sim {

struct Packet {
  NodeId from;
  NodeId to;
  Message message;
};
/// `AE`, `AR`, `PV`, `RV`, `PVR`, `VR`, `TO` (propose vote), `RN`.
std::string_view kind_of(const Message& message);
/// As if the driver had sent fewer entries than the core asked for.
void keep_first(message::AppendEntries& append, uint64_t count);
/// One line, for people.
std::string describe(const Packet& packet);

class Cluster {
 public:
  explicit Cluster(RaftOptions options) : options_(std::move(options)), checker_(nodes_) {}
  Cluster(const Cluster&) = delete;

  std::function<void(Packet)> send;

  RaftOptions& options() { return options_; }
  Node& add(const NodeId& id, MonotonicTime now, Habits habits);
  bool has(const NodeId& id) const { return nodes_.contains(id); }
  Node& at(const NodeId& id) { return *nodes_.at(id); }
  const Checker::Nodes& nodes() const { return nodes_; }
  Checker& checker() { return checker_; }
  const Checker& checker() const { return checker_; }
  /// The leader of the highest view, dead ones excepted by `alive`.
  Node* latest_leader(const std::function<bool(const NodeId&)>& alive);

  /// A table of all nodes.
  std::string table() const;

 private:
  RaftOptions options_;
  Checker::Nodes nodes_;
  Checker checker_;
};

/// `2.1 2.2s 3.3c`: s signature, c configuration, r retired. At most the `newest` entries.
std::string log_text(const Node& node, size_t newest = SIZE_MAX);
/// `{0}+{0,1}`: the active configurations; learners after a slash.
std::string configurations_text(const Raft& core);

}  // namespace entente::sim
