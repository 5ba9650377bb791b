// How a node becomes part of a service: it creates one, or joins one that runs.

#include <future>

#include "base/log.h"
#include "crypto/random.h"
#include "entente/history.h"
#include "node/joining.h"
#include "node/node_parts.h"
#include "node/node_row.h"
#include "node/tables.h"

namespace entente::node {
namespace {

/// For each of the transactions that create a service to be globally committed.
constexpr std::chrono::seconds creation_patience{60};
/// How often a wait of the start looks whether the node is to stop.
constexpr std::chrono::milliseconds attention_interval{20};

}  // namespace

Exit stopped_at_start() {
  log::info("node", "Asked to stop before the service was there");
  return {};
}

replica::CommitOptions Node::Parts::genesis_options(const std::string& constitution) const {
  replica::CommitOptions options;
  if (application.genesis_claims) options.claims = application.genesis_claims(constitution);
  return options;
}

std::optional<Exit> Node::Parts::commit(const Tables& tables, replica::CommitOptions options) {
  const auto lane = replica->make_lane();
  auto tx = store.begin();
  for (const auto& [map, writes] : tables) {
    auto handle = tx.rw(map);
    for (const auto& [key, value] : writes) handle.put(key, value);
  }
  options.urgent = true;
  const auto result = lane->commit(tx, options);
  if (result.status != kv::CommitStatus::committed) {
    return Exit{exit_failure, "a transaction that creates the service did not commit"};
  }
  lane->hand_over();
  return wait_for_commit(result.id);
}

std::optional<Exit> Node::Parts::wait_for_commit(TxId id) {
  // Shared with the callback, which may come after this function was interrupted.
  const auto final_status = std::make_shared<std::promise<TxStatus>>();
  auto answer = final_status->get_future();
  replica->when_final(id, clock.now() + creation_patience,
                      [final_status](TxStatus status) { final_status->set_value(status); });
  while (answer.wait_for(attention_interval) != std::future_status::ready) {
    if (stop_asked()) return stopped_at_start();
  }
  if (answer.get() == TxStatus::committed) return std::nullopt;
  return Exit{exit_failure, "transaction " + id.text() + " was not committed within " +
                                std::to_string(creation_patience.count()) +
                                " s: is the ledger's disk writable?"};
}

std::optional<Exit> Node::Parts::start_links(const crypto::Certificate& certificate) {
  net::LinkHandlers handlers;
  handlers.known = [this](const NodeId& id) {
    return replica->standing(id) == replica::Standing::trusted;
  };
  // A primary that was trusted in entries that this node still lacks, and will get from it.
  handlers.vouched_for = [this](const NodeId& id, const crypto::Certificate& shown) {
    return replica->standing(id) == replica::Standing::unknown &&
           shown.signed_by(service->certificate) && shown.valid_at(clock.unix_time());
  };
  handlers.removed = [this](const NodeId& id) {
    return replica->standing(id) == replica::Standing::removed;
  };
  handlers.introduced = [this](const NodeId& id, const std::string& address) {
    transport->introduced(id, address);
  };
  handlers.received = [this](const NodeId& from, net::MessageKind kind, Bytes payload) {
    if (kind == net::MessageKind::consensus) {
      inbox.put(replica::Incoming{from, std::move(payload)});
    } else {
      forwarding->received(from, kind, std::move(payload));
    }
    return net::Flow::go_on;
  };
  handlers.connection_changed = [this](const NodeId& peer, bool connected) {
    forwarding->connection_changed(peer, connected);
  };
  if (auto started =
          links->start({identity->key, certificate, node_to_node.text()}, std::move(handlers));
      !started) {
    return Exit{exit_failure, started.error().message};
  }
  return std::nullopt;
}

/// The service trusts this node: from here on it is a backup.
void Node::Parts::enter(Welcome welcome) {
  service = std::move(welcome.service);
  endorsed = std::move(welcome.endorsed_certificate);
  secrets = std::move(welcome.secrets);
  cose_issuer = std::move(welcome.cose_issuer);
  cose_subject = std::move(welcome.cose_subject);
  context->install(std::make_shared<history::CoseSignaturesConfig>(
      history::CoseSignaturesConfig{cose_issuer, cose_subject}));
  replica->join_service(signer(), secrets);
}

std::optional<Exit> Node::Parts::join_service() {
  const auto trusted = read_file(disk, configuration.command.service_certificate_file, 1 << 20);
  if (!trusted) return Exit{exit_file_not_readable, trusted.error().message};
  JoinRequest request{node_info_network(configuration, facts.rpc_interfaces, node_to_node),
                      node_to_node.text(),
                      identity->evidence,
                      identity->encryption_key.public_key().pem(),
                      SeqNo{0},
                      identity->request,
                      std::nullopt};
  if (!facts.node_data.is_null()) request.node_data = facts.node_data;
  facts.state = api::NodeStartupState::Pending;
  const JoinParty party{configuration.command.join,
                        to_text(*trusted),
                        identity->self_signed.pem(),
                        identity->key,
                        identity->id,
                        configuration.client_connection_timeout};
  auto outcome = join(party, request, stop_asked);
  if (std::holds_alternative<JoinInterrupted>(outcome)) return stopped_at_start();
  if (const auto* refused = std::get_if<JoinRefused>(&outcome)) {
    return Exit{exit_failure, refused->message};
  }
  enter(std::get<Welcome>(std::move(outcome)));
  if (auto exit = start_links(*endorsed)) return exit;
  if (auto shown = show_certificates(Authority::service, endorsed->pem()); !shown) {
    return Exit{exit_failure, shown.error().message};
  }
  replica_thread = std::thread([this] { replica->run(); });
  facts.state = api::NodeStartupState::PartOfNetwork;
  frontends->open(rpc::Actor::gov);
  log::info("node", "Node has now joined the network as node {}: all domains", identity->id.value);
  return await_membership(party, request);
}

/// The welcome comes before the entry that makes this node a member is committed, because that may
/// need this node's own vote. If an election discards the entry, nobody knows this node: it asks
/// again, which changes nothing where it is known.
std::optional<Exit> Node::Parts::await_membership(const JoinParty& party,
                                                  const JoinRequest& request) {
  const auto is_member = [this] {
    auto tx = store.begin_read_only();
    const auto nodes = tx.ro(tables::nodes_info);
    return nodes.get_globally_committed(as_bytes(identity->id.value)).has_value();
  };
  const auto patience = 2 * std::max(configuration.consensus.election_timeout,
                                     configuration.command.join.retry_timeout);
  for (auto next = clock.now() + patience; !is_member();) {
    if (stop_asked()) return stopped_at_start();
    std::this_thread::sleep_for(attention_interval);
    if (clock.now() < next) continue;
    log::info("node", "Not a member by any committed transaction yet: asks to join again");
    const auto again = join(party, request, [&] { return stop_asked() || is_member(); });
    // Not the end of this node: others may count on its vote until it is gone for certain.
    if (const auto* refused = std::get_if<JoinRefused>(&again)) {
      log::fail("node", "{}", refused->message);
    }
    next = clock.now() + patience;
  }
  return std::nullopt;
}

std::optional<Exit> Node::Parts::create_service() {
  if (auto exit = start_links(*endorsed)) return exit;
  replica->start_service();
  replica_thread = std::thread([this] { replica->run(); });
  const auto genesis = make_genesis(
      {configuration, *identity, *service, *endorsed, facts.rpc_interfaces, node_to_node}, disk);
  if (!genesis) return Exit{exit_file_not_readable, genesis.error().message};
  auto options = genesis_options(genesis->constitution);
  if (auto exit = commit(genesis->tables, std::move(options))) return exit;
  // The hook of this commit has shown it already, but could not refuse to start.
  if (auto shown = show_certificates(Authority::service, endorsed->pem()); !shown) {
    return Exit{exit_failure, shown.error().message};
  }
  facts.state = api::NodeStartupState::PartOfNetwork;
  log::info("node", "Created a new service at transaction {}", TxId{first_view, {1}}.text());
  return std::nullopt;
}

}  // namespace entente::node
