#pragma once
// Keeps what happens again and again from filling the log: one line per interval, and how many
// were left out since the one before. Not thread-safe.

#include <optional>
#include <utility>

#include "base/environment.h"

namespace entente {

class Occasional {
 public:
  explicit Occasional(MonotonicTime interval) : interval_(interval) {}

  /// Whether to speak now: how many times nothing was said since the last time, or nullopt.
  std::optional<uint64_t> due(MonotonicTime now) {
    if (spoke_ && now - *spoke_ < interval_) {
      ++left_out_;
      return std::nullopt;
    }
    spoke_ = now;
    return std::exchange(left_out_, 0);
  }

 private:
  MonotonicTime interval_;
  std::optional<MonotonicTime> spoke_;
  uint64_t left_out_ = 0;
};

}  // namespace entente
