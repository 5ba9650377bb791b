#pragma once
// Where answers to forwarded requests leave. Some come long after their request was executed, on
// whatever thread learns of the commit, even while the node stops: the outbox outlives the links.

#include <atomic>
#include <functional>
#include <mutex>
#include <span>
#include <vector>

#include "net/link_message.h"
#include "node/forwarded_messages.h"

namespace entente::node {

/// Several messages to any peers; returns how many were taken. Thread-safe, does not block.
using SendMessages = std::function<size_t(std::span<net::LinkMessage>)>;

/// Thread-safe.
class ForwardedOutbox {
 public:
  ForwardedOutbox(SendMessages send, size_t max_payload)
      : max_payload_(max_payload), send_(std::move(send)) {}

  size_t max_payload() const { return max_payload_; }
  /// After close() nothing is sent.
  size_t send(std::span<net::LinkMessage> messages);
  bool send(const NodeId& to, net::MessageKind kind, Bytes payload);
  /// The answer, or, if it is larger than a message may be, an error in its place.
  Bytes encode_answer(const ForwardedResponse& answer) const;
  void send_answer(const NodeId& to, const ForwardedResponse& answer);
  /// When it returns, nobody is sending any more.
  void close();

  std::atomic<size_t> waiting{0};   ///< answers that wait for global commit
  std::atomic<uint64_t> unsent{0};  ///< answers that the link did not take

 private:
  const size_t max_payload_;
  std::mutex mutex_;
  SendMessages send_;  // guarded by mutex_; empty once closed
};

}  // namespace entente::node
