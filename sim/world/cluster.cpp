#include "sim/world/cluster.h"

#include <array>
#include <sstream>

namespace entente::sim {

std::string_view kind_of(const Message& message) {
  constexpr std::array<std::string_view, 8> names{"AE", "AR", "PV", "RV", "PVR", "VR", "TO", "RN"};
  return names.at(message.body.index());
}

void keep_first(message::AppendEntries& append, uint64_t count) {
  if (count >= append.entries.size()) return;
  append.entries.resize(count);
  append.end = append.prev.seqno + count;
  if (count == 0) append.entries_view = append.prev.view;
}

std::string describe(const Packet& packet) {
  std::ostringstream out;
  out << packet.from.value << ">" << packet.to.value << " " << kind_of(packet.message) << " view "
      << packet.message.view.value;
  if (const auto* append = std::get_if<message::AppendEntries>(&packet.message.body)) {
    out << " after " << append->prev.text() << " to " << append->end.value << " of view "
        << append->entries_view.value << ", commit " << append->commit.value;
  } else if (const auto* answer = std::get_if<message::AppendResponse>(&packet.message.body)) {
    constexpr std::array<std::string_view, 5> why{"ok", "stale view", "gap", "mismatch", "invalid"};
    out << " " << why.at(static_cast<size_t>(answer->refusal)) << " match " << answer->match.value
        << " hint " << answer->hint.text();
  } else if (const auto* vote = std::get_if<message::VoteResponse>(&packet.message.body)) {
    out << (vote->granted ? " granted" : " refused");
  } else if (const auto* pre = std::get_if<message::PreVoteResponse>(&packet.message.body)) {
    out << (pre->granted ? " granted" : " refused");
  }
  return out.str();
}

Node& Cluster::add(const NodeId& id, MonotonicTime now, Habits habits) {
  RaftOptions options = options_;
  options.self = id;
  auto node = std::make_unique<Node>(std::move(options), now);
  node->set_habits(habits);
  Node* raw = node.get();
  node->observe = [this, raw](const Event& event) { checker_.after_step(*raw, event); };
  node->transmit = [this, id](const NodeId& to, Message message) {
    if (send) send({id, to, std::move(message)});
  };
  return *(nodes_[id] = std::move(node));
}

Node* Cluster::latest_leader(const std::function<bool(const NodeId&)>& alive) {
  Node* best = nullptr;
  for (auto& [id, node] : nodes_) {
    if (!node->leads() || !alive(id)) continue;
    if (best == nullptr || node->core().view() > best->core().view()) best = node.get();
  }
  return best;
}

std::string log_text(const Node& node, size_t newest) {
  constexpr std::array<std::string_view, 4> marks{"", "s", "c", "r"};
  std::string out;
  size_t skip = node.ledger().size() > newest ? node.ledger().size() - newest : 0;
  if (skip != 0) out = "…";
  for (const EntryMeta& entry : node.ledger()) {
    if (skip != 0) {
      --skip;
      continue;
    }
    if (!out.empty()) out += " ";
    out += entry.id.text();
    out += marks.at(static_cast<size_t>(entry.kind));
  }
  return out;
}

std::string configurations_text(const Raft& core) {
  std::string out;
  for (const Configuration& one : core.configurations().all()) {
    if (!out.empty()) out += "+";
    out += "{";
    for (const auto& [id, address] : one.voters) out += (out.back() == '{' ? "" : ",") + id.value;
    for (const auto& [id, address] : one.learners) out += "/" + id.value;
    out += "}";
  }
  return out;
}

std::string Cluster::table() const {
  std::ostringstream out;
  for (const auto& [id, node] : nodes_) {
    const Raft& core = node->core();
    out << "  " << id.value << " " << to_text(core.role()) << " view " << core.view().value
        << " leader " << (core.leader() ? core.leader()->value : "-") << " vote "
        << (core.voted_for() ? core.voted_for()->value : "-") << " " << to_text(core.phase())
        << " commit " << core.log().commit().value << " stable " << core.log().stable().value
        << " last " << core.last().text() << " " << configurations_text(core) << "\n    "
        << log_text(*node, 20) << "\n";
    for (const auto& [peer, progress] : core.progress()) {
      out << "    peer " << peer.value << " match " << progress.match.value << " sent "
          << progress.sent.value << (progress.mode == Progress::Mode::probe ? " probe" : "")
          << (progress.waiting ? " waiting" : "") << "\n";
    }
  }
  return out.str();
}

}  // namespace entente::sim
