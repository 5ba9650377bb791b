#include "cli/sandbox_repair.h"

#include <algorithm>

namespace entente::cli {

bool caught_up(const NodeView& node, const ClusterView& cluster) {
  const auto configurations = configurations_of(cluster);
  if (!node.answers() || node.state != "PartOfNetwork" || !node.committed ||
      configurations.empty()) {
    return false;
  }
  return std::all_of(configurations.begin(), configurations.end(),
                     [&](const VotersView& configuration) {
                       return configuration.nodes.contains(node.id) &&
                              node.committed->seqno.value >= configuration.seqno;
                     });
}

Repair next_repair(const ClusterView& cluster, const Fleet& fleet) {
  if (complaint(cluster)) return {};  // nothing can be committed now
  size_t trusted = 0, living = 0;
  bool all_caught_up = true;
  const NodeView* replaced = nullptr;
  for (const NodeView& node : cluster.nodes) {
    if (fleet.dead.contains(node.id) && node.status == "Retired" &&
        cluster.removable.contains(node.id)) {
      return {Repair::Kind::remove, node.id};
    }
    if (node.status != "Trusted") continue;
    ++trusted;
    if (fleet.dead.contains(node.id)) replaced = &node;
    if (!fleet.alive.contains(node.id)) continue;
    ++living;
    all_caught_up &= caught_up(node, cluster);
  }
  if (fleet.joining) return {};
  if (living < fleet.wanted && trusted <= fleet.wanted) return {Repair::Kind::start_node, ""};
  if (replaced != nullptr && trusted > fleet.wanted && all_caught_up) {
    return {Repair::Kind::retire, replaced->id};
  }
  return {};
}

}  // namespace entente::cli
