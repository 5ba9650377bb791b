#pragma once
// The listening side: interfaces, workers, certificates, counters. One acceptor thread hands each
// connection to the worker with the fewest; a worker owns its event loop, connections and TLS
// objects, shares nothing with other workers and calls the handler. Source: docs/http-api.md.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "entente/result.h"
#include "net/exchange.h"
#include "net/interface.h"

namespace entente::net {

struct ServerOptions {
  size_t workers = 1;  ///< at least 1
  /// How often `on_tick` runs on every worker, between rounds. Zero: never.
  std::chrono::milliseconds tick_interval{10};
  std::function<void(size_t worker)> on_tick;
  /// Above this much unsent answer data a connection's further requests wait, in bytes.
  size_t max_unsent_bytes = 256 << 10;
  /// How many descriptors the process may have; 0: what the system allows (RLIMIT_NOFILE, of which
  /// start() raises the soft limit if the session caps need it).
  uint64_t max_descriptors = 0;
  /// Above this many answers that come later a connection's further requests wait.
  size_t max_outstanding_answers = 1024;
};

struct Address {
  std::string host;  ///< numeric
  uint16_t port = 0;
  /// `host:port`, an IPv6 host in brackets.
  std::string text() const;
};

class Server {
 public:
  /// The handler must outlive the server.
  Server(ServerOptions options, RequestHandler& handler);
  /// stop() with its default limit.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and listens; the error names interface and address. Before start() only. Returns the
  /// interface's index.
  Result<size_t> add_interface(InterfaceConfig config);
  /// Session caps for which the process may not have enough descriptors are lowered, and that is
  /// logged; metrics() has the ones that hold.
  Result<void> start();

  /// At any time, from any thread: the chain that the interface presents from the next connection
  /// on. Until the first call connections of a TLS interface are closed at accept. `chain_pem` is
  /// sent exactly as given, leaf first.
  Result<void> set_certificate(size_t interface, std::string_view chain_pem,
                               std::string_view key_pem);

  /// Where an interface listens.
  Address bound_address(size_t interface) const;
  const InterfaceConfig& config(size_t interface) const;
  /// From any thread.
  ServerMetrics metrics() const;
  size_t workers() const;
  /// Runs `task` on that worker's thread soon; dropped once the server has stopped.
  void post(size_t worker, std::function<void()> task);

  /// Refuses new connections, lets answers that are due leave, and returns with all threads ended
  /// and all connections closed after at most about `limit` (plus the handler that is running).
  /// Not from a worker. Idempotent.
  void stop(std::chrono::milliseconds limit = std::chrono::seconds(2));

 private:
  class Running;
  std::unique_ptr<Running> running_;
};

}  // namespace entente::net
