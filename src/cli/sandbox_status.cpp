#include "cli/sandbox_status.h"

#include <fmt/format.h>

namespace entente::cli {

std::optional<TxId> committed_of(const ClusterView& cluster) {
  std::optional<TxId> newest;
  for (const NodeView& node : cluster.nodes) {
    if (node.committed && (!newest || node.committed->seqno > newest->seqno)) {
      newest = node.committed;
    }
  }
  return newest;
}

Status sandbox_status(const ClusterView& cluster,
                      const std::function<std::string(const std::string&)>& name,
                      std::optional<double> rate) {
  if (!cluster.problem.empty()) return {cluster.problem, cluster.problem};
  size_t members = 0, answering = 0;
  for (const NodeView& node : cluster.nodes) {
    if (node.status != "Trusted") continue;
    ++members;
    if (node.answers()) ++answering;
  }
  std::string who = "NO PRIMARY";
  if (const NodeView* primary = primary_of(cluster)) {
    who = fmt::format("primary {} ({}) | view {}", name(primary->id), primary->address,
                      primary->view);
  }
  const std::string nodes = fmt::format("{} of {} nodes{}", answering, members,
                                        majority_answers(cluster) ? "" : ", NO MAJORITY");
  const auto committed = committed_of(cluster);
  const std::string progress = fmt::format("committed {}{}", committed ? committed->text() : "-",
                                           rate ? fmt::format(" | {:.0f} tx/s", *rate) : "");
  return {who + " | " + progress + " | " + nodes, who + nodes};
}

}  // namespace entente::cli
