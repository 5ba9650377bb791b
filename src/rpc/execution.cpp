#include "rpc/execution.h"

#include <fmt/format.h>

#include <charconv>

#include "consensus/raft/mutants.h"

namespace entente::rpc {
namespace {

void set_transaction_id(http::Response& response, TxId id) {
  char text[48];  // two numbers of at most 20 digits
  char* end = std::to_chars(text, text + 20, id.view.value).ptr;
  *end++ = '.';
  end = std::to_chars(end, end + 20, id.seqno.value).ptr;
  response.set_header(http::header::transaction_id,
                      std::string_view(text, static_cast<size_t>(end - text)));
}

void set_replication_failed(http::Response& response) {
  set_error(response, http::status::service_unavailable, errors::transaction_replication_failed,
            "Transaction failed to replicate.");
}

}  // namespace

Outcome Execution::run() {
  if (!session_.pinned_view) session_.pinned_view = frontends_.surroundings_.status.view();
  if (!admitted() || !found()) {
    worker_.counters_->count_dispatch_failure();
    return Outcome::answered;
  }
  if (allowed_on_interface()) {
    const Place where = place();
    if (where == Place::elsewhere) return Outcome::deferred;
    if (where == Place::here) execute_with_retries();
  }
  worker_.counters_->count(endpoint_->index, response_.status, attempts_);
  return wait_ && id_ && response_.status < 400 ? wait_for_commit() : Outcome::answered;
}

bool Execution::admitted() {
  const replica::Status& status = frontends_.surroundings_.status;
  if (frontend_.bounded && status.is_primary() && status.over_limit()) {
    call_.set_error(http::status::service_unavailable, errors::too_many_pending_transactions,
                    "Too many transactions pending commit on the service.");
    return false;
  }
  if (!frontend_.open.load(std::memory_order_acquire)) {
    call_.set_error(http::status::not_found, errors::frontend_not_open, "Frontend is not open.");
    return false;
  }
  return true;
}

bool Execution::found() {
  const std::string_view path = call_.actor_path();
  const Match match = frontend_.router.find(call_.method(), path, call_.path_parameters_);
  switch (match.kind) {
    case Match::Kind::endpoint:
      endpoint_ = call_.endpoint_ = match.endpoint;
      return true;
    case Match::Kind::unknown_path:
      call_.set_error(http::status::not_found, errors::resource_not_found,
                      fmt::format("Unknown path: {}.", path));
      return false;
    case Match::Kind::ambiguous:
      call_.set_error(http::status::internal_server_error, errors::internal_error,
                      fmt::format("Multiple potential matches for path: {}\n{}", path,
                                  fmt::join(match.candidates, "\n")));
      return false;
    case Match::Kind::other_methods:
      break;
  }
  const std::string allowed = Router::allow_list(match.methods);
  if (call_.method() == http::Method::options) {
    call_.set_status(http::status::no_content);
  } else {
    call_.set_error(http::status::method_not_allowed, errors::unsupported_http_verb,
                    fmt::format("Allowed methods for '{}' are: {}.", path, allowed));
  }
  call_.set_header(http::header::allow, allowed);
  return false;
}

bool Execution::allowed_on_interface() {
  const Verdict verdict =
      session_.interface == nullptr ? Verdict::allowed : session_.interface->verdict(*endpoint_);
  if (verdict == Verdict::allowed) return true;
  call_.set_status(verdict == Verdict::feature_disabled ? http::status::not_found
                                                        : http::status::service_unavailable);
  return false;
}

void Execution::execute_with_retries() {
  wait_ = wait_asked();
  for (attempts_ = 1; attempts_ <= max_attempts; ++attempts_) {
    if (attempts_ > 1) call_.reset();
    try {
      if (execute_once() == Attempt::finished) return;
    } catch (...) {
      answer_exception();
      return;
    }
  }
  attempts_ = max_attempts;
  call_.reset();
  call_.set_error(http::status::service_unavailable,
                  errors::transaction_commit_attempts_exceed_limit,
                  fmt::format("Transaction continued to conflict after {} attempts. Retry later.",
                              max_attempts));
  call_.set_header(http::header::retry_after, "3");
}

Execution::Attempt Execution::execute_once() {
  switch (endpoint_->kind) {
    case Endpoint::Kind::read_write:
      return execute_read_write();
    case Endpoint::Kind::read_only:
      execute_read_only();
      break;
    case Endpoint::Kind::command:
      execute_command();
      break;
  }
  return Attempt::finished;
}

Execution::Attempt Execution::execute_read_write() {
  kv::Tx tx = frontends_.surroundings_.store.begin(frontend_.context);
  if (!authenticated(tx)) return Attempt::finished;
  EndpointContext context{call_, tx};
  endpoint_->read_write(context);
  if (!call_.apply_writes()) {
    session_consistent();
    return Attempt::finished;
  }
  const bool touched = kv::Store::touched(tx);
  const kv::CommitResult result = commit(tx);
  switch (result.status) {
    case kv::CommitStatus::committed:
      wrote_ = true;
      locally_committed(result.id);
      break;
    case kv::CommitStatus::read_only:
      if (touched) locally_committed(result.id);
      break;
    case kv::CommitStatus::conflict:
      return Attempt::conflict;
    case kv::CommitStatus::session_lost:
      session_lost();
      break;
    case kv::CommitStatus::not_primary:
      call_.reset();
      set_replication_failed(response_);
      break;
  }
  return Attempt::finished;
}

/// The step that assigns the transaction id checks once more what the session relies on.
kv::CommitResult Execution::commit(kv::Tx& tx) {
  const kv::Store& store = frontends_.surroundings_.store;
  const replica::Status& status = frontends_.surroundings_.status;
  replica::CommitOptions options;
  if (call_.claims_digest()) options.claims = *call_.claims_digest();
  options.urgent = wait_.has_value();
  // In this order: if the view changes after the look at it, so does the epoch.
  if (session_.forwarded) options.conditions.epoch = store.epoch();
  if (!session_consistent() || (session_.forwarded && store.last().view > *session_.pinned_view)) {
    return {kv::CommitStatus::session_lost, {}, {}};
  }
  // A backup may still lack what the session has seen of the primary.
  const bool relies = !consensus::broken(consensus::Defect::two_branches);
  if (status.is_primary() && relies) options.conditions.session = session_.last_seen();
  const kv::CommitResult result = worker_.commit_(tx, options);
  if (result.status == kv::CommitStatus::not_primary && status.view() != *session_.pinned_view) {
    return {kv::CommitStatus::session_lost, {}, {}};
  }
  return result;
}

void Execution::execute_read_only() {
  kv::ReadOnlyTx tx = frontends_.surroundings_.store.begin_read_only(frontend_.read_only_context);
  if (!authenticated(tx)) return;
  ReadOnlyEndpointContext context{call_, tx};
  endpoint_->read_only(context);
  if (!session_consistent() || !call_.apply_writes()) return;
  if (kv::Store::touched(tx)) locally_committed(kv::Store::observed(tx));
}

void Execution::execute_command() {
  CommandEndpointContext context{call_};
  if (endpoint_->policies.empty()) {
    endpoint_->command(context);
    session_consistent();
    return;
  }
  kv::ReadOnlyTx tx = frontends_.surroundings_.store.begin_read_only(frontend_.read_only_context);
  if (!authenticated(tx)) return;
  endpoint_->command(context);
  if (!session_consistent() || !call_.apply_writes()) return;
  if (kv::Store::touched(tx)) locally_committed(kv::Store::observed(tx));
}

bool Execution::authenticated(kv::ReadOnlyTx& tx) {
  if (endpoint_->policies.empty()) return true;
  std::vector<std::string> reasons;
  for (const AuthPolicyPtr& policy : endpoint_->policies) {
    std::string reason;
    call_.caller_ = policy->authenticate(tx, call_, reason);
    if (call_.caller_) return true;
    reasons.push_back(std::move(reason));
  }
  json::array details;
  for (size_t i = 0; i < reasons.size(); ++i) {
    details.push_back(json::object{{"auth_policy", endpoint_->policies[i]->name()},
                                   {"code", errors::invalid_authentication_info},
                                   {"message", reasons[i]}});
  }
  call_.set_error(http::status::unauthorized, errors::invalid_authentication_info,
                  "Invalid authentication credentials.", details);
  for (size_t i = 0; i < reasons.size(); ++i) {
    endpoint_->policies[i]->describe_refusal(response_, reasons[i]);
  }
  return false;
}

bool Execution::session_consistent() {
  if (consensus::broken(consensus::Defect::two_branches)) return true;
  const replica::Status& status = frontends_.surroundings_.status;
  const TxId last = session_.last_seen();
  bool consistent = *session_.pinned_view == status.view();
  if (consistent && last.seqno.value != 0 && last.view < *session_.pinned_view) {
    // Within one view nothing of that view is taken back, but what came before it may be.
    const View held = status.view_of(last.seqno);
    const bool not_yet_here = held == View{} && !status.is_primary();
    consistent = held == last.view || not_yet_here;
  }
  if (!consistent) session_lost();
  return consistent;
}

void Execution::session_lost() {
  call_.reset();
  set_session_consistency_lost(response_, session_.id, *session_.pinned_view,
                               frontends_.surroundings_.status.view());
}

void Execution::locally_committed(TxId id) {
  if (id == TxId{}) return;
  id_ = id;
  session_.saw(id);
  if (!endpoint_->locally_committed) {
    set_transaction_id(response_, id);
    return;
  }
  const auto refuse = [&](std::string_view what) {
    call_.reset();
    call_.set_error(http::status::internal_server_error, errors::internal_error,
                    fmt::format("Failed to execute local commit handler func: {}", what));
    set_transaction_id(response_, id);
  };
  try {
    CommandEndpointContext context{call_};
    endpoint_->locally_committed(context, id);
  } catch (const std::exception& error) {
    refuse(error.what());
  } catch (...) {
    refuse("unknown exception");
  }
}

void Execution::answer_exception() {
  call_.reset();
  try {
    throw;
  } catch (const RpcException& error) {
    call_.set_error(error.status(), error.code(), error.what());
  } catch (const JsonException& error) {
    call_.set_error(http::status::bad_request, errors::invalid_input, error.what());
  } catch (const std::exception& error) {
    call_.set_error(http::status::internal_server_error, errors::internal_error, error.what());
  } catch (...) {
    call_.set_error(http::status::internal_server_error, errors::internal_error,
                    "Unknown exception");
  }
}

Outcome Execution::wait_for_commit() {
  struct Waiting {
    http::Response response;
    Answer answer;
    std::string applied;
  };
  const Surroundings& surroundings = frontends_.surroundings_;
  auto waiting = std::make_shared<Waiting>();
  const bool confirm = !wrote_ && linearizable_asked();
  waiting->answer = (*later_)();
  waiting->response = std::move(response_);
  waiting->applied = fmt::format("wait={}", wait_->count());
  response_.reset();
  const MonotonicTime deadline = surroundings.clock.now() + *wait_;
  const auto wait = [&status = surroundings.status, id = *id_, deadline, waiting] {
    status.when_final(id, deadline, [waiting](TxStatus reached) {
      http::Response& response = waiting->response;
      if (reached == TxStatus::committed) {
        response.set_header(http::header::preference_applied, waiting->applied);
      } else if (reached == TxStatus::invalid) {
        response.reset();
        set_replication_failed(response);
      }
      waiting->answer(std::move(response));
    });
  };
  if (!confirm) {
    wait();
  } else {
    surroundings.status.confirm_leadership(*session_.pinned_view, deadline,
                                           [waiting, wait](bool confirmed) {
                                             if (confirmed) waiting->applied += ", linearizable";
                                             wait();
                                           });
  }
  return Outcome::deferred;
}

}  // namespace entente::rpc
