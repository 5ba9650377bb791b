#include "consensus/view_history.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::consensus {

void ViewHistory::append(View view, SeqNo seqno) {
  if (!starts_.empty() && starts_.rbegin()->first == view) return;
  ENTENTE_ASSERT(starts_.empty() ||
                 (starts_.rbegin()->first < view && starts_.rbegin()->second < seqno));
  starts_.emplace(view, seqno);
}

void ViewHistory::truncate(SeqNo last) {
  while (!starts_.empty() && starts_.rbegin()->second > last) {
    starts_.erase(std::prev(starts_.end()));
  }
}

View ViewHistory::view_of(SeqNo seqno, SeqNo last) const {
  if (seqno.value == 0 || seqno > last) return {};
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start) {
    if (start->second <= seqno) return start->first;
  }
  return {};
}

SeqNo ViewHistory::start_of(SeqNo seqno) const {
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start) {
    if (start->second <= seqno) return start->second;
  }
  return {};
}

SeqNo ViewHistory::end_of(SeqNo seqno, SeqNo last) const {
  SeqNo end = last;
  for (auto start = starts_.rbegin(); start != starts_.rend(); ++start) {
    if (start->second <= seqno) break;
    end = start->second - 1;
  }
  return end;
}

std::vector<SeqNo> ViewHistory::starts() const {
  std::vector<SeqNo> out;
  for (const auto& [view, start] : starts_) {
    while (out.size() < view.value) out.push_back(start);
  }
  return out;
}

ViewHistory ViewHistory::from_starts(const std::vector<SeqNo>& starts) {
  ViewHistory history;
  for (size_t i = 0; i < starts.size(); ++i) {
    // A start that the next view repeats belongs to a view without entries.
    if (i + 1 < starts.size() && starts[i + 1] == starts[i]) continue;
    history.starts_.emplace(View{i + 1}, starts[i]);
  }
  return history;
}

}  // namespace entente::consensus
