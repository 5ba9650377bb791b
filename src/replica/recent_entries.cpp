#include "replica/recent_entries.h"

#include <algorithm>

#include "base/assert.h"

namespace entente::replica {

BytesView RecentEntries::Block::slice(SeqNo from, SeqNo to) const {
  const size_t begin = from == first ? 0 : ends[from.value - first.value - 1];
  const size_t end = ends[to.value - first.value];
  return BytesView(*bytes).subspan(begin, end - begin);
}

void RecentEntries::append(SeqNo first, View view, std::shared_ptr<const Bytes> bytes,
                           std::vector<uint32_t> sizes) {
  ENTENTE_ASSERT(!sizes.empty() && (blocks_.empty() || first == next_));
  Block block{first, view, std::move(bytes), {}};
  block.ends.reserve(sizes.size());
  size_t end = 0;
  for (const uint32_t size : sizes) block.ends.push_back(end += size);
  ENTENTE_ASSERT(end == block.bytes->size());
  held_ += end;
  next_ = block.last() + 1;
  blocks_.push_back(std::move(block));
  while (held_ > max_bytes_ && blocks_.size() > 1) {
    held_ -= blocks_.front().bytes->size();
    blocks_.pop_front();
  }
}

void RecentEntries::truncate(SeqNo last) {
  while (!blocks_.empty() && blocks_.back().first > last) {
    held_ -= blocks_.back().bytes->size();
    blocks_.pop_back();
  }
  if (!blocks_.empty() && blocks_.back().last() > last) {
    // The bytes behind the last end are never looked at.
    blocks_.back().ends.resize(last.value - blocks_.back().first.value + 1);
  }
  next_ = std::min(next_, last + 1);
}

bool RecentEntries::copy(SeqNo first, SeqNo last, View view, Bytes& out) const {
  if (blocks_.empty() || first > last || first < blocks_.front().first || last >= next_) {
    return false;
  }
  auto block = std::upper_bound(blocks_.begin(), blocks_.end(), first,
                                [](SeqNo seqno, const Block& b) { return seqno < b.first; });
  const size_t start = out.size();
  for (--block; first <= last; ++block) {
    if (block->view != view) {
      out.resize(start);
      return false;
    }
    const SeqNo to = std::min(last, block->last());
    entente::append(out, block->slice(first, to));
    first = to + 1;
  }
  return true;
}

}  // namespace entente::replica
