#pragma once
// The requests that this node has forwarded and whose answers are still to come. Each ends exactly
// once: by its answer, its time-out, or because the answer cannot be trusted to come any more.
// Source: docs/node-to-node.md (forwarded requests).
//
// Thread-safe. Answers are called outside of the lock, on the thread that ends the call.

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "base/environment.h"
#include "node/forwarded_messages.h"
#include "rpc/forwarder.h"

namespace entente::node {

struct ForwardedCall {
  NodeId to;
  uint64_t session = 0;
  View view;  ///< that the session is pinned to
  MonotonicTime sent{};
  std::chrono::milliseconds patience{};
  rpc::ForwardedAnswer answer;
};

struct ForwardedCallCounts {
  uint64_t forwarded = 0;  ///< handed to the link
  uint64_t answered = 0;
  uint64_t timed_out = 0;
  uint64_t cut_off = 0;  ///< the link was lost, the view changed, or the node stopped
  uint64_t late = 0;     ///< answers that no call waited for, or not from this node
  uint64_t open = 0;     ///< now
};

class ForwardedCalls {
 public:
  explicit ForwardedCalls(size_t max_open) : max_open_(max_open) {}

  /// The correlation id, or nullopt if too many are open.
  std::optional<uint64_t> open(ForwardedCall call);
  /// The request was not sent after all: the call ends without an answer. False if it has ended
  /// already, with one.
  bool cancel(uint64_t correlation);

  /// From whom it was asked, in time; anything else is dropped and counted.
  void answer(const NodeId& from, ForwardedResponse&& answer);
  /// The primary answered, but what it sent is no answer.
  void answer_unreadable(const NodeId& from, uint64_t correlation);
  /// 504 for every call whose patience is over; the connection of the client stays.
  void expire(MonotonicTime now);
  /// What was on its way to this node or back is lost: 504, and the client's connection is closed.
  void connection_lost(const NodeId& peer, MonotonicTime now);
  /// Sessions of other views are over: 504, and the client's connection is closed.
  void enter_view(View view, MonotonicTime now);
  /// 504 for all; none can be opened any more.
  void end(MonotonicTime now);

  bool empty() const;
  ForwardedCallCounts counts() const;

 private:
  using Open = std::map<uint64_t, ForwardedCall>;
  void forget(Open::iterator call);
  std::optional<ForwardedCall> take(const NodeId& from, uint64_t correlation);
  template <typename Condition>
  std::vector<ForwardedCall> take_if(const Condition& condition);
  static void answer_timed_out(const ForwardedCall& call, MonotonicTime now, bool close);

  const size_t max_open_;
  mutable std::mutex mutex_;
  bool ended_ = false;  // guarded by mutex_, like the rest
  uint64_t next_ = 1;
  Open open_;  // by correlation
  std::set<std::pair<MonotonicTime, uint64_t>> deadlines_;
  ForwardedCallCounts counts_;
};

}  // namespace entente::node
