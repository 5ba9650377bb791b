#pragma once
// For tests and benchmarks only: frontends over a store in memory, a clock that stands still, and a
// consensus that says what it is told to.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/x509_issue.h"
#include "entente/json.h"
#include "entente/kv.h"
#include "entente/node_context.h"
#include "kv/store.h"
#include "rpc/frontends.h"
#include "rpc/service_tables.h"

namespace entente::rpc::test {

struct FakeClock final : Clock {
  MonotonicTime monotonic{0};
  UnixTime unix{1'750'000'000};
  MonotonicTime now() const override { return monotonic; }
  UnixTime unix_time() const override { return unix; }
};

struct FakeStatus final : replica::Status {
  explicit FakeStatus(kv::Store& used) : store(&used) {}

  kv::Store* store;
  TxId committed_id;
  View current_view = first_view;
  bool primary_here = true;
  bool full = false;
  std::vector<SeqNo> starts{SeqNo{1}, SeqNo{1}};
  struct Waiter {
    TxId id;
    MonotonicTime deadline;
    replica::FinalCallback callback;
  };
  std::vector<Waiter> waiters;

  TxStatus status(TxId id) const override {
    return consensus::evaluate_status(id, store->view_of(id.seqno), committed_id);
  }
  TxId committed() const override { return committed_id; }
  TxId last() const override { return store->last(); }
  View view() const override { return current_view; }
  bool is_primary() const override { return primary_here; }
  std::optional<NodeId> primary_id = NodeId{"n0"};
  std::optional<NodeId> primary() const override { return primary_id; }
  std::vector<SeqNo> view_starts() const override { return starts; }
  View view_of(SeqNo seqno) const override { return store->view_of(seqno); }
  consensus::Details details() const override { return {}; }
  bool over_limit() const override { return full; }
  SeqNo last_signed() const override { return {}; }
  void when_final(TxId id, MonotonicTime deadline, replica::FinalCallback callback) override {
    waiters.push_back({id, deadline, std::move(callback)});
  }
  std::vector<std::pair<View, replica::ConfirmedCallback>> confirmations;
  void confirm_leadership(View view, MonotonicTime, replica::ConfirmedCallback callback) override {
    confirmations.push_back({view, std::move(callback)});
  }
};

inline crypto::Certificate make_certificate(const crypto::KeyPair& key, UnixTime from,
                                            unsigned days = 10) {
  return *crypto::self_signed_identity(key, "CN=somebody", {.not_before = from, .days = days});
}

class Service {
 public:
  Service() { store.set_primary(first_view, kv::Epoch{1}); }

  kv::Store store;
  FakeStatus status{store};
  FakeClock clock;
  NodeContext node{NodeId{"n0"}, status, clock};
  Frontends frontends{{.store = store, .status = status, .clock = clock, .resolve = {}}};
  std::vector<replica::CommitOptions> commits;  ///< options of every commit tried
  Worker worker{[this](kv::Tx& tx, const replica::CommitOptions& options) {
    commits.push_back(options);
    return store.commit(tx, options.conditions);
  }};
  Session session;

  EndpointRegistry& app() { return frontends.registry(Actor::app); }

  /// Ends registration and opens everything.
  void start() {
    frontends.seal();
    for (const Actor actor : {Actor::app, Actor::node, Actor::gov}) frontends.open(actor);
  }

  /// One write outside of any endpoint.
  TxId put(std::string_view map, std::string_view key, std::string_view value) {
    kv::Tx tx = store.begin(kv::Context::framework);
    tx.wo(map).put(as_bytes(key), as_bytes(value));
    return store.commit(tx).id;
  }
  std::optional<std::string> get(std::string_view map, std::string_view key) {
    kv::ReadOnlyTx tx = store.begin_read_only(kv::Context::framework);
    const auto value = tx.ro(map).get(as_bytes(key));
    if (!value) return std::nullopt;
    return to_text(*value);
  }

  void show_certificate(const crypto::Certificate& certificate) {
    session.certificate = std::make_shared<ClientCertificate>(certificate.der());
  }

  struct Headers : std::vector<std::pair<std::string, std::string>> {
    using vector::vector;
  };

  /// Sends one request on `session`.
  http::Response send(http::Method method, std::string_view target, std::string_view body = {},
                      const Headers& headers = {}, const AnswerLater* later = nullptr) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
    for (const auto& [name, value] : headers) request.headers.push_back({name, value});
    request.body = as_bytes(body);
    http::Response response;
    outcome = frontends.process(worker, request, session, response, later);
    return response;
  }
  http::Response get_request(std::string_view target, const Headers& headers = {}) {
    return send(http::Method::get, target, {}, headers);
  }
  Outcome outcome = Outcome::answered;
};

inline std::string body_text(const http::Response& response) {
  return to_text(response.body);
}

inline json::value body_json(const http::Response& response) {
  auto document = json::parse(as_text(response.body));
  return document.ok() ? *document : json::value("not JSON: " + body_text(response));
}

inline std::string header_of(const http::Response& response, std::string_view name) {
  const std::string* value = response.header(name);
  return value == nullptr ? "(absent)" : *value;
}

/// `404 ResourceNotFound: Unknown path: /x.`
inline std::string summary(const http::Response& response) {
  std::string out = std::to_string(response.status);
  if (response.body.empty()) return out;
  const json::value document = body_json(response);
  if (!document.is_object() || !document.get_object().contains("error")) {
    return out + " " + body_text(response);
  }
  const json::object& error = document.at("error").get_object();
  return out + " " + std::string(error.at("code").get_string()) + ": " +
         std::string(error.at("message").get_string());
}

}  // namespace entente::rpc::test
