#include "cli/bench_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace entente::cli {

size_t LatencyHistogram::index(int64_t nanoseconds) {
  constexpr uint64_t largest = (uint64_t{1} << value_bits) - 1;
  const uint64_t value =
      std::min(largest, static_cast<uint64_t>(std::max<int64_t>(nanoseconds, 0)));
  // Below 2^precision each value has its own bucket; each further power of two has per_power.
  if (value < per_power) return value;
  const int shift = std::bit_width(value) - 1 - precision_bits;
  return (static_cast<size_t>(shift) + 1) * per_power + (value >> shift) - per_power;
}

int64_t LatencyHistogram::upper_end(size_t index) {
  if (index < per_power) return static_cast<int64_t>(index);
  const size_t shift = index / per_power - 1;
  return static_cast<int64_t>(((index % per_power + per_power + 1) << shift) - 1);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < bucket_count; ++i) buckets_[i] += other.buckets_[i];
}

uint64_t LatencyHistogram::count() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), uint64_t{0});
}

std::chrono::nanoseconds LatencyHistogram::percentile(double fraction) const {
  const double wanted = std::ceil(fraction * static_cast<double>(count()));
  uint64_t seen = 0;
  for (size_t i = 0; i < bucket_count; ++i) {
    seen += buckets_[i];
    if (seen != 0 && static_cast<double>(seen) >= wanted) {
      return std::chrono::nanoseconds(upper_end(i));
    }
  }
  return {};
}

std::chrono::nanoseconds LatencyHistogram::mean() const {
  double sum = 0;
  for (size_t i = 0; i < bucket_count; ++i) {
    sum += static_cast<double>(buckets_[i]) * static_cast<double>(upper_end(i));
  }
  const uint64_t n = count();
  return std::chrono::nanoseconds(n == 0 ? 0 : static_cast<int64_t>(sum / static_cast<double>(n)));
}

}  // namespace entente::cli
