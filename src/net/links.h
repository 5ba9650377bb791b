#pragma once
// The links of a node to its peers: mutual TLS 1.3 over TCP, each side known by its node key.
// Source: docs/node-to-node.md.
//
// A link has a direction. A node dials every peer that it sends to, and sends only on connections
// that it dialled; from connections that it accepted it only receives. So two nodes that talk have
// two connections that know nothing of each other: nobody has to decide which of two survives, and
// a connection that one side holds for open and the other for lost is replaced by the next dial.
// A second incoming connection of the same peer replaces the first.
//
// Delivery: on one connection messages arrive in the order in which they were sent, each once.
// What was queued or under way when a connection ended is lost; nothing is ever sent twice.
//
// Threads: one thread, the link thread, serves all links and calls the handlers; it never waits
// for anything but its sockets. Names are resolved on helper threads. send(), resume(),
// set_peers() and metrics() may be called from any thread, also from within a handler.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/key.h"
#include "crypto/x509.h"
#include "entente/result.h"
#include "net/link_message.h"
#include "net/link_refusals.h"

namespace entente::net {

struct LinkOptions {
  /// `host:port`, `[::1]:port`; port 0 takes a free one.
  std::string listen_address = "127.0.0.1:0";
  /// Source of outgoing connections, `host` or `host:port`; the system's choice if absent.
  std::optional<std::string> source_address = std::nullopt;

  /// Bound on resolving, connecting and the TLS handshake of one attempt together, on the
  /// handshake of an incoming connection, and on how long sent bytes may stay unacknowledged.
  std::chrono::milliseconds connect_timeout{2000};
  /// A connection on which nothing was sent for so long is closed; the next message dials again.
  std::chrono::milliseconds idle_timeout{20'000};
  /// Pause after a failed or lost connection, doubled from one failure to the next. Each is
  /// shortened by a random part of up to a half.
  std::chrono::milliseconds first_backoff{20};
  std::chrono::milliseconds last_backoff{1000};
  uint64_t seed = 1;  ///< of that randomness
  /// Numeric addresses of a host name. May block: it is called on helper threads, which stop() does
  /// not wait for, so it must not refer to anything that dies. The system's resolver if empty.
  std::function<Result<std::vector<std::string>>(const std::string& host)> resolve = nullptr;
  /// How long stop() goes on sending what is queued on open connections.
  std::chrono::milliseconds stop_grace{200};

  /// Bytes of one payload: a ledger entry of 16 MiB and what a message says about it.
  size_t max_payload = (16u << 20) + (64u << 10);
  /// Of one peer, not yet encrypted. A single message always fits in an empty queue.
  size_t max_queue_bytes = 32u << 20;
  size_t max_queue_messages = 65'536;
  /// TLS records sent under one key before it is renewed. Source: RFC 8446 §5.5.
  uint64_t records_per_key = 1u << 23;

  /// Incoming connections that have not yet proven who they are: at most so many at a time (one
  /// more ends the oldest), and so many a second (more wait in the system's queue).
  size_t max_handshakes = 64;
  unsigned handshakes_per_second = 100;
};

/// Who this node is: the certificate must be of this key. Names and dates do not matter, nor does
/// the issuer, except to a peer that has not heard of this node yet.
struct LinkIdentity {
  crypto::KeyPair key;
  crypto::Certificate certificate;
  /// `host:port` at which others dial this node: told first on each connection. Empty: not told.
  std::string address = {};
};

enum class Flow : uint8_t {
  go_on,
  pause  ///< read nothing more from this peer until resume()
};

/// Called on the link thread, never two at a time, and must not block.
struct LinkHandlers {
  /// Whether a node of this id is attested. Asked when a node has proven its identity and for each
  /// message that comes from it; a node that is no longer known is cut off.
  std::function<bool(const NodeId&)> known;
  /// Optional. Asked when a node that is not known has proven its identity: whether its certificate
  /// shows that this service has admitted it, so that this node only has not heard of it yet. Then
  /// its messages of kind consensus are taken, until it has become known once.
  std::function<bool(const NodeId&, const crypto::Certificate&)> vouched_for = nullptr;
  /// Optional. Asked for each message of such a node: whether it must not be taken any more.
  std::function<bool(const NodeId&)> removed = nullptr;
  /// Always takes the message, also with `pause`. The id lives until the call returns.
  std::function<Flow(const NodeId& from, MessageKind kind, Bytes payload)> received;
  /// Optional: a node says where it can be dialled. The text is an address.
  std::function<void(const NodeId& peer, const std::string& address)> introduced = nullptr;
  /// Optional: after the messages that came out of one read. The place for one wake-up per batch.
  std::function<void()> end_of_batch = nullptr;
  /// Optional: the connection to this peer was established, or lost, or could not be made. What
  /// was queued is then lost, so that whoever waits for an answer of the peer can give up.
  std::function<void(const NodeId& peer, bool connected)> connection_changed = nullptr;
};

/// Counters of one peer since it was first seen by these links.
struct PeerMetrics {
  NodeId id;
  std::string address;     ///< as given to set_peers(); empty: it only sends to us
  bool connected = false;  ///< the connection to it stands
  bool receiving = false;  ///< a connection from it stands
  uint64_t sent_messages = 0, sent_bytes = 0;  ///< handed to TLS; bytes with frame headers
  uint64_t received_messages = 0, received_bytes = 0;
  uint64_t dropped_messages = 0;  ///< the queue was full, or the connection was lost
  uint64_t queued_messages = 0, queued_bytes = 0;
  uint64_t connections = 0;  ///< established so far, both directions
  uint64_t failures = 0;     ///< attempts that failed and connections that were lost
  std::string last_error;    ///< of the connection to it; empty: none so far
};

struct LinkMetrics {
  std::vector<PeerMetrics> peers;  ///< by id
  RefusalCounts refusals{};        ///< by LinkRefusal
};

class Links {
 public:
  /// Listens; whoever connects waits until start(). The error names the address.
  static Result<std::unique_ptr<Links>> listen(LinkOptions options);
  /// Stops.
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  /// The address that was bound, numeric, as `host:port`.
  const std::string& address() const;

  /// Once. An error if TLS does not take the identity.
  Result<void> start(const LinkIdentity& identity, LinkHandlers handlers);
  /// Idempotent, may be called from any thread but the link thread. When it returns no handler
  /// runs or will run.
  void stop();

  /// The peers to dial, with their `host:port`; replaces the previous ones. Queues of new peers
  /// exist when it returns. Peers that are gone, or whose address changed, lose their connection
  /// and what was queued. This node's own id is skipped. A bad address is that peer's error only.
  void set_peers(std::map<NodeId, std::string> peers);

  /// Queues a message and returns at once. False if it was not queued: `to` is not one of the
  /// peers, the payload is too large, the queue is full, or the links were stopped. A consensus
  /// message that finds no room is counted as dropped, a forwarded one is the caller's to answer.
  bool send(const NodeId& to, MessageKind kind, Bytes payload);
  /// Several messages to any peers, with one lock and at most one wake-up; moves their bytes.
  /// Returns how many were queued.
  size_t send(std::span<LinkMessage> messages);

  /// Reads again from a peer whose handler said `pause`; without effect if it is not paused.
  void resume(const NodeId& peer);

  LinkMetrics metrics() const;

 private:
  struct Parts;
  explicit Links(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace entente::net
