#pragma once
// A closed loop over many connections: each keeps `depth` requests in flight and sends a new one
// for every answer. One event loop per thread; requests of one connection are answered in order
// (RFC 9112 9.3.2), which is how latencies are told apart.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_histogram.h"
#include "cli/bench_workload.h"
#include "cli/tls_client.h"

namespace entente::cli {

struct LoadOptions {
  std::string address;  ///< host:port
  TlsIdentity identity;
  uint32_t connections = 1;
  uint32_t depth = 1;  ///< requests in flight on each connection
  uint32_t threads = 1;
};

/// One measured run over the open connections: ends at the first bound that is reached.
struct LoadPhase {
  std::optional<uint64_t> requests;  ///< over all connections
  std::optional<std::chrono::nanoseconds> duration;
  /// The stream of each connection, owned by the caller; may be shared by phases.
  std::vector<RequestStream*> streams;
};

struct LoadResult {
  LatencyHistogram latencies;
  std::array<uint64_t, 600> statuses{};  ///< answers by status
  uint64_t answers = 0;
  uint64_t preferences_applied = 0;   ///< answers given at global commit
  uint64_t unanswered = 0;            ///< in flight on connections that were lost
  std::vector<std::string> problems;  ///< one for each lost connection, at most 10
  std::chrono::nanoseconds elapsed{};

  void merge(const LoadResult& other);
};

class LoadClient {
 public:
  /// Opens all connections, each with its handshake.
  static Result<LoadClient> open(const LoadOptions& options);
  LoadClient(LoadClient&&) noexcept;
  LoadClient& operator=(LoadClient&&) noexcept;
  ~LoadClient();

  /// Blocks until the phase is over and everything in flight is answered (for at most 10 seconds
  /// of silence). `progress` is called about once a second with the answers so far; it may be
  /// empty. `stop`, if given, ends the phase early once it is true.
  LoadResult run(const LoadPhase& phase, const std::function<void(uint64_t answers)>& progress = {},
                 const std::atomic<bool>* stop = nullptr);

  uint32_t connections() const;

 private:
  struct Parts;
  explicit LoadClient(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace entente::cli
