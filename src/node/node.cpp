#include <filesystem>
#include <thread>

#include "base/log.h"
#include "crypto/random.h"
#include "gov/api_document.h"
#include "node/admission.h"
#include "node/node_parts.h"
#include "node/output_files.h"
#include "node/published.h"
#include "node/tables.h"
#include "replica/arrival.h"
#include "rpc/common_endpoints.h"

namespace entente::node {
namespace {

/// For the last transactions to be committed when the node stops.
constexpr std::chrono::seconds settling_patience{3};
/// For another node to lead, when the primary stops.
constexpr std::chrono::seconds handing_over_patience{1};

ledger::Durability durability_of(Durability configured) {
  return configured == Durability::none ? ledger::Durability::none
                                        : ledger::Durability::batch_fsync;
}

consensus::SignatureLimits signature_limits(const Configuration& configuration) {
  consensus::SignatureLimits limits;
  limits.max_count = configuration.ledger_signatures.tx_count;
  limits.max_delay = configuration.ledger_signatures.delay;
  return limits;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  crypto::system_random().fill({reinterpret_cast<uint8_t*>(&seed), sizeof seed});
  return seed;
}

}  // namespace

std::optional<Exit> Node::Parts::open_ledger() {
  ledger::LedgerConfig config;
  config.main = configuration.ledger.directory;
  config.read_only = configuration.ledger.read_only_directories;
  config.durability = durability_of(configuration.ledger.durability);
  auto opened = ledger::LedgerWriter::open(disk, std::move(config), ledger::StartUp::new_service);
  if (!opened) return Exit{exit_bad_option, opened.error().message};
  ledger = std::move(*opened);
  if (auto made = disk.create_folders(configuration.snapshots.directory); !made) {
    return Exit{exit_file_not_readable, made.error().message};
  }
  return std::nullopt;
}

std::optional<Exit> Node::Parts::make_identities() {
  const UnixTime now = clock.unix_time();
  auto node = make_node_identity(configuration, now, disk);
  if (!node) return Exit{exit_failure, node.error().message};
  identity = std::move(*node);
  log::info("node", "Node id is {}", identity->id.value);
  if (joins()) {  // the service brings its identity and its secrets
    secrets = std::make_shared<ledger::LedgerSecrets>();
    return std::nullopt;
  }
  auto made = make_service_identity(configuration, now);
  if (!made) return Exit{exit_failure, made.error().message};
  service = std::move(*made);
  auto certificate = endorse(
      identity->request, identity->self_signed, *service,
      configuration.command.start.service_configuration.maximum_node_certificate_validity_days);
  if (!certificate) return Exit{exit_failure, certificate.error().message};
  endorsed = std::move(*certificate);

  crypto::SymmetricKey key;
  crypto::system_random().fill(key.writable());
  auto known = std::make_shared<ledger::LedgerSecrets>();
  if (auto added = known->add(SeqNo{1}, key); !added) {
    return Exit{exit_failure, added.error().message};
  }
  secrets = std::move(known);
  cose_issuer = configuration.command.start.cose_issuer;
  cose_subject = configuration.command.start.cose_subject;
  return std::nullopt;
}

std::optional<Exit> Node::Parts::build() {
  net::LinkOptions link_options;
  link_options.listen_address = configuration.network.node_to_node_bind_address.text();
  link_options.source_address = configuration.node_client_interface;
  using Milliseconds = std::chrono::milliseconds;
  link_options.connect_timeout =
      std::chrono::ceil<Milliseconds>(configuration.client_connection_timeout);
  link_options.idle_timeout =
      std::chrono::ceil<Milliseconds>(4 * configuration.consensus.election_timeout);
  link_options.seed = random_seed();
  link_options.max_payload = replica::max_message_size;
  link_options.max_queue_bytes = std::max(link_options.max_queue_bytes, link_options.max_payload);
  // The key is renewed when half of what it may be used for is spent.
  link_options.records_per_key =
      std::max<uint64_t>(1, configuration.node_to_node_message_limit / 2);
  auto listening = net::Links::listen(std::move(link_options));
  if (!listening) {
    return Exit{exit_failure,
                "network.node_to_node_interface.bind_address: " + listening.error().message};
  }
  links = std::move(*listening);
  transport = std::make_unique<PeerTransport>(*links);
  node_to_node = configuration.network.node_to_node_published_address;
  if (node_to_node.port == 0) node_to_node.port = Address::parse(links->address())->port;

  ledger_thread = std::make_unique<replica::LedgerThread>(*ledger, inbox, clock,
                                                          configuration.slow_io_logging_threshold);
  const Start& start = configuration.command.start;
  replica::ReplicaOptions options;
  options.self = identity->id;
  options.address = node_to_node.text();
  options.secrets = secrets;
  options.encryption_key = identity->encryption_key;
  if (service) options.signer = signer();
  options.signatures = signature_limits(configuration);
  options.chunk_size = configuration.ledger.chunk_size;
  options.max_uncommitted_transactions = configuration.consensus.max_uncommitted_tx_count;
  options.max_uncommitted_bytes = configuration.consensus.max_uncommitted_bytes;
  options.heartbeat = configuration.consensus.message_timeout;
  options.election_timeout = configuration.consensus.election_timeout;
  options.seed = random_seed();
  replica = std::make_unique<replica::Replica>(std::move(options), store, inbox, *ledger_thread,
                                               *transport, clock);
  context = std::make_unique<NodeContext>(identity->id, *replica, clock);
  history = std::make_unique<history::History>(
      history::LedgerSources{
          *ledger,
          [this] { return replica->secrets(); },
          [this] { return service ? service->certificate : identity->self_signed; },
          {start.cose_issuer, start.cose_subject}},
      *replica, clock,
      history::StateCache::Limits{.soft_bytes = configuration.historical_cache_soft_limit});
  history->install(*context);
  return std::nullopt;
}

std::optional<Exit> Node::Parts::listen() {
  facts.id = identity->id;
  facts.self_signed_certificate = identity->self_signed.pem();
  facts.evidence = identity->evidence;
  facts.state = api::NodeStartupState::Initialized;
  facts.sessions = [this] { return server->metrics(); };
  facts.node_to_node = [this] { return node_to_node_metrics(); };
  facts.app_open = [this] { return frontends->is_open(rpc::Actor::app); };
  facts.gov_open = [this] { return frontends->is_open(rpc::Actor::gov); };
  facts.index_strategies = [this] { return json::value(history->indexer().describe()); };

  roles = std::make_unique<RoleAddresses>(store, *replica, crypto::system_random());
  frontends = std::make_unique<rpc::Frontends>(
      rpc::Surroundings{store, *replica, clock,
                        [this](const rpc::RedirectTarget& target, const rpc::Interface& interface) {
                          return roles->resolve(target, interface.rules().name);
                        }});
  for (const rpc::Actor actor : {rpc::Actor::app, rpc::Actor::node, rpc::Actor::gov}) {
    rpc::install_common_endpoints(frontends->registry(actor), *context,
                                  actor == rpc::Actor::gov
                                      ? gov::api_documents()
                                      : std::vector<rpc::PublishedDocument>());
    history::install_receipt_endpoint(frontends->registry(actor), *context);
  }
  install_node_endpoints(frontends->registry(rpc::Actor::node), facts, *context, *replica);
  install_admission(frontends->registry(rpc::Actor::node),
                    {.facts = facts,
                     .status = *replica,
                     .clock = clock,
                     .service = [this] { return service ? &*service : nullptr; },
                     .secrets = [this] { return replica->secrets(); },
                     .cose_issuer = cose_issuer,
                     .cose_subject = cose_subject,
                     .pending_configurations = [this] { return replica->pending_configurations(); },
                     .standing = [this](const NodeId& id) { return replica->standing(id); }});
  governance = std::make_unique<gov::Governance>(governance_surroundings());
  governance->install(frontends->registry(rpc::Actor::gov));
  application.register_endpoints(frontends->registry(rpc::Actor::app), *context);
  frontends->seal();
  forwarding = std::make_unique<Forwarding>(
      ForwardingOptions{}, *frontends, *replica, clock,
      [this](std::span<net::LinkMessage> messages) { return links->send(messages); });
  frontends->forward_with(*forwarding);

  const size_t workers = 1 + configuration.worker_threads;
  handler = std::make_unique<RpcHandler>(*frontends, *replica, workers);
  net::ServerOptions options;
  options.workers = workers;
  options.tick_interval = std::chrono::milliseconds(0);  // workers have nothing to do by the clock
  server = std::make_unique<net::Server>(options, *handler);
  for (const RpcInterface& configured : configuration.network.rpc_interfaces) {
    auto rules = frontends->add_interface(rules_of(configured));
    if (!rules) return Exit{exit_failure, rules.error().message};
    const auto index =
        server->add_interface(transport_of(configured, configuration.idle_connection_timeout));
    if (!index) return Exit{exit_failure, index.error().message};
    handler->add_interface(*rules);
    facts.rpc_interfaces[configured.name] =
        published_interface(configured, server->bound_address(*index));
  }
  return std::nullopt;
}

gov::Surroundings Node::Parts::governance_surroundings() {
  return {
      .clock = clock,
      .random = crypto::system_random(),
      .node = *context,
      .stage =
          [this] {
            return facts.state == api::NodeStartupState::PartOfNetwork ? gov::Stage::part_of_network
                                                                       : gov::Stage::outside;
          },
      // Set before this node is part of the network, and not changed afterwards.
      .service_key =
          [this] {
            return facts.state == api::NodeStartupState::PartOfNetwork ? &service->key : nullptr;
          },
      .secrets = [this] { return replica->secrets(); },
      .root_at = [this](TxId id) { return replica->root_at(id); },
      .request_chunk = [this] { replica->request_chunk(); },
      .request_snapshot = {},  // snapshots come with a later release
      .historical_secret_at = {},
      .pending_configurations = [this] { return replica->pending_configurations(); },
      .standing = [this](const NodeId& id) { return replica->standing(id); }};
}

api::NodeToNodeMetrics Node::Parts::node_to_node_metrics() const {
  const replica::MessageCounts messages = replica->message_counts();
  const net::LinkMetrics of_links = links->metrics();
  api::NodeToNodeMetrics out{messages.refused, messages.dropped, {}, {}, {}};
  for (size_t i = 0; i < of_links.refusals.size(); ++i) {
    const std::string_view reason = net::name_of(static_cast<net::LinkRefusal>(i));
    if (of_links.refusals[i] > 0) out.refused_connections.emplace(reason, of_links.refusals[i]);
  }
  for (const net::PeerMetrics& peer : of_links.peers) {
    out.links.emplace(
        peer.id,
        api::LinkMetrics{peer.address, peer.connected, peer.receiving, peer.sent_messages,
                         peer.sent_bytes, peer.received_messages, peer.received_bytes,
                         peer.dropped_messages, peer.queued_bytes, peer.failures, peer.last_error});
  }
  const ForwardingCounts counts = forwarding->counts();
  out.forwarding = {counts.calls.forwarded, counts.calls.answered, counts.calls.timed_out,
                    counts.calls.cut_off,   counts.calls.late,     counts.calls.open,
                    counts.executed,        counts.refused,        counts.malformed,
                    counts.unsent};
  return out;
}

std::optional<Exit> Node::Parts::write_files() {
  std::vector<OutputFile> files{
      {configuration.output_files.node_certificate_file, identity->self_signed.pem()}};
  if (service) {
    files.push_back({configuration.command.service_certificate_file, service->certificate.pem()});
  }
  if (configuration.output_files.node_to_node_address_file) {
    files.push_back({*configuration.output_files.node_to_node_address_file,
                     json::dump(json::object{{"node_to_node_interface", links->address()}})});
  }
  if (configuration.output_files.rpc_addresses_file) {
    json::object addresses;
    for (size_t i = 0; i < configuration.network.rpc_interfaces.size(); ++i) {
      addresses[server->config(i).name] = server->bound_address(i).text();
    }
    files.push_back({*configuration.output_files.rpc_addresses_file, json::dump(addresses)});
  }
  for (const OutputFile& file : files) {
    if (auto written = write_file(disk, file.path, as_bytes(file.content)); !written) {
      return Exit{exit_file_not_readable, written.error().message};
    }
    // All of these are public; clients of other users of the machine read them.
    using std::filesystem::perms;
    std::error_code ignored;
    std::filesystem::permissions(file.path, perms::group_read | perms::others_read,
                                 std::filesystem::perm_options::add, ignored);
  }
  return std::nullopt;
}

Result<void> Node::Parts::show_certificates(Authority authority, const std::string& chain) {
  for (size_t i = 0; i < configuration.network.rpc_interfaces.size(); ++i) {
    if (configuration.network.rpc_interfaces[i].authority != authority) continue;
    std::string key = identity->key.private_pem();
    const crypto::WipeAtExit wiped(key);
    if (auto shown = server->set_certificate(i, chain, key); !shown) return shown;
  }
  return {};
}

void Node::Parts::watch_commits() {
  const std::string own_id = identity->id.value;
  store.set_global_hook(
      tables::endorsed_certificates, [this, own_id](SeqNo, const std::vector<kv::Write>& writes) {
        for (const kv::Write& write : writes) {
          if (as_text(write.key) != own_id || !write.value) continue;
          const auto shown = show_certificates(Authority::service, to_text(*write.value));
          if (!shown.ok()) log::fail("node", "certificate: {}", shown.error().message);
          frontends->open(rpc::Actor::gov);
        }
      });
  store.set_global_hook(
      tables::service_info, [this](SeqNo seqno, const std::vector<kv::Write>& writes) {
        for (const kv::Write& write : writes) {
          if (!write.value) continue;
          const auto row = json::parse(as_text(*write.value));
          if (!row.ok() || tables::text_member(*row, "status") != "Open") continue;
          const auto certificate = crypto::Certificate::from_pem(tables::text_member(*row, "cert"));
          if (!certificate.ok() || certificate->spki() != service->certificate.spki()) continue;
          if (frontends->is_open(rpc::Actor::app)) continue;
          log::info("node", "Service is open since transaction {}", seqno.value);
          frontends->open(rpc::Actor::app);
        }
      });
}

std::optional<Exit> Node::Parts::serve() {
  watch_commits();
  frontends->open(rpc::Actor::node);
  if (auto shown = show_certificates(Authority::node, identity->self_signed.pem()); !shown) {
    return Exit{exit_failure, shown.error().message};
  }
  if (auto started = server->start(); !started) {
    return Exit{exit_failure, started.error().message};
  }
  return joins() ? join_service() : create_service();
}

/// Until everything that was answered is signed and committed, or a while has passed.
void Node::Parts::settle_tail() {
  const auto end = clock.now() + settling_patience;
  while (replica->is_primary() && replica->committed().seqno < replica->last().seqno &&
         clock.now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// A primary that ends names its successor, so that nobody has to wait for an election.
void Node::Parts::leave_leadership() {
  if (!replica->is_primary() || replica->details().configurations.back().voters.size() < 2) return;
  const auto end = clock.now() + handing_over_patience;
  replica->hand_over_leadership();
  while (replica->is_primary() && clock.now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bool Node::Parts::stop() {
  if (stopped) return *stopped;
  stopped = true;
  if (replica_thread.joinable()) replica->answer_waiting();
  if (server) server->stop();
  handler.reset();  // its lanes hand over what they still hold
  if (replica_thread.joinable()) {
    settle_tail();
    leave_leadership();
  }
  // What backups send is executed for as long as this node may lead.
  if (forwarding) forwarding->stop();
  if (replica_thread.joinable()) {
    replica->stop();
    replica_thread.join();
  }
  if (links) links->stop();
  if (ledger_thread) stopped = ledger_thread->finish();
  return *stopped;
}

// ---------------------------------------------------------------------------------------- public

Node::Node(Configuration configuration, const Application& application)
    : parts_(std::make_unique<Parts>(std::move(configuration), application)) {}

Node::~Node() {
  stop();
}

std::optional<Exit> Node::start(std::function<bool()> stop_asked) {
  parts_->stop_asked = std::move(stop_asked);
  using Step = std::optional<Exit> (Parts::*)();
  for (const Step step : {&Parts::open_ledger, &Parts::make_identities, &Parts::build,
                          &Parts::listen, &Parts::write_files, &Parts::serve}) {
    if (parts_->stop_asked()) return stopped_at_start();
    if (auto exit = (parts_.get()->*step)()) return exit;
  }
  return std::nullopt;
}

bool Node::stop() {
  return parts_->stop();
}
void Node::notice_stop() {
  parts_->facts.stop_notice = true;
}

}  // namespace entente::node
