#include "ledger/ledger_writer.h"

#include <cstring>

#include "base/assert.h"
#include "ledger/live_chunk.h"

namespace entente::ledger {
namespace {

Result<void> write_table_offset(File& file, uint64_t value) {
  uint8_t bytes[chunk_header_size];
  std::memcpy(bytes, &value, sizeof value);
  return file.write_at(0, bytes);
}

}  // namespace

LedgerWriter::LedgerWriter(Disk& disk, LedgerConfig config)
    : disk_(disk), config_(std::move(config)) {}
LedgerWriter::~LedgerWriter() = default;

/// The chunk that the next entry goes into, null if that has to be created.
LedgerWriter::LiveChunk* LedgerWriter::open_chunk() const {
  if (live_.empty() || live_.rbegin()->second->complete) return nullptr;
  return live_.rbegin()->second.get();
}

// ----------------------------------------------------------------------------------------- append

// Cuts a batch where its entries' flags say so. Nothing is written yet.
Result<std::vector<LedgerWriter::Segment>> LedgerWriter::plan(BytesView batch) const {
  std::vector<Segment> segments;
  const auto begin_segment = [&](std::shared_ptr<LiveChunk> chunk, bool create, uint64_t at,
                                 size_t from) {
    Segment segment;
    segment.chunk = std::move(chunk);
    segment.create = create;
    segment.at = at;
    segment.bytes = batch.subspan(from, 0);
    segments.push_back(std::move(segment));
  };
  if (open_chunk() != nullptr) {
    begin_segment(live_.rbegin()->second, false, open_chunk()->end, 0);
  }
  const bool any_start = last_.value == 0;
  SeqNo expected = last_ + 1;
  for (size_t at = 0; at < batch.size();) {
    auto frame = EntryFrame::parse(batch.subspan(at), config_.entry_limit);
    if (!frame) return frame.error().at("append at byte " + std::to_string(at));
    if (frame->size > batch.size() - at) return Error{"append: the last entry is not whole"};
    if (at == 0 && any_start) expected = frame->seqno;
    if (frame->seqno != expected) {
      return Error{"append: seqno " + std::to_string(frame->seqno.value) + " where " +
                   std::to_string(expected.value) + " is next"};
    }
    if ((frame->flags & close_chunk_before) != 0 && !segments.empty()) {
      segments.back().complete_after = true;
    }
    if (segments.empty() || segments.back().complete_after) {
      auto chunk = std::make_shared<LiveChunk>();
      chunk->first = expected;
      chunk->recovery = recovering_;
      begin_segment(std::move(chunk), true, chunk_header_size, at);
    }
    Segment& segment = segments.back();
    const uint64_t offset = segment.at + segment.bytes.size();
    if (offset > largest_chunk) return Error{"append: the chunk would grow beyond 4 GiB"};
    segment.offsets.push_back(static_cast<uint32_t>(offset));
    segment.bytes = {segment.bytes.data(), segment.bytes.size() + frame->size};
    segment.complete_after = (frame->flags & close_chunk_after) != 0;
    at += frame->size;
    ++expected;
  }
  return segments;
}

Result<void> LedgerWriter::create(const std::shared_ptr<LiveChunk>& chunk) {
  auto file = disk_.open(path_in(config_.main, chunk->name().text()), OpenMode::create_new);
  if (!file) return file.error();
  doomed_.push_back(chunk);  // until it is published
  folder_dirty_ = true;
  chunk->file = std::move(*file);
  return write_table_offset(*chunk->file, 0);
}

Result<void> LedgerWriter::execute(const Segment& segment) {
  LiveChunk& chunk = *segment.chunk;
  if (segment.create) {
    if (auto created = create(segment.chunk); !created) return created;
  }
  if (!segment.bytes.empty()) {
    chunk.synced = false;
    if (auto written = chunk.file->write_at(segment.at, segment.bytes); !written) return written;
  }
  if (!segment.complete_after) return {};

  // The order matters: who sees T != 0 finds entries and table whole, also after a power cut.
  std::vector<uint32_t> offsets = chunk.offsets;
  offsets.insert(offsets.end(), segment.offsets.begin(), segment.offsets.end());
  const uint64_t end = segment.at + segment.bytes.size();
  chunk.synced = false;
  if (auto cut = chunk.file->truncate(end); !cut) return cut;
  const Bytes table = encode_position_table(offsets);
  if (auto written = chunk.file->write_at(end, table); !written) return written;
  if (auto synced = chunk.file->sync(); !synced) return synced;
  chunk.announced = true;
  if (auto written = write_table_offset(*chunk.file, end); !written) return written;
  if (auto synced = chunk.file->sync(); !synced) return synced;
  chunk.synced = true;
  return {};
}

// The durability that the policy promises for a batch.
Result<void> LedgerWriter::settle(const Segment& last) {
  if (config_.durability == Durability::none) return {};
  if (!last.chunk->synced) {
    if (auto synced = last.chunk->file->sync(); !synced) return synced;
    last.chunk->synced = true;
  }
  return folder_dirty_ ? sync_main_folder() : Result<void>();
}

void LedgerWriter::publish(const std::vector<Segment>& segments) {
  const std::lock_guard lock(mutex_);
  for (const Segment& segment : segments) {
    LiveChunk& chunk = *segment.chunk;
    if (segment.create) live_.emplace(chunk.first, segment.chunk);
    chunk.offsets.insert(chunk.offsets.end(), segment.offsets.begin(), segment.offsets.end());
    chunk.end = segment.at + segment.bytes.size();
    chunk.complete = segment.complete_after;
    if (!segment.offsets.empty()) last_ = chunk.last();
  }
}

Result<void> LedgerWriter::append(BytesView batch) {
  if (batch.empty()) return {};
  if (repair_pending_) {
    if (auto repaired = repair(); !repaired) return repaired;
  }
  auto segments = plan(batch);
  if (!segments) return segments.error();

  repair_pending_ = true;  // until everything is written
  for (const Segment& segment : *segments) {
    if (auto done = execute(segment); !done) return done.error().at("append");
  }
  if (auto done = settle(segments->back()); !done) return done.error().at("append");
  repair_pending_ = false;
  doomed_.clear();
  publish(*segments);
  return {};
}

Result<void> LedgerWriter::append(const std::vector<BytesView>& entries) {
  if (entries.size() == 1) return append(entries.front());
  gathered_.clear();
  for (const BytesView entry : entries) entente::append(gathered_, entry);
  return append(BytesView(gathered_));
}

Result<void> LedgerWriter::accepts(BytesView batch) const {
  const auto segments = plan(batch);
  return segments.ok() ? Result<void>() : segments.error();
}

// --------------------------------------------------------------------------------- cut and repair

// What failed appends and truncations left: files that are not published go, from the last to the
// first so that a crash in between leaves no gap; the open chunk ends at its last published entry.
Result<void> LedgerWriter::repair() {
  const bool removes = !doomed_.empty();
  while (!doomed_.empty()) {
    LiveChunk& chunk = *doomed_.back();
    chunk.file.reset();
    const std::string path = path_in(config_.main, chunk.name().text());
    if (disk_.exists(path)) {
      folder_dirty_ = true;
      if (auto removed = disk_.remove(path); !removed) return removed.error().at("repair");
    }
    doomed_.pop_back();
  }
  if (LiveChunk* chunk = open_chunk()) {
    chunk->synced = false;
    if (chunk->announced) {
      if (auto reset = write_table_offset(*chunk->file, 0); !reset)
        return reset.error().at("repair");
      chunk->announced = false;
    }
    if (auto cut = chunk->file->truncate(chunk->end); !cut) return cut.error().at("repair");
    // Or a power cut might bring the old bytes back underneath what is written next.
    if (config_.durability == Durability::batch_fsync) {
      if (auto synced = chunk->file->sync(); !synced) return synced.error().at("repair");
      chunk->synced = true;
    }
  }
  if (removes && config_.durability == Durability::batch_fsync) {
    if (auto synced = sync_main_folder(); !synced) return synced.error().at("repair");
  }
  repair_pending_ = false;
  return {};
}

Result<void> LedgerWriter::truncate(SeqNo seqno) {
  ENTENTE_ASSERT(seqno >= committed_);
  if (repair_pending_) {
    if (auto repaired = repair(); !repaired) return repaired;
  }
  if (seqno >= last_) return {};
  {
    const std::lock_guard lock(mutex_);
    ++moves_;
    const auto beyond = live_.upper_bound(seqno);
    for (auto chunk = beyond; chunk != live_.end(); ++chunk) doomed_.push_back(chunk->second);
    live_.erase(beyond, live_.end());
    last_ = seqno;
    if (!live_.empty()) {
      LiveChunk& chunk = *live_.rbegin()->second;
      const uint64_t kept = seqno - chunk.first + 1;
      if (kept < chunk.offsets.size()) {
        chunk.end = chunk.offsets[kept];
        chunk.offsets.resize(kept);
        chunk.complete = false;
      }
    }
  }
  repair_pending_ = true;
  return repair();
}

// ----------------------------------------------------------------------------------- sync, commit

Result<void> LedgerWriter::sync_main_folder() {
  if (auto synced = disk_.sync_folder(config_.main); !synced) return synced;
  folder_dirty_ = false;
  return {};
}

Result<void> LedgerWriter::sync() {
  if (repair_pending_) {
    if (auto repaired = repair(); !repaired) return repaired;
  }
  for (const auto& [first, chunk] : live_) {
    if (chunk->synced) continue;
    if (auto synced = chunk->file->sync(); !synced) return synced;
    chunk->synced = true;
  }
  return folder_dirty_ ? sync_main_folder() : Result<void>();
}

Result<void> LedgerWriter::rename_in_main(const std::string& from, const std::string& to) {
  folder_dirty_ = true;
  return disk_.rename(path_in(config_.main, from), path_in(config_.main, to));
}

Result<void> LedgerWriter::name_committed(LiveChunk& chunk) {
  if (!chunk.synced) {
    if (auto synced = chunk.file->sync(); !synced) return synced;
    chunk.synced = true;
  }
  const ChunkName name = chunk.committed_name();
  const std::lock_guard lock(mutex_);
  if (auto renamed = rename_in_main(chunk.name().text(), name.text()); !renamed) return renamed;
  ++moves_;
  committed_chunks_[chunk.first] = {config_.main, name};
  live_.erase(chunk.first);  // the last use of chunk
  return {};
}

Result<void> LedgerWriter::commit(SeqNo seqno) {
  if (seqno > last_) seqno = last_;
  if (seqno > committed_) {
    const std::lock_guard lock(mutex_);
    committed_ = seqno;
  }
  while (!live_.empty()) {
    LiveChunk& chunk = *live_.begin()->second;
    if (!chunk.complete || chunk.last() > committed_) break;
    if (auto named = name_committed(chunk); !named) return named.error().at("commit");
  }
  if (folder_dirty_ && config_.durability == Durability::batch_fsync) return sync_main_folder();
  return {};
}

Result<void> LedgerWriter::finish_recovery() {
  recovering_ = false;
  if (repair_pending_) {
    if (auto repaired = repair(); !repaired) return repaired;
  }
  const std::lock_guard lock(mutex_);
  ++moves_;
  const auto strip = [&](ChunkName name) -> Result<void> {
    const std::string from = name.text();
    name.recovery = false;
    return rename_in_main(from, name.text());
  };
  for (auto& [first, chunk] : committed_chunks_) {
    if (!chunk.name.recovery) continue;
    if (auto renamed = strip(chunk.name); !renamed) return renamed.error().at("finish recovery");
    chunk.name.recovery = false;
  }
  for (auto& [first, chunk] : live_) {
    if (!chunk->recovery) continue;
    if (auto renamed = strip(chunk->name()); !renamed) return renamed.error().at("finish recovery");
    chunk->recovery = false;
  }
  return config_.durability == Durability::batch_fsync ? sync_main_folder() : Result<void>();
}

}  // namespace entente::ledger
