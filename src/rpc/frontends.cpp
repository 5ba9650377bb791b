#include "rpc/frontends.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "rpc/execution.h"

namespace entente::rpc {
namespace {

constexpr std::string_view actor_names[actor_count] = {"app", "node", "gov"};

struct ActorPath {
  Actor actor;
  std::string_view path;
};

/// For what should not throw: exceptions of handlers and policies were answered before.
Outcome answer_unexpected(http::Response& response, std::string_view what) {
  response.reset();
  set_error(response, http::status::internal_server_error, errors::internal_error,
            fmt::format("Exception: {}", what));
  response.close = true;
  return Outcome::answered;
}

/// Operators see in the log what governance refused. What anybody can provoke is not worth more
/// than a debug line.
void note_refusal(const http::Request& request, const http::Response& response) {
  if (response.status < 400) return;
  const bool by_anybody = response.status == http::status::unauthorized ||
                          response.status == http::status::not_found ||
                          response.status == http::status::method_not_allowed;
  log::write(by_anybody ? log::Level::debug : log::Level::info, "gov", "{} {}: {} {}",
             http::to_text(request.method), request.path, response.status,
             as_text(BytesView(response.body).first(std::min<size_t>(response.body.size(), 1000))));
}

/// `/node/x` is `/x` of the node frontend; whatever names no frontend belongs to the application.
ActorPath split_actor(std::string_view path) {
  for (size_t i = 0; i < actor_count; ++i) {
    const std::string_view name = actor_names[i];
    if (path.size() > name.size() + 1 && path[0] == '/' && path[name.size() + 1] == '/' &&
        path.substr(1, name.size()) == name) {
      return {static_cast<Actor>(i), path.substr(name.size() + 1)};
    }
  }
  return {Actor::app, path};
}

}  // namespace

Frontends::Frontends(Surroundings surroundings) : surroundings_(std::move(surroundings)) {
  for (size_t i = 0; i < actor_count; ++i) {
    frontends_[i] = std::make_unique<Frontend>(std::string(actor_names[i]));
    frontends_[i]->bounded = static_cast<Actor>(i) != Actor::node;
  }
  Frontend& app = *frontends_[static_cast<size_t>(Actor::app)];
  app.context = kv::Context::application;
  app.read_only_context = kv::Context::read_only_application;
}

Frontends::~Frontends() = default;

EndpointRegistry& Frontends::registry(Actor actor) {
  return frontends_[static_cast<size_t>(actor)]->registry;
}

void Frontends::seal() {
  ENTENTE_ASSERT(!sealed_);
  sealed_ = true;
  const auto number = [this](Endpoint& endpoint) {
    endpoint.index = endpoints_.size();
    endpoints_.push_back(&endpoint);
  };
  for (const auto& frontend : frontends_) {
    for (const auto& endpoint : frontend->registry.endpoints()) number(*endpoint);
    if (Endpoint* endpoint = frontend->registry.default_endpoint()) number(*endpoint);
    frontend->router.build(frontend->registry);
  }
}

Result<const Interface*> Frontends::add_interface(InterfaceRules rules) {
  ENTENTE_ASSERT(sealed_);
  auto compiled = Interface::compile(std::move(rules), endpoints_);
  if (!compiled.ok()) return compiled.error();
  return &interfaces_.emplace_back(std::move(*compiled));
}

void Frontends::open(Actor actor) {
  frontends_[static_cast<size_t>(actor)]->open.store(true, std::memory_order_release);
}
void Frontends::close(Actor actor) {
  frontends_[static_cast<size_t>(actor)]->open.store(false, std::memory_order_release);
}
bool Frontends::is_open(Actor actor) const {
  return frontends_[static_cast<size_t>(actor)]->open.load(std::memory_order_acquire);
}

Outcome Frontends::process(Worker& worker, const http::Request& request, Session& session,
                           http::Response& response, const AnswerLater* later) {
  try {
    if (!worker.counters_) worker.counters_ = counters_.add_shard(endpoints_.size());
    const ActorPath where = split_actor(request.path);
    Execution execution(*this, *frontends_[static_cast<size_t>(where.actor)], worker, request,
                        where.path, session, response, later);
    const Outcome outcome = execution.run();
    if (where.actor == Actor::gov && outcome == Outcome::answered) note_refusal(request, response);
    return outcome;
  } catch (const std::exception& error) {
    return answer_unexpected(response, error.what());
  } catch (...) {
    return answer_unexpected(response, "unknown");
  }
}

}  // namespace entente::rpc
