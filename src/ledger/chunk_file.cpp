#include "ledger/chunk_file.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "crypto/aead.h"

namespace entente::ledger {
namespace {

constexpr uint64_t window_size = 1 << 20;
constexpr uint64_t table_window_entries = 16 << 10;
constexpr std::string_view prefix = "ledger_";
constexpr std::string_view committed_suffix = ".committed";
constexpr std::string_view recovery_suffix = ".recovery";

Error wrong(uint64_t offset, std::string_view field, const std::string& reason) {
  return {"byte " + std::to_string(offset) + ": " + std::string(field) + ": " + reason};
}

template <typename Integer>
Integer load(const uint8_t* bytes) {
  Integer value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::optional<SeqNo> take_seqno(std::string_view& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text.front() == '0' || value > max_seqno) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return SeqNo{value};
}

bool take(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

}  // namespace

// ------------------------------------------------------------------------------------------ names

std::string ChunkName::text() const {
  std::string out(prefix);
  out += std::to_string(first.value);
  if (last) out += "-" + std::to_string(last->value);
  if (committed) out += committed_suffix;
  if (recovery) out += recovery_suffix;
  return out;
}

std::optional<ChunkName> ChunkName::parse(std::string_view file_name) {
  ChunkName name;
  if (!take(file_name, prefix) || file_name.empty()) return std::nullopt;
  const auto first = take_seqno(file_name);
  if (!first) return std::nullopt;
  name.first = *first;
  if (take(file_name, "-")) {
    if (file_name.empty()) return std::nullopt;
    name.last = take_seqno(file_name);
    if (!name.last || *name.last < name.first) return std::nullopt;
    name.committed = take(file_name, committed_suffix);
  }
  name.recovery = take(file_name, recovery_suffix);
  if (!file_name.empty()) return std::nullopt;
  return name;
}

bool is_ignored(std::string_view file_name) {
  return file_name.ends_with(ignored_suffix);
}

std::string path_in(const std::string& folder, std::string_view name) {
  std::string path = folder;
  if (!path.ends_with('/')) path += '/';
  path += name;
  return path;
}

// ----------------------------------------------------------------------------------------- frames

Result<EntryFrame> EntryFrame::parse(BytesView bytes, uint64_t entry_limit) {
  if (bytes.size() < entry_framing_size) return Error{"entry header: too short"};
  if (bytes[0] != 1) return Error{"entry version: " + std::to_string(bytes[0]) + ", not 1"};
  EntryFrame frame;
  frame.flags = bytes[1];
  const uint64_t rest = load<uint64_t>(bytes.data()) >> 16;
  frame.size = rest + entry_header_size;
  if (frame.size < entry_framing_size) {
    return Error{"entry size: " + std::to_string(rest) + " bytes are too few for an entry"};
  }
  if (frame.size > entry_limit) {
    return Error{"entry size: " + std::to_string(rest) + " bytes are above the limit of " +
                 std::to_string(entry_limit)};
  }
  const uint8_t* iv = bytes.data() + entry_header_size + crypto::gcm_tag_size;
  frame.seqno = SeqNo{load<uint64_t>(iv)};
  frame.view = View{load<uint32_t>(iv + 8) & 0x7fffffffu};
  if (frame.seqno.value == 0 || frame.seqno.value > max_seqno || frame.view.value == 0) {
    return Error{"IV: no transaction id"};
  }
  return frame;
}

// ----------------------------------------------------------------------------------------- reader

ChunkReader::ChunkReader(ChunkReader&&) noexcept = default;
ChunkReader& ChunkReader::operator=(ChunkReader&&) noexcept = default;
ChunkReader::~ChunkReader() = default;

Result<ChunkReader> ChunkReader::open_file(Disk& disk, const std::string& folder,
                                           const ChunkName& name, uint64_t entry_limit) {
  ChunkReader reader;
  reader.name_ = name;
  reader.path_ = path_in(folder, name.text());
  reader.entry_limit_ = entry_limit;
  auto file = disk.open(reader.path_, OpenMode::read);
  if (!file) return wrong(0, "file", file.error().message);
  reader.file_ = std::move(*file);
  const auto size = reader.file_->size();
  if (!size) return wrong(0, "file", size.error().message);
  reader.file_size_ = reader.entries_end_ = *size;
  return reader;
}

Result<ChunkReader> ChunkReader::open_without_table(Disk& disk, const std::string& folder,
                                                    const ChunkName& name, uint64_t entry_limit) {
  return open_file(disk, folder, name, entry_limit);
}

Result<ChunkReader> ChunkReader::open(Disk& disk, const std::string& folder, const ChunkName& name,
                                      uint64_t entry_limit) {
  auto reader = open_file(disk, folder, name, entry_limit);
  if (!reader) return reader;
  if (auto layout = reader->read_layout(); !layout) return layout.error();
  return reader;
}

Result<void> ChunkReader::read_layout() {
  if (file_size_ < chunk_header_size) {
    if (name_.last) return wrong(0, "position table offset", "the file is too short for one");
    return {};
  }
  uint8_t header[chunk_header_size];
  if (auto read = file_->read_at(0, header); !read) return wrong(0, "file", read.error().message);
  table_offset_ = load<uint64_t>(header);
  if (table_offset_ == 0) {
    if (name_.last) {
      return wrong(0, "position table offset",
                   "invalid table offset (0): the name says complete, the file is not");
    }
    return {};
  }
  const auto bad_table = [&](const std::string& reason) {
    return wrong(0, "position table offset", std::to_string(table_offset_) + reason);
  };
  if (table_offset_ < chunk_header_size) return bad_table(" is inside the header");
  if (table_offset_ > file_size_) {
    return bad_table(" is greater than total file size " + std::to_string(file_size_));
  }
  if (table_offset_ > largest_chunk) return bad_table(" is beyond the largest chunk");
  const uint64_t table_size = file_size_ - table_offset_;
  if (table_size % 4 != 0) {
    return wrong(table_offset_, "position table",
                 std::to_string(table_size) + " bytes are not a multiple of 4");
  }
  announced_ = table_size / 4;
  entries_end_ = table_offset_;
  if (announced_ == 0) return wrong(table_offset_, "position table", "is empty");
  if (announced_ > (table_offset_ - chunk_header_size) / entry_framing_size) {
    return wrong(table_offset_, "position table", "has more entries than fit before it");
  }
  if (name_.last && announced_ != *name_.last - name_.first + 1) {
    return wrong(table_offset_, "position table",
                 "has " + std::to_string(announced_) + " entries, the file name says " +
                     std::to_string(*name_.last - name_.first + 1));
  }
  return {};
}

Result<BytesView> ChunkReader::window(uint64_t offset, uint64_t size) {
  const bool inside = offset >= window_offset_ && offset - window_offset_ <= window_.size() &&
                      size <= window_.size() - (offset - window_offset_);
  if (!inside) {
    const uint64_t wanted = std::min(std::max(size, window_size), entries_end_ - offset);
    window_.resize(wanted);
    window_offset_ = offset;
    if (auto read = file_->read_at(offset, window_); !read) {
      window_.clear();
      return wrong(offset, "file", read.error().message);
    }
  }
  return BytesView(window_).subspan(offset - window_offset_, size);
}

// The entry begins and ends where the table says.
Result<void> ChunkReader::check_table_position(uint64_t size) {
  if (read_ >= announced_) {
    return wrong(offset_, "position table",
                 "has " + std::to_string(announced_) + " entries, the chunk has more");
  }
  auto begin = table_position(read_);
  if (!begin) return begin.error();
  if (*begin != offset_) {
    return wrong(table_offset_ + read_ * 4, "position table",
                 "entry " + std::to_string(read_ + 1) + " stands at " + std::to_string(offset_) +
                     ", the table says " + std::to_string(*begin));
  }
  auto end = table_position(read_ + 1);
  if (!end) return end.error();
  if (*end == offset_ + size) return {};
  return wrong(offset_, "entry size",
               "ends at " + std::to_string(offset_ + size) + ", by the position table at " +
                   std::to_string(*end));
}

/// Of entry `index`, or of the end of the last one.
Result<uint64_t> ChunkReader::table_position(uint64_t index) {
  if (index == announced_) return table_offset_;
  const bool inside =
      index >= table_window_first_ && (index - table_window_first_) * 4 < table_window_.size();
  if (!inside) {
    table_window_.resize(std::min(announced_ - index, table_window_entries) * 4);
    table_window_first_ = index;
    if (auto read = file_->read_at(table_offset_ + index * 4, table_window_); !read) {
      table_window_.clear();
      return wrong(table_offset_, "position table", read.error().message);
    }
  }
  return uint64_t{load<uint32_t>(table_window_.data() + (index - table_window_first_) * 4)};
}

// A chunk that was being completed when the process died: T is still 0, and behind the entries
// stands the table or its first part.
bool ChunkReader::tail_is_table(uint64_t offset) {
  const uint64_t tail = entries_end_ - offset;
  if (tail > offsets_.size() * 4) return false;
  const Bytes table = encode_position_table(offsets_);
  Bytes found(tail);
  return file_->read_at(offset, found).ok() &&
         std::equal(found.begin(), found.end(), table.begin());
}

std::optional<ChunkEntry> ChunkReader::tear(std::string reason, bool damage) {
  if (tail_is_table(offset_)) {
    damage = false;
    reason = "a position table that was never announced";
  }
  torn_ = TornTail{offset_, entries_end_ - offset_, damage, std::move(reason)};
  return std::nullopt;
}

Result<std::optional<ChunkEntry>> ChunkReader::finish() {
  if (complete() && read_ != announced_) {
    return wrong(
        table_offset_, "position table",
        "has " + std::to_string(announced_) + " entries, the chunk has " + std::to_string(read_));
  }
  return std::optional<ChunkEntry>();
}

Result<std::optional<ChunkEntry>> ChunkReader::next() {
  if (torn_) return std::optional<ChunkEntry>();
  if (file_size_ < chunk_header_size) {
    offset_ = 0;
    if (file_size_ > 0) torn_ = TornTail{0, file_size_, false, "a partial chunk header"};
    return std::optional<ChunkEntry>();
  }
  if (offset_ == entries_end_) return finish();

  const uint64_t left = entries_end_ - offset_;
  if (left < entry_framing_size) {
    if (complete()) {
      return wrong(offset_, "entry header", "runs into the position table");
    }
    auto first = window(offset_, left);
    if (!first) return first.error();
    const bool plausible = (*first)[0] == 1;
    return tear(plausible ? "a partial entry header" : "not an entry header", !plausible);
  }
  auto header = window(offset_, entry_framing_size);
  if (!header) return header.error();
  auto frame = EntryFrame::parse(*header, entry_limit_);
  if (!frame) {
    if (complete()) return Error{"byte " + std::to_string(offset_) + ": " + frame.error().message};
    return tear(frame.error().message, true);
  }
  if (frame->size > left) {
    const std::string reason =
        std::to_string(frame->size) + " bytes announced, " + std::to_string(left) + " left";
    if (complete()) return wrong(offset_, "entry size", reason);
    return tear("a partial entry: " + reason, false);
  }
  if (complete()) {
    if (auto position = check_table_position(frame->size); !position) return position.error();
  } else {
    if (offset_ > largest_chunk) return wrong(offset_, "file", "beyond the largest chunk");
    offsets_.push_back(static_cast<uint32_t>(offset_));
  }
  auto bytes = window(offset_, frame->size);
  if (!bytes) return bytes.error();
  ChunkEntry entry{offset_, *frame, *bytes};
  offset_ += frame->size;
  ++read_;
  return std::optional<ChunkEntry>(entry);
}

// ------------------------------------------------------------------------------------------ table

Bytes encode_position_table(const std::vector<uint32_t>& offsets) {
  Bytes table(offsets.size() * 4);
  if (!table.empty()) std::memcpy(table.data(), offsets.data(), table.size());
  return table;
}

Result<std::vector<uint64_t>> entry_offsets(const File& chunk, uint64_t index, uint64_t count) {
  const auto size = chunk.size();
  if (!size) return size.error();
  uint8_t header[chunk_header_size];
  if (auto read = chunk.read_at(0, header); !read) return read.error();
  const uint64_t table = load<uint64_t>(header);
  const uint64_t entries = table < chunk_header_size || table > *size ? 0 : (*size - table) / 4;
  if (index >= entries || count > entries - index) {
    return wrong(
        0, "position table offset",
        std::to_string(table) + " gives no place to entry " + std::to_string(index + count));
  }
  const bool to_the_end = index + count == entries;
  std::vector<uint32_t> positions(count + (to_the_end ? 0 : 1));
  const auto raw = std::as_writable_bytes(std::span(positions));
  if (auto read =
          chunk.read_at(table + index * 4, {reinterpret_cast<uint8_t*>(raw.data()), raw.size()});
      !read) {
    return read.error();
  }
  std::vector<uint64_t> offsets(positions.begin(), positions.end());
  if (to_the_end) offsets.push_back(table);
  uint64_t least = chunk_header_size;
  for (const uint64_t offset : offsets) {
    if (offset < least || offset > table) {
      return wrong(table + index * 4, "position table", "offsets that cannot be right");
    }
    least = offset + entry_framing_size;
  }
  return offsets;
}

}  // namespace entente::ledger
