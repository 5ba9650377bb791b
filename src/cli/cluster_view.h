#pragma once
// What one round of questions to all nodes of a service found, and what follows from it. Plain
// values; nothing here asks anybody (cluster_observer.h does).
// Source: docs/http-api.md (/node endpoints), docs/consensus.md (configurations).

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "entente/types.h"

namespace entente::cli {

/// Nodes that vote since the transaction `seqno`.
struct VotersView {
  uint64_t seqno = 0;
  std::set<std::string> nodes;  ///< ids
};

/// One node, as the service lists it and, below `problem`, as it answered itself.
struct NodeView {
  std::string id;
  std::string address;     ///< host:port for clients
  std::string status;      ///< in the service's table: Pending, Trusted, Retired
  std::string problem;     ///< why it could not be asked; empty: it answered
  std::string state;       ///< PartOfNetwork, Pending …
  std::string leadership;  ///< Leader, Follower, Candidate, PreVoteCandidate, None
  bool retired = false;    ///< it knows that it is no longer a member
  uint64_t view = 0;
  std::optional<TxId> last;                ///< newest transaction that it holds
  std::optional<TxId> committed;           ///< newest that it knows to be globally committed
  std::vector<VotersView> configurations;  ///< all that count, oldest first

  bool answers() const { return problem.empty(); }
};

struct ClusterView {
  std::string service_status;  ///< Open, Opening …; empty if nobody said
  std::vector<NodeView> nodes;
  std::set<std::string> removable;  ///< ids of retired nodes that may be deleted
  std::string problem;              ///< why there is no list of nodes; empty: there is
};

/// The leader of the highest view among those that answer: an older one may not have noticed yet
/// that it was replaced. Null if nobody leads.
const NodeView* primary_of(const ClusterView& cluster);

/// The configurations that count, by whom knows best: the primary, or else who answers in the
/// highest view. Empty if nobody answers.
std::vector<VotersView> configurations_of(const ClusterView& cluster);

/// Is there a majority of every configuration among those that `holds` is true of? No
/// configuration at all is no majority.
bool majority(const std::vector<VotersView>& configurations,
              const std::function<bool(const std::string& id)>& holds);
bool majority_answers(const ClusterView& cluster);

/// Why the service cannot be relied upon to commit; nothing if it has a primary and a majority of
/// its nodes answers.
std::optional<std::string> complaint(const ClusterView& cluster);

/// One word: primary, backup, candidate, joining, retired, superseded (a leader of an older view),
/// or `-` of a node that did not answer.
std::string role_of(const NodeView& node, const ClusterView& cluster);

/// How many globally committed transactions a node does not yet know as such.
std::optional<uint64_t> lag_of(const NodeView& node, const ClusterView& cluster);

/// First letters of a node id, for people.
std::string short_id(const std::string& id);

/// A line on the service, a table of its nodes, and a complaint if there is one.
std::string to_text(const ClusterView& cluster);
json::object to_json(const ClusterView& cluster);

}  // namespace entente::cli
