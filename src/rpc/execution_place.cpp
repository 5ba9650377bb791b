// Where a request is executed: here, or, on a node in the wrong role, by whom the client is
// redirected to or the request is forwarded to. Source: docs/http-api.md (forwarding, redirection).

#include <fmt/format.h>

#include <algorithm>

#include "rpc/execution.h"
#include "rpc/prefer.h"
#include "rpc/redirect.h"

namespace entente::rpc {
namespace {

struct Refusal {
  int status;
  std::string_view code;
  std::string_view message;
};

constexpr Refusal no_forwarder{http::status::internal_server_error, errors::internal_error,
                               "No consensus or forwarder to forward request."};
constexpr Refusal on_http2{http::status::not_implemented, errors::not_implemented,
                           "Request cannot be forwarded to primary on HTTP/2 interface."};
constexpr Refusal already_forwarded{http::status::service_unavailable,
                                    errors::request_already_forwarded,
                                    "RPC was already forwarded."};
constexpr Refusal unknown_primary{http::status::service_unavailable, errors::internal_error,
                                  "RPC could not be forwarded to unknown primary."};

// By rpc::Forwarded, from no_channel on.
constexpr Refusal not_sent[] = {
    {http::status::service_unavailable, errors::internal_error,
     "Unable to establish channel to forward to primary."},
    {http::status::service_unavailable, errors::internal_error,
     "RPC could not be forwarded: too many requests wait for an answer of the primary."},
    {http::status::payload_too_large, errors::request_body_too_large,
     "HTTP request is too large to be forwarded to primary."}};

void refuse(Call& call, const Refusal& refusal) {
  call.set_error(refusal.status, refusal.code, refusal.message);
}

}  // namespace

Execution::Place Execution::place() {
  const Interface* interface = session_.interface;
  if (interface != nullptr && interface->rules().redirections) return redirect(*interface);
  if (frontends_.surroundings_.status.is_primary()) return Place::here;
  // Only the primary can say that a read has seen everything.
  const bool sticky = session_.has_forwarded || session_.forwarded || linearizable_asked();
  return forwards(endpoint_->forwarding, sticky) ? forward() : Place::here;
}

Execution::Place Execution::redirect(const Interface& interface) {
  const Surroundings& surroundings = frontends_.surroundings_;
  const Placement where =
      placement(endpoint_->redirection, interface.rules(), surroundings.status.is_primary());
  if (where == Placement::here) return Place::here;
  std::optional<std::string> address;
  if (surroundings.resolve) {
    address = surroundings.resolve(redirect_target(where, interface.rules()), interface);
  }
  if (address) {
    call_.set_status(http::status::temporary_redirect);
    call_.set_header(http::header::location,
                     fmt::format("https://{}{}", *address, call_.request().target));
  } else if (where == Placement::to_primary) {
    call_.set_error(http::status::service_unavailable, errors::primary_not_found,
                    "Request should be redirected to primary, but receiving node does not know "
                    "current primary address");
  } else {
    call_.set_error(http::status::service_unavailable, errors::backup_not_found,
                    "Request should be redirected to backup, but receiving node does not know "
                    "any current backup address");
  }
  return Place::answered;
}

Execution::Place Execution::forward() {
  if (!session_consistent()) return Place::answered;
  const auto answered = [this](const Refusal& refusal) {
    refuse(call_, refusal);
    return Place::answered;
  };
  if (session_.forwarded) return answered(already_forwarded);
  if (session_.http2) return answered(on_http2);
  if (frontends_.forwarder_ == nullptr || later_ == nullptr) return answered(no_forwarder);
  const auto primary = frontends_.surroundings_.status.primary();
  if (!primary) return answered(unknown_primary);
  return hand_to(*frontends_.forwarder_, *primary);
}

Execution::Place Execution::hand_to(Forwarder& forwarder, const NodeId& primary) {
  SessionFacts facts;
  facts.session = session_.id;
  facts.patience = default_forwarding_timeout;
  if (session_.interface != nullptr) {
    facts.interface = session_.interface->rules().name;
    facts.patience = session_.interface->rules().forwarding_timeout;
  }
  facts.patience += wait_asked().value_or(std::chrono::seconds(0));
  if (session_.certificate) facts.certificate = session_.certificate->der();
  facts.pinned_view = *session_.pinned_view;
  facts.last_seen = session_.last_seen();
  if (!session_.later_seen) session_.later_seen = std::make_shared<LaterSeen>();

  // The answer may come before forward() returns, so the promise must be made before.
  const Answer answer = (*later_)();
  const Forwarded done = forwarder.forward(
      primary, call_.request(), facts,
      [answer, seen = session_.later_seen](http::Response&& response, TxId last_seen) {
        seen->add(last_seen);
        answer(std::move(response));
      });
  if (done == Forwarded::sent) {
    session_.has_forwarded = true;
    return Place::elsewhere;
  }
  refuse(call_, not_sent[static_cast<size_t>(done) - 1]);
  worker_.counters_->count(endpoint_->index, response_.status, attempts_);
  answer(std::move(response_));
  response_.reset();
  return Place::elsewhere;
}

bool Execution::linearizable_asked() const {
  const auto prefer = call_.header(http::header::prefer);
  return prefer && wait_asked() && prefers_linearizable(*prefer);
}

std::optional<std::chrono::seconds> Execution::wait_asked() const {
  if (later_ == nullptr) return std::nullopt;
  const auto prefer = call_.header(http::header::prefer);
  if (!prefer) return std::nullopt;
  const auto wait = preferred_wait(*prefer);
  if (!wait || wait->count() <= 0) return std::nullopt;
  return std::min(*wait, max_commit_wait);
}

}  // namespace entente::rpc
