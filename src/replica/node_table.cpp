#include "replica/node_table.h"

#include "base/json.h"
#include "base/log.h"

namespace entente::replica {
namespace {

consensus::Configuration configuration_of(const NodeRows& rows, SeqNo seqno) {
  consensus::Configuration configuration{seqno, {}};
  for (const auto& [id, row] : rows) {
    if (row.status != NodeRow::Status::trusted) continue;
    (row.learning ? configuration.learners : configuration.voters).emplace(id, row.address);
  }
  return configuration;
}

std::optional<NodeRow::Status> status_of(std::string_view text) {
  if (text == "Pending") return NodeRow::Status::pending;
  if (text == "Trusted") return NodeRow::Status::trusted;
  if (text == "Retired") return NodeRow::Status::retired;
  return std::nullopt;
}

}  // namespace

Result<NodeRow> parse_node_row(BytesView text) {
  const auto document = json::parse(as_text(text));
  if (!document) return document.error();
  const json::Reader reader(*document);
  NodeRow row;
  const auto status = reader.member("status");
  if (!status) return status.error();
  const auto word = status->as_string();
  if (!word) return word.error();
  const auto known = status_of(*word);
  if (!known) return status->error("is not Pending, Trusted or Retired");
  row.status = *known;
  if (const auto at = reader.member("node_to_node_interface")) {
    const auto address = at->member("published_address");
    if (!address) return address.error();
    auto published = address->as_string();
    if (!published) return published.error();
    row.address = std::move(*published);
  }
  using Flag = std::pair<std::string_view, bool NodeRow::*>;
  for (const auto& [name, flag] : {Flag{"learning", &NodeRow::learning},
                                   Flag{"retired_committed", &NodeRow::retired_committed}}) {
    const auto member = reader.member(name);
    if (!member) continue;
    const auto value = member->as_bool();
    if (!value) return value.error();
    row.*flag = *value;
  }
  return row;
}

NodeChange change_rows(NodeRows& rows, SeqNo seqno, const std::vector<kv::Write>& writes) {
  const auto before = configuration_of(rows, seqno);
  std::set<NodeId> retired;
  for (const kv::Write& write : writes) {
    const NodeId id{to_text(write.key)};
    rows.erase(id);
    if (!write.value) continue;
    auto row = parse_node_row(*write.value);
    if (!row) {
      log::fail("replica", "{} at {}, node {}: {}", nodes_info_map, seqno.value, id.value,
                row.error().message);
      continue;
    }
    if (row->retired_committed && !row->learning) retired.insert(id);
    rows.emplace(id, std::move(*row));
  }
  NodeChange change;
  auto after = configuration_of(rows, seqno);
  if (after != before && !after.voters.empty()) {
    change.kind = consensus::EntryKind::configuration;
    change.configuration = std::move(after);
  } else if (!retired.empty()) {
    change.kind = consensus::EntryKind::retired;
    change.retired = std::move(retired);
  }
  return change;
}

NodeTable::NodeTable() {
  versions_[SeqNo{}];
}

void NodeTable::write(SeqNo seqno, const std::vector<kv::Write>& writes) {
  const std::lock_guard lock(mutex_);
  Version next{versions_.rbegin()->second.rows, {}};
  for (const kv::Write& one : writes) {
    const NodeId id{to_text(one.key)};
    const auto row = next.rows.find(id);
    if (one.value || row == next.rows.end()) continue;
    if (row->second.status == NodeRow::Status::retired) removed_.emplace(id, seqno);
  }
  next.change = change_rows(next.rows, seqno, writes);
  versions_.insert_or_assign(seqno, std::move(next));
}

NodeChange NodeTable::change(SeqNo seqno) const {
  const std::lock_guard lock(mutex_);
  const auto found = versions_.find(seqno);
  return found == versions_.end() ? NodeChange{} : found->second.change;
}

Standing NodeTable::standing(const NodeId& node) const {
  const std::lock_guard lock(mutex_);
  const NodeRows& rows = versions_.rbegin()->second.rows;
  const auto row = rows.find(node);
  if (row == rows.end()) return removed_.contains(node) ? Standing::removed : Standing::unknown;
  return row->second.status == NodeRow::Status::pending ? Standing::unknown : Standing::trusted;
}

/// The newest version at or below `seqno`; the oldest one that is remembered for what lies before
/// it.
NodeTable::Versions::const_iterator NodeTable::version_at(SeqNo seqno) const {
  const auto after = versions_.upper_bound(seqno);
  return after == versions_.begin() ? after : std::prev(after);
}

NodeRows NodeTable::rows(SeqNo seqno) const {
  const std::lock_guard lock(mutex_);
  return version_at(seqno)->second.rows;
}

std::set<NodeId> NodeTable::retired_learners(SeqNo seqno) const {
  const std::lock_guard lock(mutex_);
  std::set<NodeId> found;
  for (const auto& [id, row] : version_at(seqno)->second.rows) {
    const bool left = row.status == NodeRow::Status::retired && row.learning;
    if (left && !row.retired_committed) found.insert(id);
  }
  return found;
}

void NodeTable::truncate(SeqNo last) {
  const std::lock_guard lock(mutex_);
  versions_.erase(versions_.upper_bound(last), versions_.end());
  std::erase_if(removed_, [&](const auto& one) { return one.second > last; });
}

size_t NodeTable::pending_configurations() const {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [seqno, version] : versions_) {
    count += seqno > compacted_ && version.change.configuration ? 1 : 0;
  }
  return count;
}

void NodeTable::compact(SeqNo upto) {
  const std::lock_guard lock(mutex_);
  versions_.erase(versions_.begin(), version_at(upto));
  compacted_ = std::max(compacted_, upto);
}

}  // namespace entente::replica
