#pragma once
// What something takes when nothing is in its way: the shortest of the times that were measured in
// the last one to two intervals. Not thread-safe.

#include <algorithm>
#include <optional>

#include "base/environment.h"

namespace entente::replica {

class Fastest {
 public:
  explicit Fastest(MonotonicTime interval) : interval_(interval) {}

  void add(MonotonicTime sample, MonotonicTime now) {
    if (!begun_ || now - *begun_ >= interval_) {
      // What is older than two intervals is forgotten.
      before_ = begun_ && now - *begun_ < 2 * interval_ ? current_ : std::nullopt;
      current_.reset();
      begun_ = now;
    }
    current_ = current_ ? std::min(*current_, sample) : sample;
  }

  std::optional<MonotonicTime> get() const {
    if (!current_ || !before_) return current_ ? current_ : before_;
    return std::min(*current_, *before_);
  }

 private:
  MonotonicTime interval_;
  std::optional<MonotonicTime> begun_;  // the current interval
  std::optional<MonotonicTime> current_, before_;
};

}  // namespace entente::replica
