#include "sim/replicas/replica_node.h"

#include "base/assert.h"
#include "crypto/x509_issue.h"
#include "replica/node_table.h"

namespace entente::sim {
namespace {

ledger::Signer make_signer(const crypto::KeyPair& service) {
  auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  auto certificate = crypto::self_signed_ca(key, "CN=node", {UnixTime(1'700'000'000), 10});
  ENTENTE_ASSERT(certificate.ok());
  return {std::move(key), certificate->pem(), service, "issuer", "subject"};
}

}  // namespace

ReplicaNode::ReplicaNode(size_t number, const ReplicaPlan& plan, const Service& service,
                         const uint64_t& world, Post post)
    : index(number), signer(make_signer(service.key)), clock(world), post_(std::move(post)) {
  ledger::LedgerConfig config;
  config.main = "ledger";
  auto opened = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
  ENTENTE_ASSERT(opened.ok());
  writer = std::move(*opened);
  ledger = std::make_unique<QueuedLedger>(*writer, inbox, clock);
  replica::ReplicaOptions options;
  options.self = id = NodeId{signer.node_key.public_key().id()};
  options.address = address = "127.0.0.1:" + std::to_string(1 + index);
  if (index == 0) {
    options.signer = signer;
    options.secrets = service.secrets;
  }
  options.heartbeat = plan.heartbeat;
  options.election_timeout = plan.election_timeout;
  options.chunk_size = plan.chunk_size;
  options.max_uncommitted_transactions = 500;
  options.seed = plan.seed * 100 + index;
  replica =
      std::make_unique<replica::Replica>(std::move(options), store, inbox, *ledger, *this, clock);
  lane = replica->make_lane();
}

void ReplicaNode::start() {
  replica->start_service();
}

void ReplicaNode::join(const Service& service) {
  replica->join_service(signer, service.secrets);
}

std::optional<TxId> ReplicaNode::set_status(const std::vector<const ReplicaNode*>& nodes,
                                            std::string_view status, bool learning) {
  auto tx = store.begin();
  auto table = tx.rw(replica::nodes_info_map);
  for (const ReplicaNode* node : nodes) {
    const std::string row = R"({"node_to_node_interface":{"published_address":")" + node->address +
                            R"("},"status":")" + std::string(status) + "\"" +
                            (learning ? R"(,"learning":true})" : "}");
    table.put(as_bytes(node->id.value), as_bytes(row));
  }
  const auto result = lane->commit(tx, {.urgent = true});
  lane->hand_over();
  if (result.status != kv::CommitStatus::committed) return std::nullopt;
  return result.id;
}

}  // namespace entente::sim
