#pragma once
// Messages between replicas as bytes: what the consensus core says, and the ledger entries that go
// with it. The metadata of entries is not sent: the receiver derives it from the entries
// themselves, so nothing can disagree with them. Source: docs/node-to-node.md (consensus messages).
//
//   u32 length of the head | head (consensus/raft/messages_codec.h) | ledger entries, back to back

#include <functional>
#include <vector>

#include "consensus/messages.h"
#include "entente/bytes.h"
#include "entente/kv/access.h"
#include "entente/result.h"
#include "ledger/entry.h"
#include "replica/node_table.h"

namespace entente::replica {

/// Bytes of the largest message: an entry travels whole, however large its transaction.
inline constexpr size_t max_message_size = kv::max_transaction_size + (64u << 10);

/// The message without entries; the sender appends those of an AppendEntries, prev.seqno+1 … end.
Bytes encode_message(const consensus::Message& message);

struct Arrival {
  Bytes bytes;  ///< what was received; the views below point into it
  consensus::Message message;
  std::vector<ledger::EntryView> entries;  ///< one for each of the message's entries
};

/// What the receiver already knows.
struct Known {
  /// The last entry of a view that it holds, 0 if none. Up to there it holds what the leader of
  /// that view sends, and need not compute leaves.
  std::function<SeqNo(View)> held_through;
  const NodeTable& nodes;
};

/// Everything is checked that can be checked without the ledger before it: framing, ids in
/// sequence, one view, limits. Errors name the place.
Result<Arrival> decode_message(Bytes bytes, const Known& known);

/// Kind, leaf, size, configuration of one entry. `rows` are the nodes before the entry and become
/// those after it.
Result<consensus::EntryMeta> describe_entry(const ledger::EntryView& entry, bool with_leaf,
                                            NodeRows& rows);

}  // namespace entente::replica
