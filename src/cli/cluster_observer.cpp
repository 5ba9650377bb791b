#include "cli/cluster_observer.h"

#include <algorithm>
#include <future>

#include "node/tables.h"

namespace entente::cli {
namespace {

using node::tables::text_member;

constexpr std::string_view usual_interface = "main";
constexpr size_t most_nodes = 1000;

/// Where clients reach a node: at the interface of this name, or else at its first one.
std::string address_of(const json::value& interfaces, std::string_view name) {
  const json::object* all = interfaces.if_object();
  if (all == nullptr || all->empty()) return "";
  const json::value* one = all->if_contains(name);
  return std::string(
      text_member(one != nullptr ? *one : all->begin()->value(), "published_address"));
}

/// The name of the interface that somebody publishes at `address`.
std::string interface_at(const json::array& nodes, std::string_view address) {
  for (const json::value& node : nodes) {
    const json::object* members = node.if_object();
    const json::value* all = members == nullptr ? nullptr : members->if_contains("rpc_interfaces");
    if (all == nullptr || !all->is_object()) continue;
    for (const auto& [name, interface] : all->get_object()) {
      if (text_member(interface, "published_address") == address) return std::string(name);
    }
  }
  return std::string(usual_interface);
}

Result<VotersView> read_voters(const json::Reader& configuration) {
  VotersView out;
  auto seqno = configuration.member("idx");
  auto nodes = configuration.member("nodes");
  if (!seqno) return seqno.error();
  if (!nodes) return nodes.error();
  const auto number = seqno->as_uint64();
  const auto members = nodes->as_object();
  if (!number) return number.error();
  if (!members) return members.error();
  out.seqno = *number;
  for (const auto& [id, ignored] : **members) out.nodes.insert(std::string(id));
  return out;
}

Result<void> read_consensus(NodeView& node, const json::value& document) {
  const auto details = json::Reader(document).member("details");
  if (!details) return details.error();
  const auto configurations = details->member("configs");
  const auto view = details->member("current_view");
  if (!configurations) return configurations.error();
  if (!view) return view.error();
  const auto list = configurations->as_array();
  const auto number = view->as_uint64();
  if (!list) return list.error();
  if (!number) return number.error();
  node.view = *number;
  node.leadership = text_member(details->document(), "leadership_state");
  node.retired = text_member(details->document(), "membership_state") == "Retired";
  for (size_t i = 0; i < (*list)->size(); ++i) {
    auto voters = read_voters(configurations->element(i));
    if (!voters) return voters.error();
    node.configurations.push_back(std::move(*voters));
  }
  return {};
}

Result<void> ask_node(ServiceClient& client, NodeView& node) {
  const auto state = client.get("/node/state");
  if (!state) return state.error();
  const auto consensus = client.get("/node/consensus");
  if (!consensus) return consensus.error();
  const auto commit = client.get("/node/commit");
  if (!commit) return commit.error();
  const auto read = read_node(node, *state, *consensus, *commit);
  return read ? read : read.error().at(client.address());
}

}  // namespace

/// What one node says about all.
struct ClusterObserver::Listing {
  std::string service_status;
  std::string primary_address;  ///< empty if it knows none
  std::vector<NodeView> nodes;
  std::set<std::string> removable;
};

Result<void> read_node(NodeView& node, const Document& state, const Document& consensus,
                       const Document& commit) {
  const std::string id(text_member(state.body, "node_id"));
  if (id != node.id) return Error{"another node answers there: " + short_id(id)};
  node.state = text_member(state.body, "state");
  node.last = TxId::parse(state.transaction_id);
  node.committed = TxId::parse(text_member(commit.body, "transaction_id"));
  return read_consensus(node, consensus.body);
}

ClusterObserver::ClusterObserver(TlsContext context, std::vector<std::string> entries,
                                 int timeout_seconds)
    : context_(std::move(context)),
      timeout_seconds_(timeout_seconds),
      named_(std::move(entries)),
      entries_(named_) {}

ServiceClient& ClusterObserver::client(const std::string& address, const std::string& node) {
  auto& kept = clients_[{address, node}];
  if (!kept) kept = std::make_unique<ServiceClient>(context_, address, timeout_seconds_);
  return *kept;
}

Result<ClusterObserver::Listing> ClusterObserver::list(const std::string& address) {
  const auto network = client(address).get("/node/network");
  if (!network) return network.error();
  const auto document = client(address).get("/node/network/nodes");
  if (!document) return document.error();
  const auto member = json::Reader(document->body).member("nodes");
  if (!member) return member.error().at(address);
  const auto rows = member->as_array();
  if (!rows) return rows.error().at(address);
  if ((*rows)->size() > most_nodes) return Error{address + " lists too many nodes"};

  Listing out;
  out.service_status = text_member(network->body, "service_status");
  const std::string_view primary = text_member(network->body, "primary_id");
  const std::string interface = interface_at(**rows, address);
  bool some_retired = false;
  for (const json::value& row : **rows) {
    NodeView node;
    node.id = text_member(row, "node_id");
    node.status = text_member(row, "status");
    const json::object* members = row.if_object();
    const json::value* all = members == nullptr ? nullptr : members->if_contains("rpc_interfaces");
    if (all != nullptr) node.address = address_of(*all, interface);
    if (node.id == primary && !primary.empty()) out.primary_address = node.address;
    some_retired |= node.status == "Retired";
    out.nodes.push_back(std::move(node));
  }
  if (!some_retired) return out;
  const auto removable = client(address).get("/node/network/removable_nodes");
  if (!removable) return out;
  const json::object* members = removable->body.if_object();
  const json::value* listed = members == nullptr ? nullptr : members->if_contains("nodes");
  if (listed == nullptr || !listed->is_array()) return out;
  for (const json::value& row : listed->get_array()) {
    out.removable.emplace(text_member(row, "node_id"));
  }
  return out;
}

Result<ClusterObserver::Listing> ClusterObserver::list_anywhere() {
  Result<Listing> found = Error{"no node was named"};
  for (size_t i = 0; i < entries_.size(); ++i) {
    auto listing = list(entries_[i]);
    if (!listing) {
      if (i == 0) found = listing.error();
      continue;
    }
    std::rotate(entries_.begin(), entries_.begin() + static_cast<ptrdiff_t>(i),
                entries_.begin() + static_cast<ptrdiff_t>(i) + 1);
    found = std::move(listing);
    break;
  }
  if (!found || found->primary_address.empty() || found->primary_address == entries_.front()) {
    return found;
  }
  // The primary's list is the newest one.
  auto newer = list(found->primary_address);
  return newer ? std::move(newer) : std::move(found);
}

/// Whom to ask next time: who answered now, whom it listed, whom the caller named.
void ClusterObserver::remember(const std::vector<NodeView>& nodes) {
  entries_.resize(1);
  const auto add = [this](const std::string& address) {
    if (address.empty() || std::find(entries_.begin(), entries_.end(), address) != entries_.end())
      return;
    entries_.push_back(address);
  };
  for (const NodeView& node : nodes) add(node.address);
  for (const std::string& address : named_) add(address);
  std::erase_if(clients_, [this](const auto& kept) {
    return std::find(entries_.begin(), entries_.end(), kept.first.first) == entries_.end();
  });
}

ClusterView ClusterObserver::look() {
  ClusterView out;
  auto listing = list_anywhere();
  if (!listing) {
    out.problem = "no node answers; the first that was asked: " + listing.error().message;
    return out;
  }
  out.service_status = std::move(listing->service_status);
  out.nodes = std::move(listing->nodes);
  out.removable = std::move(listing->removable);

  remember(out.nodes);

  std::vector<std::future<Result<void>>> asked;
  for (NodeView& node : out.nodes) {
    ServiceClient* one = node.address.empty() ? nullptr : &client(node.address, node.id);
    asked.push_back(std::async(std::launch::async, [&node, one]() -> Result<void> {
      if (one == nullptr) return Error{"it publishes no address"};
      return ask_node(*one, node);
    }));
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    if (auto answered = asked[i].get(); !answered) out.nodes[i].problem = answered.error().message;
  }
  return out;
}

}  // namespace entente::cli
