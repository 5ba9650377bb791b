// What a node does with the ledger files that it finds. Source: docs/ledger-format.md (3.5).

#include <algorithm>
#include <cstring>

#include "ledger/ledger_writer.h"
#include "ledger/live_chunk.h"

namespace entente::ledger {
namespace {

/// Files that could be meant as chunks. Others (notes, lost+found) are left alone.
bool looks_like_chunk(std::string_view name) {
  return name.starts_with("ledger_") && !is_ignored(name);
}

}  // namespace

Result<std::unique_ptr<LedgerWriter>> LedgerWriter::open(Disk& disk, LedgerConfig config,
                                                         StartUp start) {
  std::unique_ptr<LedgerWriter> writer(new LedgerWriter(disk, std::move(config)));
  if (auto created = disk.create_folders(writer->config_.main); !created) return created.error();
  auto started =
      start == StartUp::new_service ? writer->start_new_service() : writer->start_existing();
  if (!started) return started.error();
  writer->report_.last = writer->last_;
  writer->report_.committed = writer->committed_;
  return writer;
}

Result<void> LedgerWriter::start_new_service() {
  std::vector<std::string> folders = config_.read_only;
  folders.push_back(config_.main);
  for (const std::string& folder : folders) {
    const auto names = disk_.list(folder);
    if (!names) return names.error();
    const auto found = std::find_if(names->begin(), names->end(), looks_like_chunk);
    if (found != names->end()) {
      return Error{"a new service needs empty ledger folders, but " + folder + " holds " + *found};
    }
  }
  read_only_chunks_.resize(config_.read_only.size());
  return {};
}

Result<void> LedgerWriter::start_existing() {
  for (const std::string& folder : config_.read_only) {
    if (auto indexed = index_read_only(folder); !indexed) return indexed;
  }
  auto uncommitted = index_main();
  if (!uncommitted) return uncommitted.error();
  for (const auto& [first, chunk] : committed_chunks_) {
    committed_ = std::max(committed_, *chunk.name.last);
  }
  if (auto adopted = adopt(std::move(*uncommitted)); !adopted) return adopted;
  last_ = live_.empty() ? committed_ : live_.rbegin()->second->last();
  if (config_.snapshot) last_ = std::max(last_, *config_.snapshot);
  return {};
}

Result<void> LedgerWriter::index_read_only(const std::string& folder) {
  const auto names = disk_.list(folder);
  if (!names) return names.error();
  CommittedChunks chunks;
  for (const std::string& text : *names) {
    const auto name = ChunkName::parse(text);
    if (!name || !name->committed || name->recovery) continue;
    chunks[name->first] = {folder, *name};
    committed_ = std::max(committed_, *name->last);
  }
  read_only_chunks_.push_back(std::move(chunks));
  return {};
}

Result<void> LedgerWriter::put_aside(const std::string& name, const std::string& why) {
  report_.actions.push_back(name + ": put aside: " + why);
  return rename_in_main(name, name + std::string(ignored_suffix));
}

// Committed files are indexed; returns the names of the others, by first seqno.
Result<std::vector<ChunkName>> LedgerWriter::index_main() {
  const auto names = disk_.list(config_.main);
  if (!names) return names.error();
  std::vector<ChunkName> uncommitted;
  for (const std::string& text : *names) {
    if (!looks_like_chunk(text)) continue;
    auto name = ChunkName::parse(text);
    if (!name || name->recovery) {
      const char* why = name ? "left over from a recovery" : "not the name of a ledger chunk";
      if (auto aside = put_aside(text, why); !aside) return aside.error();
      continue;
    }
    const bool beyond_snapshot = config_.snapshot && name->first > *config_.snapshot;
    if (name->committed && !beyond_snapshot) {
      committed_chunks_[name->first] = {config_.main, *name};
      continue;
    }
    uncommitted.push_back(*name);
  }
  std::sort(uncommitted.begin(), uncommitted.end());
  return uncommitted;
}

// `ledger_<S>-<E>[.committed]` becomes `ledger_<S>`, the only form that is written to.
Result<void> LedgerWriter::make_writable_again(ChunkName& name) {
  const ChunkName plain{name.first, std::nullopt, false, false};
  if (disk_.exists(path_in(config_.main, plain.text()))) {
    return put_aside(name.text(), "another file holds the same entries");
  }
  report_.actions.push_back(name.text() + ": writable again as " + plain.text());
  if (auto renamed = rename_in_main(name.text(), plain.text()); !renamed) return renamed;
  name = plain;
  return {};
}

std::string LedgerWriter::gap_before(const LiveChunk& chunk) const {
  SeqNo wanted;
  if (!live_.empty()) {
    wanted = live_.rbegin()->second->last() + 1;
    if (chunk.first < wanted) return "overlaps the chunk before it";
  } else {
    // After a snapshot the entries before it need not be there.
    const bool after_snapshot = config_.snapshot && chunk.first <= *config_.snapshot + 1;
    if (committed_.value == 0 || after_snapshot) return {};
    wanted = committed_ + 1;
  }
  if (chunk.first <= wanted) return {};
  return "seqno " + std::to_string(wanted.value) + " to " + std::to_string(chunk.first.value - 1) +
         " are missing before it";
}

Result<void> LedgerWriter::adopt(std::vector<ChunkName> names) {
  for (ChunkName& name : names) {
    std::string refusal;
    auto chunk = scan(name, refusal);
    if (!chunk) return chunk.error();
    if (refusal.empty() && (*chunk)->last() <= committed_) {
      refusal = "its entries are committed in other files";
    }
    if (refusal.empty()) refusal = gap_before(**chunk);
    if (refusal.empty() && !live_.empty() && !live_.rbegin()->second->complete) {
      refusal = "the chunk before it is not complete";
    }
    if (!refusal.empty()) {
      (*chunk)->file.reset();
      if (auto aside = put_aside(name.text(), refusal); !aside) return aside;
      continue;
    }
    if (name.last) {
      if (auto renamed = make_writable_again(name); !renamed) return renamed;
      if (name.last) continue;  // put aside
    }
    auto file = disk_.open(path_in(config_.main, name.text()), OpenMode::write_existing);
    if (!file) return file.error();
    (*chunk)->file = std::move(*file);
    live_.emplace(name.first, *chunk);
    if ((*chunk)->complete) continue;
    if (auto cut = repair(); !cut) return cut;
    if (!(*chunk)->closes) continue;
    // The process died between the entry that closes the chunk and the table.
    if (auto done = execute({*chunk, false, true, {}, (*chunk)->end, {}}); !done) return done;
    (*chunk)->complete = true;
  }
  return {};
}

// Reads a chunk's entries without believing anything. The result describes its whole entries with
// consecutive seqnos; `refusal` says why the file cannot be used at all.
Result<std::shared_ptr<LedgerWriter::LiveChunk>> LedgerWriter::scan(const ChunkName& name,
                                                                    std::string& refusal) {
  auto chunk = std::make_shared<LiveChunk>();
  const auto read_all = [&](Result<ChunkReader> reader) -> std::string {
    if (!reader) return reader.error().message;
    chunk->offsets.clear();
    chunk->first = name.first;
    chunk->end = chunk_header_size;
    chunk->closes = false;
    View view;
    for (;;) {
      auto entry = reader->next();
      if (!entry) return entry.error().message;
      if (!*entry) break;
      const EntryFrame& frame = (*entry)->frame;
      const SeqNo expected = name.first + chunk->offsets.size();
      if (frame.seqno != expected || frame.view < view) {
        return "byte " + std::to_string((*entry)->offset) + ": IV: holds " +
               TxId{frame.view, frame.seqno}.text() + " where seqno " +
               std::to_string(expected.value) + " belongs";
      }
      view = frame.view;
      chunk->closes = (frame.flags & close_chunk_after) != 0;
      chunk->offsets.push_back(static_cast<uint32_t>((*entry)->offset));
      chunk->end = (*entry)->offset + frame.size;
    }
    chunk->complete = chunk->announced = reader->complete();
    return reader->torn() ? reader->torn()->reason : std::string();
  };

  const std::string damage =
      read_all(ChunkReader::open(disk_, config_.main, name, config_.entry_limit));
  if (damage.empty()) {
    if (chunk->offsets.empty()) refusal = "holds no entry";
    return chunk;
  }
  if (name.last) {
    refusal = damage;
    return chunk;
  }
  // An open chunk, or one whose completion a crash interrupted: its whole entries count.
  (void)read_all(ChunkReader::open_without_table(disk_, config_.main, name, config_.entry_limit));
  chunk->complete = false;
  chunk->announced = true;  // T may be anything
  if (chunk->offsets.empty()) {
    refusal = "holds no whole entry: " + damage;
    return chunk;
  }
  report_.actions.push_back(name.text() + ": cut to " + std::to_string(chunk->offsets.size()) +
                            " entries: " + damage);
  return chunk;
}

}  // namespace entente::ledger
