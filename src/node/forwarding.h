#pragma once
// Forwarding between the nodes of a service. On a backup: sends requests to the primary over the
// links and brings the answers back to whoever waits. On the primary: executes what others sent.
// Every node is both, as roles change. Source: docs/node-to-node.md (forwarded requests).
//
// Threads: forward() is called by workers; received() and connection_changed() by the link thread,
// which they never block; one thread of its own looks at the time, and others execute requests.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "node/forwarded_calls.h"
#include "node/forwarded_executor.h"

namespace entente::node {

struct ForwardingOptions {
  size_t executors = 1;                            ///< threads for requests of other nodes
  size_t max_open_calls = 10'000;                  ///< that wait for an answer of the primary
  size_t max_payload = (16u << 20) + (64u << 10);  ///< of one message; not above the links' own
  ForwardedExecutorLimits executor;                ///< of each
};

struct ForwardingCounts {
  ForwardedCallCounts calls;  ///< of this node's clients
  uint64_t executed = 0;      ///< requests of other nodes
  uint64_t refused = 0;       ///< of those that came, because the queue was full
  uint64_t malformed = 0;     ///< messages that could not be read
  uint64_t unsent = 0;        ///< answers that the link did not take
};

class Forwarding final : public rpc::Forwarder {
 public:
  /// Everything handed in must outlive stop(), and the frontends and the replica this object. The
  /// frontends are sealed; frontends.forward_with(*this) is the caller's to say.
  Forwarding(ForwardingOptions options, rpc::Frontends& frontends, replica::Replica& replica,
             const Clock& clock, SendMessages send);
  ~Forwarding() override;
  Forwarding(const Forwarding&) = delete;
  Forwarding& operator=(const Forwarding&) = delete;

  rpc::Forwarded forward(const NodeId& primary, const http::Request& request,
                         const rpc::SessionFacts& facts, rpc::ForwardedAnswer answer) override;

  /// What came over a link from an authenticated node; any kind but consensus.
  void received(const NodeId& from, net::MessageKind kind, Bytes payload);
  /// As the links say it.
  void connection_changed(const NodeId& peer, bool connected);

  /// Open calls are answered, executors end, nothing is sent any more. Idempotent.
  void stop();

  ForwardingCounts counts() const;

 private:
  void request_received(const NodeId& from, Bytes payload);
  void response_received(const NodeId& from, const Bytes& payload);
  void keep_time();
  void wake_timekeeper();

  const ForwardingOptions options_;
  replica::Replica& replica_;
  const Clock& clock_;
  const std::shared_ptr<ForwardedOutbox> outbox_;
  ForwardedCalls calls_;
  std::vector<std::unique_ptr<ForwardedExecutor>> executors_;
  std::atomic<uint64_t> refused_{0};
  std::atomic<uint64_t> malformed_{0};

  std::mutex time_mutex_;
  std::condition_variable time_changed_;
  bool stopping_ = false;            // guarded by time_mutex_
  std::atomic<bool> asleep_{false};  // the timekeeper waits to be woken
  std::thread timekeeper_;
};

}  // namespace entente::node
