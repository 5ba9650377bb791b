#pragma once
// The bytes of the newest ledger entries, for nodes that follow closely. What is older is read from
// the ledger. Used by the replica thread alone.

#include <deque>
#include <memory>
#include <vector>

#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::replica {

class RecentEntries {
 public:
  /// Blocks are dropped from the oldest on when more than `max_bytes` are held; the newest stays.
  explicit RecentEntries(size_t max_bytes = 16 << 20) : max_bytes_(max_bytes) {}

  /// Whole entries of one view, back to back, the first of them `first`; sizes[i] is the size of
  /// entry first+i. Anything held from `first` on must have been truncated before.
  void append(SeqNo first, View view, std::shared_ptr<const Bytes> bytes,
              std::vector<uint32_t> sizes);
  void truncate(SeqNo last);

  /// Appends entries first … last to `out` if all of them are held and of this view.
  bool copy(SeqNo first, SeqNo last, View view, Bytes& out) const;
  /// The first seqno held, or one more than the last ever held.
  SeqNo first() const { return blocks_.empty() ? next_ : blocks_.front().first; }

 private:
  struct Block {
    SeqNo first;
    View view;
    std::shared_ptr<const Bytes> bytes;
    std::vector<size_t> ends;  ///< of each entry, in `bytes`
    SeqNo last() const { return first + (ends.size() - 1); }
    BytesView slice(SeqNo from, SeqNo to) const;
  };
  std::deque<Block> blocks_;  // contiguous
  SeqNo next_{1};
  size_t max_bytes_;
  size_t held_ = 0;
};

}  // namespace entente::replica
