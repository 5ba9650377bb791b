#pragma once
// One thread that accepts connections on all interfaces and hands each to the worker that has the
// fewest. A thread of its own, so that a long-running handler on some worker delays nobody's
// connect; hand-over rather than one SO_REUSEPORT socket per worker, because the system spreads
// those by hash, which leaves workers idle when there are few connections.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "net/endpoint.h"
#include "net/worker.h"

namespace entente::net {

class Acceptor {
 public:
  /// Both must outlive the acceptor.
  Acceptor(const std::vector<std::unique_ptr<Endpoint>>& endpoints,
           const std::vector<std::unique_ptr<Worker>>& workers);
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  void start();
  /// Returns when the thread has ended. Idempotent.
  void stop();

 private:
  void run();
  /// False when the process or the system is out of descriptors or memory.
  bool accept_some(Endpoint& endpoint);
  void hand_over(int socket, Endpoint& endpoint);
  void refuse_one(Endpoint& endpoint);

  const std::vector<std::unique_ptr<Endpoint>>& endpoints_;
  const std::vector<std::unique_ptr<Worker>>& workers_;
  int epoll_;
  int wake_;
  int spare_;  ///< given up to accept and close one connection when there are no descriptors
  size_t next_ = 0;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace entente::net
