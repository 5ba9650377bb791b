#pragma once
// One thread: its event loop, and its connections.
//
// The loop is a plain epoll loop rather than Boost.Asio's: one turn reads all ready connections,
// runs the layer above once at the end of the batch and only then sends, with one receive and one
// send per connection; with Asio every read and write is a completion of its own, and the batch
// would have to be rebuilt on top of that. System calls are half of the CPU of an unpipelined
// request and OpenSSL is a third, so there is nothing to gain from another layer between; and
// Asio's headers stay out of the build.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "net/connection.h"

namespace entente::net {

class Worker {
 public:
  /// Options and handler must outlive the worker.
  Worker(size_t index, const ServerOptions& options, RequestHandler& handler);
  /// The thread must have ended.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  /// Any thread: from now on no request is read; the thread ends when all answers that are due
  /// have left, and at the deadline at the latest.
  void stop(SteadyTime deadline);
  void join();

  Mailbox& mailbox() { return *context_.mailbox; }
  /// Connections that it has or is about to get. The acceptor counts up, the worker down.
  std::atomic<size_t>& load() { return load_; }

 private:
  /// Output of one connection within the round's; it may have several, in this order.
  struct Range {
    Connection* connection;
    size_t begin, end;
  };

  void run();
  int wait_time() const;
  void on_event(uint64_t id, uint32_t events);
  void take_mail();
  void accept(AcceptedConnection accepted);
  void resume_some();
  void tick();
  void shut_down_all();
  bool may_end() const;

  /// Around every call that may append output of a connection.
  template <typename Call>
  void drive(Connection& connection, Call call);
  void end_round();
  void end_round_if_large();
  void watch(Connection& connection);
  void bury(Connection& connection);
  Connection* find(uint64_t id);

  const ServerOptions& options_;
  WorkerContext context_;
  WorkerBuffers buffers_;
  int epoll_;
  std::thread thread_;
  std::atomic<size_t> load_{0};

  std::vector<std::unique_ptr<Connection>> connections_;  ///< by the low part of their id
  std::vector<uint32_t> free_places_;
  size_t open_ = 0;
  uint64_t next_number_ = 1;

  std::vector<Range> round_;
  std::vector<uint64_t> resumables_, resuming_;
  std::vector<std::unique_ptr<Connection>> dead_;  ///< until the round is over
  std::vector<Mailbox::Item> mail_;
  SteadyTime next_tick_{}, next_sweep_{};
  bool stopping_ = false;
  SteadyTime deadline_{};
};

}  // namespace entente::net
