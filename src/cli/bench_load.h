#pragma once
// A closed loop over many connections: each keeps `depth` requests in flight and sends a new one
// for every answer. One event loop per thread; requests of one connection are answered in order
// (RFC 9112 9.3.2), which is how latencies are told apart. A connection that is lost, or whose node
// says that writes go elsewhere, is made again to the node that is primary then; what was in flight
// is never sent a second time.

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

class BenchRecord;

struct LoadOptions {
  std::vector<std::string> addresses;  ///< host:port of nodes of one service, at least one
  TlsIdentity identity;
  uint32_t connections = 1;
  uint32_t depth = 1;  ///< requests in flight on each connection
  uint32_t threads = 1;
  std::chrono::nanoseconds patience = std::chrono::seconds(30);  ///< for a node that takes work
  std::chrono::nanoseconds silence = std::chrono::seconds(10);   ///< then a connection is lost
  BenchRecord* record = nullptr;  ///< of acknowledged writes; owned by the caller
};

/// Longest time without any acknowledged write, over all threads.
class AcknowledgementClock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit AcknowledgementClock(Time begin) : last_(begin.time_since_epoch().count()) {}
  void tick(Time now);
  std::chrono::nanoseconds longest_gap() const { return std::chrono::nanoseconds(longest_.load()); }

 private:
  std::atomic<int64_t> last_;
  std::atomic<int64_t> longest_{0};
};

/// One measured run over the open connections: ends at the first bound that is reached.
struct LoadPhase {
  std::optional<uint64_t> requests;  ///< over all connections
  std::optional<std::chrono::nanoseconds> duration;
  /// The stream of each connection, owned by the caller; may be shared by phases.
  std::vector<RequestStream*> streams;
  int refusal_status = 0;                 ///< an expected answer of this workload beside 2xx
  AcknowledgementClock* clock = nullptr;  ///< filled in by LoadClient::run
};

/// Every write that was sent is exactly one of acknowledged, failed, unknown.
struct WriteOutcomes {
  uint64_t acknowledged = 0;  ///< answered with success
  uint64_t committed = 0;     ///< of them at global commit
  uint64_t failed = 0;        ///< answered with an error: not executed
  uint64_t unknown = 0;       ///< not answered: may or may not have been executed
  uint64_t sent() const { return acknowledged + failed + unknown; }
};

struct LoadResult {
  LatencyHistogram latencies;
  std::array<uint64_t, 600> statuses{};  ///< answers by status
  uint64_t answers = 0;
  uint64_t preferences_applied = 0;  ///< answers given at global commit
  uint64_t unanswered = 0;           ///< in flight on connections that were lost
  uint64_t sent_away = 0;            ///< answers that said that the request belongs elsewhere
  uint64_t lost_connections = 0;
  uint64_t reconnections = 0;
  uint64_t abandoned = 0;  ///< connections that no node took any more
  WriteOutcomes writes;
  std::chrono::nanoseconds longest_gap{};  ///< without an acknowledged write; begin and end count
  std::vector<std::string> problems;       ///< why connections were lost, at most 10
  std::chrono::nanoseconds elapsed{};

  static constexpr size_t most_problems = 10;
  std::string recorded;  ///< not yet in the record's file

  void merge(const LoadResult& other);
};

class LoadClient {
 public:
  /// Opens all connections, each with its handshake: to the only address, or to the primary among
  /// several.
  static Result<LoadClient> open(const LoadOptions& options);
  LoadClient(LoadClient&&) noexcept;
  LoadClient& operator=(LoadClient&&) noexcept;
  ~LoadClient();

  /// Blocks until the phase is over and everything in flight is answered or lost. `progress` is
  /// called about once a second with the answers so far; it may be empty. `stop`, if given, ends
  /// the phase early once it is true.
  LoadResult run(const LoadPhase& phase, const std::function<void(uint64_t answers)>& progress = {},
                 const std::atomic<bool>* stop = nullptr);

  uint32_t connections() const;

 private:
  struct Parts;
  explicit LoadClient(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace entente::cli
