#pragma once
// What travels on a link between two nodes. Source: docs/node-to-node.md (messages).

#include <cstdint>
#include <memory>

#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::net {

/// The second field of a frame. What the payload means is known to the layers above only.
enum class MessageKind : uint8_t {
  consensus = 1,          ///< may be lost: dropped when the peer's queue is full
  forwarded_request = 2,  ///< refused when the queue is full, so that the caller can answer
  forwarded_response = 3,
  introduction = 4,  ///< sent by links themselves: where the sender can be dialled
};

/// One message to one peer. Its payload is `head` followed by `body`, if there is one: bytes that
/// many peers get are encoded once and shared, what differs between the peers is in the head.
struct LinkMessage {
  const NodeId* to = nullptr;  ///< must live until the call that it is handed to returns
  MessageKind kind = MessageKind::consensus;
  Bytes head;
  std::shared_ptr<const Bytes> body = nullptr;

  size_t payload_size() const { return head.size() + (body ? body->size() : 0); }
};

}  // namespace entente::net
