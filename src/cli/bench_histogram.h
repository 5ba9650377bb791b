#pragma once
// Counts of latencies in log-linear buckets: constant memory, one increment a value, percentiles
// exact to 1/128 of the value. After Gil Tene's HdrHistogram. Not thread-safe; merge at the end.

#include <array>
#include <chrono>
#include <cstdint>

namespace entente::cli {

class LatencyHistogram {
 public:
  /// Values above 2^42 ns (73 minutes) count as that.
  void record(std::chrono::nanoseconds latency) { ++buckets_[index(latency.count())]; }
  void merge(const LatencyHistogram& other);

  uint64_t count() const;
  /// The smallest value that at least `fraction` (0…1) of all values do not exceed, as the upper
  /// end of its bucket; zero if nothing was recorded.
  std::chrono::nanoseconds percentile(double fraction) const;
  std::chrono::nanoseconds mean() const;
  std::chrono::nanoseconds maximum() const { return percentile(1.0); }

 private:
  static constexpr int precision_bits = 7;
  static constexpr int value_bits = 42;
  static constexpr size_t per_power = 1u << precision_bits;
  static constexpr size_t bucket_count = (value_bits - precision_bits + 1) * per_power;

  static size_t index(int64_t nanoseconds);
  static int64_t upper_end(size_t index);

  std::array<uint64_t, bucket_count> buckets_{};
};

}  // namespace entente::cli
