#pragma once
// Executes what other nodes forwarded, on a thread of its own with a lane of its own: a batch at a
// time, all of whose transactions are handed over at once and all of whose answers leave together.
// Requests of one session are executed in the order in which they came.

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/occasional.h"
#include "node/forwarded_outbox.h"
#include "replica/replica.h"
#include "rpc/frontends.h"

namespace entente::node {

struct ForwardedExecutorLimits {
  size_t queued_requests = 10'000;
  size_t queued_bytes = 64 << 20;  ///< a single request always fits into an empty queue
  /// One node may fill this part of both: whoever floods the queue leaves room for the others. At
  /// least one request of each node is taken as long as the whole queue has room.
  size_t shares = 4;
  /// Answers that may wait for global commit; beyond it the local answer is sent at once.
  size_t waiting_answers = 10'000;
};

class ForwardedExecutor {
 public:
  /// Starts the thread. Everything handed in must outlive it.
  ForwardedExecutor(ForwardedExecutorLimits limits, rpc::Frontends& frontends,
                    replica::Replica& replica, const Clock& clock,
                    std::shared_ptr<ForwardedOutbox> outbox);
  /// Stops.
  ~ForwardedExecutor();

  /// Any thread. False if the queue, or what one node may have in it, is full.
  bool put(const NodeId& from, Bytes request);
  /// Finishes what is being executed and the little that was taken with it; drops what is queued.
  /// Idempotent.
  void stop();

  uint64_t executed() const { return executed_; }
  uint64_t malformed() const { return malformed_; }

 private:
  struct Queued {
    NodeId from;
    Bytes bytes;
  };

  void run();
  bool take(std::vector<Queued>& batch);
  void execute(const Queued& queued, std::vector<net::LinkMessage>& answers);
  std::shared_ptr<rpc::ClientCertificate> certificate(BytesView der);

  const ForwardedExecutorLimits limits_;
  rpc::Frontends& frontends_;
  const Clock& clock_;
  const std::shared_ptr<ForwardedOutbox> outbox_;
  std::unique_ptr<replica::Lane> lane_;
  rpc::Worker worker_;
  // Of its thread: parsing a certificate takes longer than most requests.
  std::unordered_map<std::string, std::shared_ptr<rpc::ClientCertificate>> certificates_;
  Occasional refusals_{std::chrono::seconds(10)};
  std::atomic<uint64_t> executed_{0};
  std::atomic<uint64_t> malformed_{0};

  std::mutex mutex_;
  std::condition_variable changed_;
  struct Share {
    size_t requests = 0, bytes = 0;
  };
  std::vector<Queued> queue_;       // guarded by mutex_, like the rest
  std::map<NodeId, Share> shares_;  // of what is queued
  size_t queued_bytes_ = 0;
  bool waiting_ = false;
  std::atomic<bool> stopping_{false};  // read without it between batches

  std::thread thread_;
};

}  // namespace entente::node
