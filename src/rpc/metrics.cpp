#include "rpc/metrics.h"

namespace entente::rpc {

std::shared_ptr<CounterShard> Counters::add_shard(size_t endpoints) {
  auto shard = std::make_shared<CounterShard>(endpoints);
  const std::lock_guard lock(mutex_);
  shards_.push_back(shard);
  return shard;
}

std::vector<EndpointCounts> Counters::sums() const {
  std::vector<EndpointCounts> sums;
  const std::lock_guard lock(mutex_);
  for (const auto& shard : shards_) {
    if (sums.size() < shard->cells_.size()) sums.resize(shard->cells_.size());
    for (size_t i = 0; i < shard->cells_.size(); ++i) {
      const auto& cell = shard->cells_[i];
      sums[i].calls += cell.calls.load(std::memory_order_relaxed);
      sums[i].client_errors += cell.client_errors.load(std::memory_order_relaxed);
      sums[i].server_errors += cell.server_errors.load(std::memory_order_relaxed);
      sums[i].retries += cell.retries.load(std::memory_order_relaxed);
    }
  }
  return sums;
}

uint64_t Counters::dispatch_failures() const {
  uint64_t sum = 0;
  const std::lock_guard lock(mutex_);
  for (const auto& shard : shards_) {
    sum += shard->dispatch_failures_.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace entente::rpc
