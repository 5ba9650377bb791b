#pragma once
// Finds the node of a service that takes writes, and connects to it: at the start, and again when
// it is gone. Asks HEAD /node/primary (docs/http-api.md), so that one known node that lives is
// enough to find the others.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/tls_client.h"

namespace entente::cli {

class BenchDialler {
 public:
  /// Called on the dialler's thread: a connection, or why there is none in all the patience.
  using Arrival = std::function<void(Result<TlsClient>)>;

  /// `addresses`: host:port, at least one. `patience`: how long to look for a node.
  BenchDialler(TlsContext context, std::vector<std::string> addresses,
               std::chrono::nanoseconds patience);
  /// Ends its thread; nothing arrives any more.
  ~BenchDialler();
  BenchDialler(const BenchDialler&) = delete;
  BenchDialler& operator=(const BenchDialler&) = delete;

  /// One connection, blocking: to the only address, whatever node that is; with several, to the
  /// one that says that it is primary, or that another one says is. Before the first dial().
  Result<TlsClient> connect();

  /// Asks for a connection to the primary; `arrival` gets it later.
  void dial(Arrival arrival);

 private:
  Result<TlsClient> find_primary();
  Result<TlsClient> try_address(std::string address);
  void remember(const std::string& address);
  void run();
  void serve(std::vector<Arrival> waiting);

  TlsContext context_;
  std::vector<std::string> addresses_;  ///< the one that was right last comes first
  std::chrono::nanoseconds patience_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Arrival> waiting_;
  std::atomic<bool> ending_{false};
  std::thread thread_;  ///< from the first dial() on
};

}  // namespace entente::cli
