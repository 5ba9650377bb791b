#pragma once
// Where the replica's entries go. The node writes them to chunk files on a thread of its own
// (ledger_thread.h), the simulator to a simulated disk.

#include <memory>

#include "consensus/core.h"
#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::replica {

/// Entries that a node lacks and that only the ledger still has. The sink fills `entries` in and
/// puts the request into the inbox; without any when they cannot be read.
struct LedgerRead {
  NodeId to;
  consensus::Message message;  ///< an AppendEntries: prev.seqno+1 … end are wanted
  SeqNo last;                  ///< the last one read
  Bytes entries;               ///< back to back
};

/// Calls come from the replica thread, in order. None of them blocks on a disk.
class LedgerSink {
 public:
  virtual ~LedgerSink() = default;
  /// Whole entries, back to back, the last of which is `last`. When they are held as the durability
  /// policy demands, the sink tells the replica by StableNotice{epoch, last}.
  virtual void append(consensus::Epoch epoch, SeqNo last, std::shared_ptr<const Bytes> entries) = 0;
  /// Everything up to here is globally committed.
  virtual void commit(SeqNo seqno) = 0;
  /// Everything above `last` is gone.
  virtual void truncate(SeqNo last) = 0;
  /// After everything before it in the order of these calls.
  virtual void read(LedgerRead wanted) = 0;
};

}  // namespace entente::replica
