#include "gov/node_changes.h"

#include <algorithm>

#include "consensus/messages.h"
#include "gov/tables.h"
#include "replica/replica.h"

namespace entente::gov {
namespace {

using Status = replica::NodeRow::Status;

const replica::NodeRow* find(const NodeRows& rows, const std::string& id) {
  const auto found = rows.find(id);
  return found == rows.end() || !found->second ? nullptr : &*found->second;
}

Result<void> check_new_row(const std::string& id, const replica::NodeRow* before,
                           const replica::NodeRow& after, const Surroundings& surroundings) {
  const bool was_retired = before != nullptr && before->status == Status::retired;
  const bool was_trusted = before != nullptr && before->status == Status::trusted;
  if (after.retired_committed && !(before != nullptr && before->retired_committed)) {
    return Error{"Node " + id + ": only the service itself notes that a retirement is committed"};
  }
  if (was_retired && after.status != Status::retired) {
    return Error{"Node " + id + " is retired: a node that returns needs a new key"};
  }
  if (was_trusted && after.status == Status::trusted && after.learning != before->learning) {
    return Error{"Node " + id + ": only the service itself notes that a node has caught up"};
  }
  if (was_trusted && after.status == Status::pending) {
    return Error{"Node " + id + " is trusted: it can only be retired"};
  }
  if (after.status == Status::trusted && !was_trusted && surroundings.standing &&
      surroundings.standing(NodeId{id}) == replica::Standing::removed) {
    return Error{"Node " + id +
                 " was removed from the service before: a node that returns needs a new key"};
  }
  return {};
}

Result<void> check_rows(const NodeRows& before, const NodeRows& after,
                        const Surroundings& surroundings) {
  for (const auto& [id, row] : after) {
    const auto old = before.find(id);
    if (old != before.end() && old->second == row) continue;
    if (!row) return Error{"Node " + id + ": its row does not parse"};
    if (auto fine = check_new_row(id, find(before, id), *row, surroundings); !fine) return fine;
  }
  for (const auto& [id, row] : before) {
    if (row && row->status != Status::pending && !after.contains(id)) {
      return Error{"Node " + id + ": the row of a node that took part cannot be removed"};
    }
  }
  return {};
}

/// Who takes part, and where.
NodeRows trusted(const NodeRows& rows) {
  NodeRows nodes;
  for (const auto& [id, row] : rows) {
    if (row && row->status == Status::trusted) nodes.emplace(id, row);
  }
  return nodes;
}

}  // namespace

NodeRows node_rows(kv::ReadOnlyTx& tx) {
  NodeRows rows;
  tx.ro(tables::nodes_info).foreach ([&](BytesView id, BytesView value) {
    auto row = replica::parse_node_row(value);
    rows.emplace(to_text(id), row ? std::optional(std::move(*row)) : std::nullopt);
    return true;
  });
  return rows;
}

Result<void> check_node_changes(const NodeRows& before, const NodeRows& after,
                                const Surroundings& surroundings) {
  if (before == after) return {};
  if (auto fine = check_rows(before, after, surroundings); !fine) return fine;
  const auto nodes = trusted(after);
  if (nodes == trusted(before)) return {};
  if (std::none_of(nodes.begin(), nodes.end(), [](const auto& n) { return !n.second->learning; })) {
    return Error{"The last trusted node that has caught up cannot be retired"};
  }
  if (nodes.size() > consensus::message_limit::nodes) {
    return Error{"The service has as many trusted nodes as it can: " +
                 std::to_string(consensus::message_limit::nodes)};
  }
  if (surroundings.pending_configurations &&
      surroundings.pending_configurations() >= replica::max_pending_configurations) {
    return Error{"Earlier changes of membership are not committed yet: try again"};
  }
  return {};
}

}  // namespace entente::gov
