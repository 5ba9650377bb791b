#pragma once
// Where the replica's entries go. The node writes them to chunk files on a thread of its own
// (ledger_thread.h), the simulator to a simulated disk.

#include "consensus/core.h"
#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::replica {

/// Calls come from the replica thread, in order. None of them blocks on a disk.
class LedgerSink {
 public:
  virtual ~LedgerSink() = default;
  /// Whole entries, back to back, the last of which is `last`. When they are held as the durability
  /// policy demands, the sink tells the replica by StableNotice{epoch, last}.
  virtual void append(consensus::Epoch epoch, SeqNo last, Bytes entries) = 0;
  /// Everything up to here is globally committed.
  virtual void commit(SeqNo seqno) = 0;
  /// Everything above `last` is gone.
  virtual void truncate(SeqNo last) = 0;
};

}  // namespace entente::replica
