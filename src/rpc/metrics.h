#pragma once
// Counts of requests by endpoint. Each worker counts into its own shard, so counting costs no
// contention; readers add the shards up.

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace entente::rpc {

struct EndpointCounts {
  uint64_t calls = 0;          ///< finished requests
  uint64_t client_errors = 0;  ///< of them, answered 4xx
  uint64_t server_errors = 0;  ///< of them, answered 5xx
  uint64_t retries = 0;        ///< executions beyond the first
};

/// Written by one thread, read by any.
class CounterShard {
 public:
  explicit CounterShard(size_t endpoints) : cells_(endpoints) {}
  void count(size_t endpoint, int status, int attempts) {
    Cell& cell = cells_[endpoint];
    bump(cell.calls, 1);
    if (status >= 500) {
      bump(cell.server_errors, 1);
    } else if (status >= 400) {
      bump(cell.client_errors, 1);
    }
    if (attempts > 1) bump(cell.retries, static_cast<uint64_t>(attempts - 1));
  }
  void count_dispatch_failure() { bump(dispatch_failures_, 1); }

 private:
  friend class Counters;
  using Counter = std::atomic<uint64_t>;
  struct Cell {
    Counter calls{0}, client_errors{0}, server_errors{0}, retries{0};
  };
  /// One writer: a plain add would do, readers only need whole values.
  static void bump(Counter& counter, uint64_t by) {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::vector<Cell> cells_;  ///< by Endpoint::index
  Counter dispatch_failures_{0};
};

class Counters {
 public:
  std::shared_ptr<CounterShard> add_shard(size_t endpoints);
  std::vector<EndpointCounts> sums() const;
  /// Requests that found no endpoint.
  uint64_t dispatch_failures() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<CounterShard>> shards_;
};

}  // namespace entente::rpc
