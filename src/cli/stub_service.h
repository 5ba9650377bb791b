#pragma once
// A tiny TLS service for tests of clients: threads that block, one per connection.

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/identity_files.h"

struct ssl_ctx_st;

namespace entente::cli::test {

struct StubRequest {
  std::string method;
  std::string target;
  std::string header;
  std::string body;
};
/// The whole text of an answer. Called on many threads.
using StubHandler = std::function<std::string(const StubRequest&)>;

std::string stub_answer(int status, const std::string& body = "", const std::string& extra = "");

class StubService {
 public:
  /// Makes its identity in `folder`, listens on a free port of 127.0.0.1.
  StubService(const std::string& folder, StubHandler handler);
  ~StubService();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  const std::string& certificate_file() const { return identity_.certificate; }
  /// Connections end after this many answers; 0: never.
  std::atomic<int> answers_per_connection{0};

 private:
  void accept_all();
  void serve(int socket);

  StubHandler handler_;
  IdentityFiles identity_;
  ssl_ctx_st* context_ = nullptr;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace entente::cli::test
