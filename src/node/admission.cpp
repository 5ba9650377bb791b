#include "node/admission.h"

#include "base/encoding.h"
#include "base/log.h"
#include "consensus/messages.h"
#include "entente/kv.h"
#include "gov/join_policy.h"
#include "node/node_row.h"
#include "node/redirections.h"
#include "node/tables.h"
#include "replica/node_table.h"
#include "rpc/interface.h"
#include "rpc/session.h"

namespace entente::node {
namespace {

using http::Method;
/// Evidence of a virtual platform costs nothing: whoever waits for a vote is counted.
constexpr size_t max_pending_nodes = 100;

constexpr std::string_view too_many_changes =
    "Earlier changes of membership are not committed yet: try again";

/// An answer that is no success.
struct Refusal {
  int status;
  std::string_view code;
  std::string message;
};

void answer(Call& call, const Refusal& refusal) {
  call.set_error(refusal.status, refusal.code, refusal.message);
}

Refusal internal_error(std::string message) {
  return {http::status::internal_server_error, errors::internal_error, std::move(message)};
}
Refusal bad_request(std::string_view code, std::string message) {
  return {http::status::bad_request, code, std::move(message)};
}

std::string service_status(kv::ReadOnlyTx& tx) {
  const auto row = tables::get_json(tx, tables::service_info, tables::unit());
  return row ? std::string(tables::text_member(*row, "status")) : "";
}

/// Days that a node's certificate may be valid for, as the service is configured.
unsigned longest_validity(kv::ReadOnlyTx& tx) {
  constexpr unsigned otherwise = 365;
  const auto row = tables::get_json(tx, tables::service_config, tables::unit());
  const auto* object = row ? row->if_object() : nullptr;
  const auto* days =
      object ? object->if_contains("maximum_node_certificate_validity_days") : nullptr;
  if (days == nullptr || !days->is_int64()) return otherwise;
  return static_cast<unsigned>(std::clamp<int64_t>(days->get_int64(), 1, UINT32_MAX));
}

/// Another node that is not retired and listens where the new one says that it does.
bool address_is_taken(kv::ReadOnlyTx& tx, std::string_view address) {
  bool taken = false;
  tx.ro(tables::nodes_info).foreach ([&](BytesView, BytesView value) {
    const auto row = replica::parse_node_row(value);
    taken = row && row->status != replica::NodeRow::Status::retired && row->address == address;
    return !taken;
  });
  return taken;
}

std::map<NodeId, std::string> trusted_nodes(kv::ReadOnlyTx& tx) {
  std::map<NodeId, std::string> nodes;
  tx.ro(tables::nodes_info).foreach ([&](BytesView key, BytesView value) {
    const auto row = replica::parse_node_row(value);
    if (row && row->status == replica::NodeRow::Status::trusted) {
      nodes.emplace(NodeId{to_text(key)}, row->address);
    }
    return true;
  });
  return nodes;
}

size_t pending_nodes(kv::ReadOnlyTx& tx) {
  size_t count = 0;
  tx.ro(tables::nodes_info).foreach_value([&](BytesView value) {
    const auto row = replica::parse_node_row(value);
    count += row && row->status == replica::NodeRow::Status::pending ? 1 : 0;
    return true;
  });
  return count;
}

class Gate {
 public:
  Gate(const Admission& admission, EndpointContext& ctx) : admission_(admission), ctx_(ctx) {}

  void join();

 private:
  std::optional<Refusal> read_request();
  std::optional<Refusal> answer_known(const json::value& row);
  std::optional<Refusal> send_to_primary();
  std::optional<Refusal> check_membership(bool trusted);
  std::optional<Refusal> admit(bool trusted);
  std::optional<Refusal> welcome(const std::string& endorsed_pem, SeqNo secrets_until);

  const Admission& admission_;
  EndpointContext& ctx_;
  std::optional<crypto::Certificate> shown_;  // in the TLS handshake
  std::optional<crypto::PublicKey> key_;
  NodeId id_;
  std::optional<JoinRequest> request_;
};

std::optional<Refusal> Gate::read_request() {
  const auto certificate = ctx_.call.session().certificate;
  if (!certificate) return internal_error("No client certificate: a node joins with its own");
  auto shown = crypto::Certificate::from_der(certificate->der());
  if (!shown) return internal_error("Client certificate: " + shown.error().message);
  auto key = shown->public_key();
  if (!key) return internal_error("Client certificate: " + key.error().message);
  shown_ = std::move(*shown);
  key_ = std::move(*key);
  id_ = NodeId{key_->id()};

  const auto document = json::parse(as_text(ctx_.call.body()));
  if (!document) return bad_request(errors::invalid_input, document.error().message);
  auto request = JoinRequest::from_json(*document);
  if (!request) return bad_request(errors::invalid_input, request.error().message);
  request_ = std::move(*request);
  return std::nullopt;
}

void Gate::join() {
  const auto decide = [&]() -> std::optional<Refusal> {
    if (admission_.facts.state != api::NodeStartupState::PartOfNetwork ||
        admission_.service() == nullptr) {
      return internal_error("Target node should be part of network to accept new nodes.");
    }
    if (auto refusal = read_request()) return refusal;
    if (request_->startup_seqno && *request_->startup_seqno < admission_.facts.startup_seqno) {
      return bad_request(errors::startup_seqno_is_old,
                         "Node requested to join from seqno " +
                             std::to_string(request_->startup_seqno->value) +
                             " which is older than this node startup seqno " +
                             std::to_string(admission_.facts.startup_seqno.value));
    }
    const std::string service = service_status(ctx_.tx);
    if (service.empty()) return internal_error("No service is available to accept new node.");
    if (const auto row = tables::get_json(ctx_.tx, tables::nodes_info, as_bytes(id_.value))) {
      return answer_known(*row);
    }
    if (!admission_.status.is_primary()) return send_to_primary();
    const bool opening = service == "Opening" || service == "Recovering";
    return admit(opening);
  };
  if (const auto refusal = decide()) answer(ctx_.call, *refusal);
}

std::optional<Refusal> Gate::answer_known(const json::value& row) {
  const std::string status(tables::text_member(row, "status"));
  // The service's key goes to nobody because of a transaction that may still be rolled back.
  const auto written =
      ctx_.tx.ro(tables::nodes_info).get_version_of_previous_write(as_bytes(id_.value));
  const bool decided = written && *written <= admission_.status.committed().seqno;
  if (status == "Pending" || (status == "Trusted" && !decided)) {
    ctx_.call.set_json(json::object{{"node_status", "Pending"}, {"node_id", id_.value}});
    return std::nullopt;
  }
  if (status != "Trusted") {
    return bad_request(errors::invalid_node_state,
                       "Joining node is not in expected state (" + status + ").");
  }
  const auto pem = ctx_.tx.ro(tables::endorsed_certificates).get(as_bytes(id_.value));
  if (!pem) return internal_error("No certificate was issued for node " + id_.value);
  const auto* until = row.as_object().if_contains("ledger_secret_seqno");
  return welcome(to_text(*pem),
                 {until != nullptr && until->is_int64() ? uint64_t(until->get_int64()) : 0});
}

std::optional<Refusal> Gate::send_to_primary() {
  const auto primary = admission_.status.primary();
  if (!primary) return internal_error("Primary unknown");
  const rpc::Interface* interface = ctx_.call.session().interface;
  const auto address = interface == nullptr
                           ? std::nullopt
                           : published_address(ctx_.tx, *primary, interface->rules().name);
  if (!address) return internal_error("Primary unknown");
  ctx_.call.set_header("location", "https://" + *address + "/node/join");
  return Refusal{http::status::permanent_redirect, errors::node_cannot_handle_request,
                 "Node is not primary; cannot handle write"};
}

/// What consensus would not take. Several workers may be here at once: they have read every row of
/// the nodes, so that each sees in the end what the ones before it wrote.
std::optional<Refusal> Gate::check_membership(bool trusted) {
  if (admission_.standing(id_) == replica::Standing::removed) {
    return bad_request(errors::invalid_node_state,
                       "Node " + id_.value +
                           " was removed from the service before: a node that returns needs a "
                           "new key");
  }
  if (!trusted) {
    if (pending_nodes(ctx_.tx) < max_pending_nodes) return std::nullopt;
    return Refusal{
        http::status::service_unavailable, errors::invalid_node_state,
        "As many nodes as can wait for a vote do so already: " + std::to_string(max_pending_nodes)};
  }
  if (trusted_nodes(ctx_.tx).size() >= consensus::message_limit::nodes) {
    return bad_request(errors::invalid_node_state,
                       "The service has as many trusted nodes as it can: " +
                           std::to_string(consensus::message_limit::nodes));
  }
  if (admission_.pending_configurations() >= replica::max_pending_configurations) {
    return Refusal{http::status::service_unavailable, errors::invalid_node_state,
                   std::string(too_many_changes)};
  }
  return std::nullopt;
}

std::optional<Refusal> Gate::admit(bool trusted) {
  if (address_is_taken(ctx_.tx, request_->address)) {
    return bad_request(errors::node_already_exists,
                       "A node with the same published node-to-node address " + request_->address +
                           " already exists");
  }
  if (const auto refused = gov::check_join(ctx_.tx, request_->evidence, key_->digest(),
                                           admission_.facts.evidence.format)) {
    return Refusal{http::status::unauthorized, errors::invalid_quote, refused->message};
  }
  if (request_->certificate_signing_request.public_key().der() != key_->der()) {
    return bad_request(errors::csr_public_key_invalid,
                       "Public key of the certificate signing request is not that of the node");
  }
  if (auto refusal = check_membership(trusted)) return refusal;
  const SeqNo secret = admission_.secrets()->latest()->start;
  const json::object row = NodeRow{request_->node_info_network,
                                   trusted,
                                   key_->pem(),
                                   request_->public_encryption_key,
                                   request_->certificate_signing_request,
                                   request_->evidence,
                                   request_->node_data,
                                   trusted ? std::optional(secret) : std::nullopt,
                                   true}
                               .to_json();
  ctx_.tx.rw(tables::nodes_info).put(as_bytes(id_.value), as_bytes(json::dump(row)));
  log::info("node", "Node {} at {} joins as {}", id_.value, request_->address,
            trusted ? "Trusted" : "Pending");
  if (!trusted) {
    ctx_.call.set_json(json::object{{"node_status", "Pending"}, {"node_id", id_.value}});
    return std::nullopt;
  }
  const auto endorsed = endorse(request_->certificate_signing_request, *shown_,
                                *admission_.service(), longest_validity(ctx_.tx));
  if (!endorsed) {
    return internal_error("Certificate of the node: " + endorsed.error().message);
  }
  const std::string pem = endorsed->pem();
  ctx_.tx.rw(tables::endorsed_certificates).put(as_bytes(id_.value), as_bytes(pem));
  return welcome(pem, secret);
}

std::optional<Refusal> Gate::welcome(const std::string& endorsed_pem, SeqNo secrets_until) {
  auto known = std::make_shared<ledger::LedgerSecrets>();
  for (const ledger::LedgerSecret& secret : admission_.secrets()->all()) {
    if (secret.start > secrets_until) continue;
    if (!known->add(secret.start, secret.key)) return internal_error("Ledger secrets");
  }
  auto certificate = crypto::Certificate::from_pem(endorsed_pem);
  if (!certificate) return internal_error("Endorsed certificate: " + certificate.error().message);
  // The service may have renewed its certificate, under the same key.
  ServiceIdentity identity = *admission_.service();
  const auto row = tables::get_json(ctx_.tx, tables::service_info, tables::unit());
  auto newest = crypto::Certificate::from_pem(row ? tables::text_member(*row, "cert") : "");
  if (newest) identity.certificate = std::move(*newest);
  const Welcome welcome{std::move(identity),     std::move(known),       std::move(*certificate),
                        service_status(ctx_.tx), admission_.cose_issuer, admission_.cose_subject};
  ctx_.call.set_json(json::object{{"node_status", "Trusted"}, {"network_info", welcome.to_json()}});
  return std::nullopt;
}

}  // namespace

void install_admission(EndpointRegistry& registry, Admission admission) {
  const auto shared = std::make_shared<const Admission>(std::move(admission));
  registry
      .make_endpoint("/join", Method::post,
                     [shared](EndpointContext& ctx) { Gate(*shared, ctx).join(); }, {})
      .set_forwarding_required(Forwarding::never)
      .set_openapi_hidden()
      .install();
}

}  // namespace entente::node
