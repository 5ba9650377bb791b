#pragma once
// Connections and errors of one interface, and the connections of all. Written by the acceptor and
// the workers, read by anyone.

#include <atomic>
#include <cstdint>

#include "net/interface.h"

namespace entente::net {

class ConnectionCount {
 public:
  void opened() {
    const uint64_t now = active_.fetch_add(1, std::memory_order_relaxed) + 1;
    uint64_t peak = peak_.load(std::memory_order_relaxed);
    while (peak < now && !peak_.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
  }
  void closed() { active_.fetch_sub(1, std::memory_order_relaxed); }
  uint64_t active() const { return active_.load(std::memory_order_relaxed); }
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> active_{0};
  std::atomic<uint64_t> peak_{0};
};

struct ErrorCounters {
  std::atomic<uint64_t> parsing{0};
  std::atomic<uint64_t> request_payload_too_large{0};
  std::atomic<uint64_t> request_header_too_large{0};

  ErrorCounts values() const {
    return {parsing.load(), request_payload_too_large.load(), request_header_too_large.load()};
  }
};

}  // namespace entente::net
