#include "net/server.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/assert.h"
#include "net/acceptor.h"
#include "net/session_caps.h"
#include "net/tls_context.h"

namespace entente::net {

class Server::Running {
 public:
  Running(ServerOptions its_options, RequestHandler& its_handler)
      : options(std::move(its_options)), handler(its_handler) {
    options.workers = std::max<size_t>(1, options.workers);
  }

  Endpoint& endpoint(size_t index) {
    ENTENTE_ASSERT(index < endpoints.size());
    return *endpoints[index];
  }

  ServerOptions options;
  RequestHandler& handler;
  ConnectionCount total;
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  std::vector<std::unique_ptr<Worker>> workers;
  std::unique_ptr<Acceptor> acceptor;
};

Server::Server(ServerOptions options, RequestHandler& handler)
    : running_(std::make_unique<Running>(std::move(options), handler)) {
  for (size_t i = 0; i < running_->options.workers; ++i) {
    running_->workers.push_back(std::make_unique<Worker>(i, running_->options, handler));
  }
}

Server::~Server() {
  stop();
}

Result<size_t> Server::add_interface(InterfaceConfig config) {
  ENTENTE_ASSERT(!running_->acceptor);
  for (const auto& known : running_->endpoints) {
    if (known->config.name == config.name) {
      return Error{fmt::format("Interface '{}': the name is used twice", config.name)};
    }
  }
  auto endpoint = Endpoint::listen(std::move(config), running_->endpoints.size(), running_->total);
  if (!endpoint) return endpoint.error();
  running_->endpoints.push_back(std::move(*endpoint));
  return running_->endpoints.size() - 1;
}

Result<void> Server::start() {
  ENTENTE_ASSERT(!running_->acceptor);
  fit_session_caps(running_->endpoints, running_->options.max_descriptors);
  running_->acceptor = std::make_unique<Acceptor>(running_->endpoints, running_->workers);
  for (const auto& worker : running_->workers) worker->start();
  running_->acceptor->start();
  return {};
}

Result<void> Server::set_certificate(size_t interface, std::string_view chain_pem,
                                     std::string_view key_pem) {
  Endpoint& endpoint = running_->endpoint(interface);
  auto context = make_server_context(chain_pem, key_pem, endpoint.config.app_protocol);
  if (!context) return context.error().at(fmt::format("Interface '{}'", endpoint.config.name));
  endpoint.set_tls(std::move(*context));
  return {};
}

Address Server::bound_address(size_t interface) const {
  return running_->endpoint(interface).bound;
}

const InterfaceConfig& Server::config(size_t interface) const {
  return running_->endpoint(interface).config;
}

ServerMetrics Server::metrics() const {
  ServerMetrics metrics;
  metrics.active = running_->total.active();
  metrics.peak = running_->total.peak();
  for (const auto& endpoint : running_->endpoints) {
    metrics.interfaces.push_back({endpoint->config.name, endpoint->connections.active(),
                                  endpoint->connections.peak(), endpoint->soft_cap,
                                  endpoint->hard_cap, endpoint->errors.values()});
  }
  return metrics;
}

size_t Server::workers() const {
  return running_->workers.size();
}

void Server::post(size_t worker, std::function<void()> task) {
  ENTENTE_ASSERT(worker < running_->workers.size());
  running_->workers[worker]->mailbox().post(std::move(task));
}

void Server::stop(std::chrono::milliseconds limit) {
  if (!running_->acceptor) return;
  running_->acceptor->stop();
  for (const auto& endpoint : running_->endpoints) endpoint->stop_listening();
  const SteadyTime deadline = std::chrono::steady_clock::now() + limit;
  for (const auto& worker : running_->workers) worker->stop(deadline);
  for (const auto& worker : running_->workers) worker->join();
}

}  // namespace entente::net
