#pragma once
// Messages as bytes. Fixed-width little-endian integers; lists carry their length first; nodes come
// in ascending order, so a message has exactly one form. Everything that comes in is hostile: the
// limits of consensus/messages.h hold and nothing is allocated before the bytes for it are there.
// Source: docs/consensus.md (messages as bytes).

#include "consensus/messages.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::consensus {

/// Appends the message. The message obeys the limits (asserted).
void encode(const Message& message, Bytes& out);

/// Exactly one message, nothing after it.
Result<Message> decode(BytesView bytes);

}  // namespace entente::consensus
