#pragma once
// Messages as bytes, the entries of AppendEntries excepted: their content is the driver's, and the
// receiver derives their metadata from the content. Fixed-width little-endian integers; every
// message has exactly one form. Everything that comes in is hostile: the limits of
// consensus/messages.h hold and nothing is allocated before the bytes for it are there.
// Source: docs/consensus.md (messages as bytes).

#include "consensus/messages.h"
#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::consensus {

/// The message without entries. It obeys the limits (asserted).
Bytes encode_head(const Message& message);

/// Exactly one message, nothing after it. Of AppendEntries, prev and end say which entries must
/// come with it, at most message_limit::entries.
Result<Message> decode_head(BytesView bytes);

}  // namespace entente::consensus
