#pragma once
// How other threads reach a worker: accepted connections, answers that come later, and tasks.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "entente/http.h"
#include "net/endpoint.h"

namespace entente::net {

/// A connection on its way from the acceptor to a worker. Counted by its endpoint from the moment
/// it is made until it is destroyed or release()d to its new owner.
class AcceptedConnection {
 public:
  AcceptedConnection(int socket, Endpoint& endpoint, std::shared_ptr<SSL_CTX> context,
                     bool refused);
  AcceptedConnection(AcceptedConnection&& other) noexcept;
  AcceptedConnection& operator=(AcceptedConnection&&) = delete;
  ~AcceptedConnection();

  /// The socket, whose closing and counting the caller takes over.
  int release();

  Endpoint& endpoint;
  std::shared_ptr<SSL_CTX> context;  ///< null on unsecured interfaces
  const bool refused;                ///< above the soft cap

 private:
  int socket_;
};

struct LateAnswer {
  uint64_t connection = 0;
  uint64_t slot = 0;
  http::Response response;
};

/// Thread-safe. One worker takes, anyone posts.
class Mailbox {
 public:
  using Item = std::variant<AcceptedConnection, LateAnswer, std::function<void()>>;

  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Dropped when the mailbox was closed.
  void post(Item item);
  /// All items so far, in order; clears the signal.
  void take(std::vector<Item>& items);
  /// From now on everything that is posted is dropped, and so is what was not taken.
  void close();
  /// Readable while there are items.
  int descriptor() const { return event_; }

 private:
  const int event_;
  std::mutex lock_;
  std::vector<Item> items_;
  bool signalled_ = false;
  bool closed_ = false;
};

}  // namespace entente::net
