#include "consensus/signature_policy.h"

#include <algorithm>

namespace entente::consensus {

void SignaturePolicy::on_entry(uint64_t bytes, bool urgent, MonotonicTime now) {
  if (count_ == 0) oldest_ = now;
  ++count_;
  bytes_ += bytes;
  urgent_ = urgent_ || urgent;
}

void SignaturePolicy::on_signature(uint64_t bytes, MonotonicTime now) {
  reset();
  ++in_flight_;
  signature_bytes_ = bytes;
  last_signature_ = now;
}

void SignaturePolicy::reset() {
  count_ = 0;
  bytes_ = 0;
  urgent_ = false;
}

void SignaturePolicy::tune(std::chrono::microseconds round_trip,
                           std::chrono::microseconds signing) {
  using std::chrono::microseconds;
  // One signature in flight per 2 ms of round trip; a quarter of a core for signing.
  constexpr int64_t per_window = 2'000;
  const int64_t windows = (round_trip.count() + per_window - 1) / per_window;
  limits_.window =
      static_cast<size_t>(round_trip.count() < per_window ? 1 : std::min<int64_t>(8, windows));
  limits_.min_gap = std::max(microseconds(1'000), 4 * signing);
}

SignaturePolicy::Decision SignaturePolicy::decide(MonotonicTime now) const {
  if (count_ == 0) return {};
  const auto age = now - oldest_;
  const auto max_age =
      limits_.adaptive ? std::min(limits_.max_delay, limits_.stalled_age) : limits_.max_delay;
  if (count_ >= limits_.max_count || age >= max_age) return {.sign = true};
  const MonotonicTime latest = oldest_ + max_age;
  if (!limits_.adaptive) return {.sign = false, .ask_again = latest};
  if (bytes_ >= limits_.max_bytes) return {.sign = true};
  if (in_flight_ >= limits_.window) return {.sign = false, .ask_again = latest};

  const auto since = last_signature_ ? now - *last_signature_ : limits_.quiet;
  const MonotonicTime gap_over = now + (limits_.min_gap - since);
  if (since < limits_.min_gap) return {.sign = false, .ask_again = std::min(gap_over, latest)};
  const bool worth_it = urgent_ || since >= limits_.quiet || age >= limits_.idle_age ||
                        bytes_ >= limits_.overhead * signature_bytes_;
  if (worth_it) return {.sign = true};
  const MonotonicTime aged = oldest_ + limits_.idle_age;
  const MonotonicTime quiet = now + (limits_.quiet - since);
  return {.sign = false, .ask_again = std::min({aged, quiet, latest})};
}

}  // namespace entente::consensus
