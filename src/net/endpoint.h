#pragma once
// One listening interface at run time. Shared by the acceptor and all workers, which it outlives.

#include <openssl/ssl.h>

#include <memory>
#include <mutex>

#include "entente/result.h"
#include "net/counters.h"
#include "net/interface.h"
#include "net/server.h"

namespace entente::net {

class Endpoint {
 public:
  /// Binds and listens. The error names interface and address.
  static Result<std::unique_ptr<Endpoint>> listen(InterfaceConfig config, size_t index,
                                                  ConnectionCount& total);
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  const InterfaceConfig config;
  const size_t index;
  const Address bound;
  /// The listening socket, until stop_listening().
  int socket() const { return socket_; }
  /// Clients that connect from now on are told so. Only when nobody accepts any more.
  void stop_listening();

  /// The configured ones, or less where the system allows fewer connections. Fixed once the server
  /// has started.
  uint64_t soft_cap, hard_cap;
  ConnectionCount connections;
  ErrorCounters errors;

  void connection_opened() {
    connections.opened();
    total_.opened();
  }
  void connection_closed() {
    connections.closed();
    total_.closed();
  }

  /// Null until a certificate was set. Any thread.
  std::shared_ptr<SSL_CTX> tls() const;
  void set_tls(std::shared_ptr<SSL_CTX> context);

 private:
  Endpoint(InterfaceConfig config, size_t index, int socket, Address bound, ConnectionCount& total);

  int socket_;
  ConnectionCount& total_;
  mutable std::mutex lock_;
  std::shared_ptr<SSL_CTX> tls_;
};

}  // namespace entente::net
