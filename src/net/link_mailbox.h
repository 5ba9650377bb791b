#pragma once
// What all threads share about links: the peers with their queues and counters, and the orders to
// the link thread. One lock for all of it, held for the time of moving a few pointers; and one
// wake-up for whatever was put in while the link thread slept.

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "entente/result.h"
#include "net/links.h"

namespace entente::net {

struct QueuedMessage {
  MessageKind kind;
  Bytes head;
  std::shared_ptr<const Bytes> body;

  size_t payload_size() const { return head.size() + (body ? body->size() : 0); }
};

struct LinkAmount {
  uint64_t messages = 0, bytes = 0;  ///< bytes with frame headers
  void add(const QueuedMessage& message);
};

/// One peer, for as long as it is dialled or sends to us.
class LinkPeer {
 public:
  explicit LinkPeer(NodeId node) : id(std::move(node)) {}

  const NodeId id;

  // Counters of the link thread.
  struct Traffic {
    std::atomic<uint64_t> messages{0}, bytes{0};
    void add(uint64_t more_messages, uint64_t more_bytes) {
      messages.fetch_add(more_messages, std::memory_order_relaxed);
      bytes.fetch_add(more_bytes, std::memory_order_relaxed);
    }
  };
  Traffic sent, received;
  std::atomic<bool> connected{false}, receiving{false};
  std::atomic<uint64_t> connections{0}, failures{0};

 private:
  friend class LinkMailbox;
  // Under the mailbox's lock.
  std::optional<std::string> address_;  ///< of a peer that is dialled
  std::vector<QueuedMessage> waiting_;
  LinkAmount queued_;  ///< waiting, or taken and not yet settled
  uint64_t dropped_ = 0;
  bool announced_ = false;  ///< in ready_
  std::string last_error_;
};
using LinkPeerPtr = std::shared_ptr<LinkPeer>;

/// Orders and answers to the link thread.
struct LinkMail {
  struct Resolved {
    uint64_t token;
    Result<std::vector<std::string>> hosts;
  };
  /// The peers to dial with their addresses, if they changed.
  std::optional<std::vector<std::pair<LinkPeerPtr, std::string>>> peers;
  std::vector<LinkPeerPtr> ready;  ///< have waiting messages
  std::vector<NodeId> resumed;
  std::vector<Resolved> resolved;
  bool stop = false;

  void clear();
};

class LinkMailbox {
 public:
  LinkMailbox(size_t max_payload, size_t max_queue_bytes, size_t max_queue_messages);
  ~LinkMailbox();
  LinkMailbox(const LinkMailbox&) = delete;
  LinkMailbox& operator=(const LinkMailbox&) = delete;

  // ------------------------------------------------------------------------------- any thread

  /// This node's own id, to which nothing is sent.
  void set_self(const NodeId& self);
  size_t send(std::span<LinkMessage> messages);
  void set_peers(std::map<NodeId, std::string> peers);
  void resume(const NodeId& peer);
  void resolved(LinkMail::Resolved answer);
  /// Nothing is queued from now on.
  void stop();
  std::vector<PeerMetrics> metrics() const;

  // -------------------------------------------------------------------------- the link thread

  /// Readable after a wake-up.
  int descriptor() const { return event_; }
  /// Whether there is no mail; if so, the next that comes wakes.
  bool may_sleep();
  void take(LinkMail& mail);

  /// Reports which of the taken messages were sent, then moves the waiting ones to `into`, which is
  /// empty.
  void take_messages(LinkPeer& peer, LinkAmount sent, std::vector<QueuedMessage>& into);
  /// Reports what became of the taken messages.
  void settle(LinkPeer& peer, LinkAmount sent, LinkAmount lost);
  /// The connection failed: what waits is lost, too.
  void lose_waiting(LinkPeer& peer, const std::string& error);
  /// The record of a node that connected; must be handed back when its connection has ended.
  LinkPeerPtr incoming(const NodeId& id);
  void incoming_ended(LinkPeer& peer);

 private:
  bool queue(LinkMessage& message);
  void wake();
  template <typename Change>
  void change(Change change);
  /// Takes the waiting messages out, so that they are destroyed outside the lock.
  static std::vector<QueuedMessage> drop_waiting(LinkPeer& peer);

  const size_t max_payload_, max_queue_bytes_, max_queue_messages_;
  const int event_;
  mutable std::mutex lock_;
  /// The keys are the ids of the values.
  std::unordered_map<std::string_view, LinkPeerPtr> peers_;
  LinkMail mail_;
  NodeId self_;
  bool asleep_ = false;  ///< the link thread, or about to
  bool stopped_ = false;
};

}  // namespace entente::net
