#pragma once
// When the primary signs: adaptive group commit. A signature is the only commit point, so signing
// is what makes earlier entries committable; any choice of moment is safe. Deterministic: time
// and costs are inputs. Source: docs/consensus.md (signature and commit-latency policy).

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/environment.h"

namespace entente::consensus {

struct SignatureLimits {
  uint64_t max_count = 5000;                       ///< `ledger_signatures.tx_count`
  std::chrono::microseconds max_delay{1'000'000};  ///< `ledger_signatures.delay`
  bool adaptive = true;                            ///< false: only the two bounds above
  size_t window = 1;                               ///< signatures in flight, uncommitted
  std::chrono::microseconds min_gap{1'000};        ///< between two signatures
  std::chrono::microseconds quiet{10'000};         ///< after this long, sign at once
  std::chrono::microseconds idle_age{2'000};       ///< an entry older than this is signed
  std::chrono::microseconds stalled_age{50'000};   ///< sign even with a full window
  uint64_t overhead = 4;                           ///< bytes signed per signature byte
  uint64_t max_bytes = 4u << 20;
};

class SignaturePolicy {
 public:
  explicit SignaturePolicy(SignatureLimits limits) : limits_(limits) {}

  /// An entry that no signature covers yet. `urgent`: its writer waits for commit, or the protocol
  /// needs it committed (configuration, governance).
  void on_entry(uint64_t bytes, bool urgent, MonotonicTime now);
  /// A signature entry of `bytes` was appended; it covers all entries before it.
  void on_signature(uint64_t bytes, MonotonicTime now);
  /// `in_flight` signatures are appended and not committed.
  void on_commit(size_t in_flight) { in_flight_ = in_flight; }
  /// Everything after the last signature is gone, or leadership is.
  void reset();
  /// Window and minimum gap, from a measured round trip to the quorum and cost of one signature.
  void tune(std::chrono::microseconds round_trip, std::chrono::microseconds signing);

  struct Decision {
    bool sign = false;
    /// When nothing else happens, ask again at this time.
    std::optional<MonotonicTime> ask_again;
  };
  Decision decide(MonotonicTime now) const;

  uint64_t unsigned_entries() const { return count_; }

 private:
  SignatureLimits limits_;
  uint64_t count_ = 0;
  uint64_t bytes_ = 0;
  bool urgent_ = false;
  MonotonicTime oldest_{0};
  size_t in_flight_ = 0;
  uint64_t signature_bytes_ = 0;
  std::optional<MonotonicTime> last_signature_;
};

}  // namespace entente::consensus
