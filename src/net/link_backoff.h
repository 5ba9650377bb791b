#pragma once
// Pauses between attempts: doubled from failure to failure up to a bound, and each shortened by a
// random part, so that nodes that lost each other at the same time do not dial in step.

#include <algorithm>
#include <chrono>
#include <random>

namespace entente::net {

class LinkBackoff {
 public:
  LinkBackoff(std::chrono::milliseconds first, std::chrono::milliseconds last)
      : first_(first), last_(last) {}

  /// Between a half and the whole of the pause that is due.
  template <typename Random>
  std::chrono::microseconds next(Random& random) {
    due_ = due_.count() == 0 ? first_ : std::min(last_, 2 * due_);
    const std::chrono::microseconds whole = due_;
    return whole - std::chrono::microseconds(random() % (whole.count() / 2 + 1));
  }
  void reset() { due_ = {}; }
  /// Whether something failed since the last reset.
  bool pending() const { return due_.count() != 0; }

 private:
  const std::chrono::milliseconds first_, last_;
  std::chrono::milliseconds due_{};
};

}  // namespace entente::net
