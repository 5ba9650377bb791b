#pragma once
// Which view each seqno of the log belongs to. Source: docs/consensus.md (view history).

#include <map>
#include <vector>

#include "entente/types.h"

namespace entente::consensus {

class ViewHistory {
 public:
  /// The next entry `seqno` is of `view`. Views never decrease.
  void append(View view, SeqNo seqno);
  /// Forgets everything above `last`.
  void truncate(SeqNo last);

  /// The view of the entry at `seqno`, where `last` is the last entry held; {0} if not held.
  View view_of(SeqNo seqno, SeqNo last) const;

  /// The first seqno of the view that holds `seqno`, which must be held; {0} if none does.
  SeqNo start_of(SeqNo seqno) const;
  /// The last seqno of the view that holds `seqno`, where `last` is the last entry held.
  SeqNo end_of(SeqNo seqno, SeqNo last) const;

  /// Element i is the first seqno of view i+1; an unused view repeats the next used start.
  std::vector<SeqNo> starts() const;
  /// The same, from what a snapshot or ledger carries.
  static ViewHistory from_starts(const std::vector<SeqNo>& starts);

  /// Only views with entries.
  const std::map<View, SeqNo>& all() const { return starts_; }

  bool operator==(const ViewHistory&) const = default;

 private:
  std::map<View, SeqNo> starts_;  // only views with entries
};

}  // namespace entente::consensus
