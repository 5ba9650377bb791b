// Finding entries again, beside the thread that writes.

#include <algorithm>

#include "ledger/ledger_writer.h"
#include "ledger/live_chunk.h"

namespace entente::ledger {
namespace {

/// Positions looked up at once in a committed chunk's table.
constexpr uint64_t most_positions = 16 << 10;

}  // namespace

SeqNo LedgerWriter::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

SeqNo LedgerWriter::committed() const {
  const std::lock_guard lock(mutex_);
  return committed_;
}

// Open chunks first, then the committed ones of the main folder, then the read-only folders.
std::optional<LedgerWriter::Place> LedgerWriter::find(SeqNo first, SeqNo last,
                                                      uint64_t max_bytes) const {
  const std::lock_guard lock(mutex_);
  Place place;
  place.moves = moves_;
  place.first = first;

  auto live = live_.upper_bound(first);
  if (live != live_.begin() && (--live)->second->last() >= first) {
    const LiveChunk& chunk = *live->second;
    const uint64_t begin = first - chunk.first;
    const uint64_t most = std::min(last, chunk.last()) - chunk.first;
    place.path = path_in(config_.main, chunk.name().text());
    place.offsets.push_back(chunk.offsets[begin]);
    for (uint64_t index = begin; index <= most; ++index) {
      const uint64_t end = chunk.end_of(index);
      if (index > begin && end - place.offsets.front() > max_bytes) break;
      place.offsets.push_back(end);
    }
    place.last = first + (place.offsets.size() - 2);
    return place;
  }
  const auto look_into = [&](const CommittedChunks& chunks) {
    auto found = chunks.upper_bound(first);
    if (found == chunks.begin()) return false;
    const CommittedChunk& chunk = (--found)->second;
    if (*chunk.name.last < first) return false;
    place.path = path_in(chunk.folder, chunk.name.text());
    place.index = first - chunk.name.first;
    place.last = std::min(last, *chunk.name.last);
    return true;
  };
  if (look_into(committed_chunks_)) return place;
  for (const CommittedChunks& chunks : read_only_chunks_) {
    if (look_into(chunks)) return place;
  }
  return std::nullopt;
}

Result<LedgerWriter::Range> LedgerWriter::read_place(const Place& place, uint64_t max_bytes) const {
  auto file = disk_.open(place.path, OpenMode::read);
  if (!file) return file.error();
  std::vector<uint64_t> offsets = place.offsets;
  if (offsets.empty()) {
    const uint64_t count = std::min(place.last - place.first + 1, most_positions);
    auto looked_up = entry_offsets(**file, place.index, count);
    if (!looked_up) return looked_up.error().at(place.path);
    offsets = std::move(*looked_up);
    size_t kept = 2;
    while (kept < offsets.size() && offsets[kept] - offsets.front() <= max_bytes) ++kept;
    offsets.resize(kept);
  }
  const auto wrong = [&](size_t index, const std::string& what) {
    return Error{place.path + ": byte " + std::to_string(offsets[index]) + ": " + what};
  };
  if (offsets[1] - offsets[0] > config_.entry_limit) return wrong(0, "the entry is too large");

  Range range{place.first, place.first + (offsets.size() - 2), Bytes(offsets.back() - offsets[0])};
  if (auto read = (*file)->read_at(offsets[0], range.bytes); !read) return read.error();
  for (size_t i = 0; i + 1 < offsets.size(); ++i) {
    const auto frame = EntryFrame::parse(BytesView(range.bytes).subspan(offsets[i] - offsets[0]),
                                         config_.entry_limit);
    if (!frame) return wrong(i, frame.error().message);
    if (frame->size != offsets[i + 1] - offsets[i]) {
      return wrong(i, "entry size: differs from the position table");
    }
    if (frame->seqno != place.first + i) {
      return wrong(i, "IV: holds seqno " + std::to_string(frame->seqno.value) + " where " +
                          std::to_string(place.first.value + i) + " belongs");
    }
  }
  return range;
}

Result<LedgerWriter::Range> LedgerWriter::read_range(SeqNo first, SeqNo last,
                                                     uint64_t max_bytes) const {
  if (last < first) return Error{"an empty range of entries was asked for"};
  for (;;) {
    const auto place = find(first, last, max_bytes);
    if (!place) {
      return Error{"Cannot find ledger file for seqno " + std::to_string(first.value)};
    }
    auto range = read_place(*place, max_bytes);
    const std::lock_guard lock(mutex_);
    if (place->moves == moves_) return range;  // else the file may have changed under our hands
  }
}

Result<Bytes> LedgerWriter::read(SeqNo seqno) const {
  auto range = read_range(seqno, seqno, 0);
  if (!range) return range.error();
  return std::move(range->bytes);
}

}  // namespace entente::ledger
