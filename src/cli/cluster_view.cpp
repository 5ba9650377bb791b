#include "cli/cluster_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace entente::cli {
namespace {

constexpr size_t columns = 9;
using Row = std::array<std::string, columns>;

const NodeView* best_informed(const ClusterView& cluster) {
  if (const NodeView* primary = primary_of(cluster)) return primary;
  const NodeView* best = nullptr;
  for (const NodeView& node : cluster.nodes) {
    if (!node.answers() || node.configurations.empty()) continue;
    if (best == nullptr || node.view > best->view) best = &node;
  }
  return best;
}

std::string text_of(const std::optional<TxId>& id) {
  return id ? id->text() : "-";
}

Row row_of(const NodeView& node, const ClusterView& cluster) {
  const auto lag = lag_of(node, cluster);
  return {short_id(node.id),
          node.address.empty() ? "-" : node.address,
          node.status,
          role_of(node, cluster),
          node.answers() ? std::to_string(node.view) : "-",
          text_of(node.last),
          text_of(node.committed),
          lag ? std::to_string(*lag) : "-",
          node.answers() ? node.state : node.problem};
}

std::string table(const std::vector<Row>& rows) {
  std::array<size_t, columns> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (size_t i = 0; i + 1 < columns; ++i) out += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += row.back() + "\n";
  }
  return out;
}

std::string headline(const ClusterView& cluster) {
  const auto answering = std::count_if(cluster.nodes.begin(), cluster.nodes.end(),
                                       [](const NodeView& node) { return node.answers(); });
  std::string out = "service " + (cluster.service_status.empty() ? "?" : cluster.service_status);
  if (const NodeView* primary = primary_of(cluster)) {
    out += fmt::format(", primary {} ({}), view {}", short_id(primary->id), primary->address,
                       primary->view);
  } else {
    out += ", no primary";
  }
  return out + fmt::format(", {} of {} nodes answer\n", answering, cluster.nodes.size());
}

json::value text_or_null(const std::optional<TxId>& id) {
  return id ? json::value(id->text()) : json::value(nullptr);
}

}  // namespace

const NodeView* primary_of(const ClusterView& cluster) {
  const NodeView* primary = nullptr;
  for (const NodeView& node : cluster.nodes) {
    if (!node.answers() || node.leadership != "Leader") continue;
    if (primary == nullptr || node.view > primary->view) primary = &node;
  }
  return primary;
}

std::vector<VotersView> configurations_of(const ClusterView& cluster) {
  const NodeView* node = best_informed(cluster);
  return node == nullptr ? std::vector<VotersView>() : node->configurations;
}

bool majority(const std::vector<VotersView>& configurations,
              const std::function<bool(const std::string&)>& holds) {
  if (configurations.empty()) return false;
  return std::all_of(
      configurations.begin(), configurations.end(), [&](const VotersView& configuration) {
        const auto with =
            std::count_if(configuration.nodes.begin(), configuration.nodes.end(), holds);
        return 2 * static_cast<size_t>(with) > configuration.nodes.size();
      });
}

bool majority_answers(const ClusterView& cluster) {
  return majority(configurations_of(cluster), [&](const std::string& id) {
    return std::any_of(cluster.nodes.begin(), cluster.nodes.end(),
                       [&](const NodeView& node) { return node.id == id && node.answers(); });
  });
}

std::optional<std::string> complaint(const ClusterView& cluster) {
  if (!cluster.problem.empty()) return cluster.problem;
  if (!majority_answers(cluster)) {
    return "no majority of the nodes answers: nothing can be committed";
  }
  if (primary_of(cluster) == nullptr) return "there is no primary";
  return std::nullopt;
}

std::string role_of(const NodeView& node, const ClusterView& cluster) {
  if (!node.answers()) return "-";
  if (node.retired) return "retired";
  if (node.state != "PartOfNetwork") return "joining";
  if (node.leadership == "Leader") return &node == primary_of(cluster) ? "primary" : "superseded";
  if (node.leadership == "Follower") return "backup";
  return node.leadership.empty() || node.leadership == "None" ? "joining" : "candidate";
}

std::optional<uint64_t> lag_of(const NodeView& node, const ClusterView& cluster) {
  if (!node.committed) return std::nullopt;
  SeqNo newest = node.committed->seqno;
  for (const NodeView& other : cluster.nodes) {
    if (other.committed) newest = std::max(newest, other.committed->seqno);
  }
  return newest.value - node.committed->seqno.value;
}

std::string short_id(const std::string& id) {
  constexpr size_t letters = 8;
  return id.substr(0, letters);
}

std::string to_text(const ClusterView& cluster) {
  if (!cluster.problem.empty()) return cluster.problem + "\n";
  std::vector<Row> rows{
      {"node", "address", "status", "role", "view", "last", "committed", "lag", "state"}};
  for (const NodeView& node : cluster.nodes) rows.push_back(row_of(node, cluster));
  std::string out = headline(cluster) + table(rows);
  if (const auto wrong = complaint(cluster)) out += *wrong + "\n";
  return out;
}

json::object to_json(const ClusterView& cluster) {
  json::array nodes;
  for (const NodeView& node : cluster.nodes) {
    const auto lag = lag_of(node, cluster);
    json::object one{{"node_id", node.id},
                     {"address", node.address},
                     {"status", node.status},
                     {"answers", node.answers()}};
    if (node.answers()) {
      one["role"] = role_of(node, cluster);
      one["view"] = node.view;
      one["last"] = text_or_null(node.last);
      one["committed"] = text_or_null(node.committed);
      one["lag"] = lag ? json::value(*lag) : json::value(nullptr);
      one["state"] = node.state;
    } else {
      one["error"] = node.problem;
    }
    nodes.push_back(std::move(one));
  }
  const NodeView* primary = primary_of(cluster);
  const auto wrong = complaint(cluster);
  json::object out{{"service_status", cluster.service_status},
                   {"primary_id", nullptr},
                   {"view", nullptr},
                   {"majority_answers", majority_answers(cluster)},
                   {"healthy", !wrong},
                   {"nodes", std::move(nodes)}};
  if (primary != nullptr) {
    out["primary_id"] = primary->id;
    out["view"] = primary->view;
  }
  if (wrong) out["complaint"] = *wrong;
  return out;
}

}  // namespace entente::cli
