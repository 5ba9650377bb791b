#pragma once
// What to do next so that a sandbox has as many living nodes as it was asked to have. A pure
// function of what was just seen: if anything in between fails, the next look decides anew.
// Source: docs/node-operation.md (a cluster on one machine).

#include <set>
#include <string>

#include "cli/cluster_view.h"

namespace entente::cli {

/// The processes of the sandbox.
struct Fleet {
  size_t wanted = 1;
  std::set<std::string> alive;  ///< ids of nodes that joined and whose process runs
  std::set<std::string> dead;   ///< ids of nodes that joined and whose process has ended
  bool joining = false;         ///< a process runs that is not yet known to have joined
};

struct Repair {
  enum class Kind {
    none,
    start_node,  ///< one more node is to join
    retire,      ///< `id` is dead and was replaced
    remove       ///< `id` is dead, retired, and nobody counts on it any more
  };
  Kind kind = Kind::none;
  std::string id;
  bool operator==(const Repair&) const = default;
};

/// A dead node is retired only after its replacement has caught up, so that the service never has
/// fewer living voters than it had when the node died.
Repair next_repair(const ClusterView& cluster, const Fleet& fleet);

/// Does the node vote in every configuration that counts, and has it replicated up to the
/// transaction by which it became a voter?
bool caught_up(const NodeView& node, const ClusterView& cluster);

}  // namespace entente::cli
