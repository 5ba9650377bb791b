#pragma once
// The inside of a node (see node.h): all its parts, how they are built and torn down (node.cpp),
// and how they become part of a service, new or existing (node_service.cpp).

#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "gov/governance.h"
#include "history/history.h"
#include "ledger/ledger_writer.h"
#include "net/links.h"
#include "net/server.h"
#include "node/forwarding.h"
#include "node/genesis.h"
#include "node/join_messages.h"
#include "node/joining.h"
#include "node/node.h"
#include "node/node_endpoints.h"
#include "node/peer_transport.h"
#include "node/redirections.h"
#include "node/rpc_handler.h"
#include "replica/ledger_thread.h"

namespace entente::node {

inline constexpr int exit_failure = 1;
inline constexpr int exit_bad_option = 105;
inline constexpr int exit_file_not_readable = 255;

/// What start() returns when it was interrupted.
Exit stopped_at_start();

struct Node::Parts {
  Parts(Configuration configured, const Application& hosted)
      : configuration(std::move(configured)), application(hosted) {}

  const Configuration configuration;
  const Application& application;
  Disk& disk = system_disk();
  const Clock& clock = system_clock();

  // Built by start(), in this order; destroyed in the opposite one.
  std::optional<NodeIdentity> identity;
  std::optional<ServiceIdentity> service;
  std::optional<crypto::Certificate> endorsed;
  std::shared_ptr<const ledger::LedgerSecrets> secrets;
  std::string cose_issuer, cose_subject;  // of the service's signatures
  std::unique_ptr<ledger::LedgerWriter> ledger;
  std::unique_ptr<net::Links> links;
  std::unique_ptr<PeerTransport> transport;
  Address node_to_node;  // published
  kv::Store store;
  replica::Inbox inbox;
  std::unique_ptr<replica::LedgerThread> ledger_thread;
  std::unique_ptr<replica::Replica> replica;
  std::unique_ptr<NodeContext> context;
  NodeFacts facts;
  std::unique_ptr<history::History> history;
  std::unique_ptr<RoleAddresses> roles;
  std::unique_ptr<gov::Governance> governance;
  std::unique_ptr<rpc::Frontends> frontends;
  std::unique_ptr<Forwarding> forwarding;
  std::unique_ptr<RpcHandler> handler;
  std::unique_ptr<net::Server> server;
  std::thread replica_thread;
  std::function<bool()> stop_asked;
  std::optional<bool> stopped;  // whether the whole ledger was written

  bool joins() const { return configuration.command.type == Command::Type::join; }
  ledger::Signer signer() const {
    return {identity->key, endorsed->pem(), service->key, cose_issuer, cose_subject};
  }
  std::optional<Exit> open_ledger();
  std::optional<Exit> make_identities();
  std::optional<Exit> build();
  std::optional<Exit> listen();
  std::optional<Exit> write_files();
  std::optional<Exit> serve();
  std::optional<Exit> create_service();
  std::optional<Exit> join_service();
  std::optional<Exit> await_membership(const JoinParty& party, const JoinRequest& request);
  void enter(Welcome welcome);
  std::optional<Exit> start_links(const crypto::Certificate& certificate);
  replica::CommitOptions genesis_options(const std::string& constitution) const;
  std::optional<Exit> commit(const Tables& tables, replica::CommitOptions options);
  std::optional<Exit> wait_for_commit(TxId id);
  gov::Surroundings governance_surroundings();
  api::NodeToNodeMetrics node_to_node_metrics() const;
  Result<void> show_certificates(Authority authority, const std::string& chain);
  void watch_commits();
  bool stop();
  void settle_tail();
  void leave_leadership();
};

}  // namespace entente::node
