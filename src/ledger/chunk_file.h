#pragma once
// Chunk files: how one logical ledger is cut into files, what their names say and how their bytes
// are laid out. Everything read here is hostile. Source: docs/ledger-format.md (3, 4).
//
// A chunk is: u64 T, entries back to back, and once complete (T != 0) a table at T with the u32
// offset of each entry. While incomplete T is 0 and there is no table.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "entente/bytes.h"
#include "entente/result.h"
#include "entente/types.h"
#include "ledger/entry.h"

namespace entente::ledger {

// ------------------------------------------------------------------------------------------ names

/// What a chunk's file name says. `ledger_<first>[-<last>[.committed]][.recovery]`.
struct ChunkName {
  SeqNo first;
  std::optional<SeqNo> last;  ///< always present when committed
  bool committed = false;
  bool recovery = false;
  auto operator<=>(const ChunkName&) const = default;

  std::string text() const;
  /// Decimal numbers from 1, no leading zeros, last >= first, nothing before or after.
  /// Every other name (also `.ignored`) is nullopt.
  static std::optional<ChunkName> parse(std::string_view file_name);
};

inline constexpr std::string_view ignored_suffix = ".ignored";
/// A file that is never read, whatever stands before the suffix.
bool is_ignored(std::string_view file_name);

/// `folder/name`.
std::string path_in(const std::string& folder, std::string_view name);

// ----------------------------------------------------------------------------------------- layout

inline constexpr uint64_t chunk_header_size = 8;                                 ///< T
inline constexpr uint64_t largest_chunk = std::numeric_limits<uint32_t>::max();  ///< u32 offsets
inline constexpr uint64_t default_entry_limit = 256ull << 20;

/// The part of an entry that the file layer needs: where it ends, whether it closes a chunk, and
/// the transaction id of its IV. All in clear at fixed places.
struct EntryFrame {
  uint8_t flags = 0;
  uint64_t size = 0;  ///< whole entry, frame included
  SeqNo seqno;
  View view;

  /// `bytes`: at least entry_framing_size bytes from the entry's start. Errors name the field:
  /// version, size (below the framing, above `entry_limit`), IV (seqno or view 0).
  static Result<EntryFrame> parse(BytesView bytes, uint64_t entry_limit = default_entry_limit);
};

/// One entry seen in a chunk. `bytes` lives until the next call on the reader.
struct ChunkEntry {
  uint64_t offset = 0;
  EntryFrame frame;
  BytesView bytes;
};

/// What stands after the last whole entry of an incomplete chunk. A crash leaves a partial entry or
/// (while the chunk was being completed) a part of its position table; anything else is damage.
struct TornTail {
  uint64_t offset = 0;  ///< first byte that belongs to no whole entry
  uint64_t bytes = 0;
  bool damage = false;
  std::string reason;
};

/// Streams one chunk from front to back with a bounded window (the largest entry, or 1 MiB).
/// Complete chunks: the table must have whole u32s, as many as the name says, and each must be the
/// offset at which an entry really starts; entries must fill the space up to T exactly. Seqnos are
/// not compared here, see verify.h and ledger_writer.h. Not thread-safe.
class ChunkReader {
 public:
  /// Errors: too short for T, T beyond the file or inside the header, table length, count against
  /// the name, a name with a last seqno on an incomplete chunk. All errors of the reader have the
  /// form "byte N: field: reason"; the caller adds the file.
  static Result<ChunkReader> open(Disk& disk, const std::string& folder, const ChunkName& name,
                                  uint64_t entry_limit = default_entry_limit);
  /// As if T were 0: for the node's own file whose table does not hold what it should.
  static Result<ChunkReader> open_without_table(Disk& disk, const std::string& folder,
                                                const ChunkName& name,
                                                uint64_t entry_limit = default_entry_limit);
  ChunkReader(ChunkReader&&) noexcept;
  ChunkReader& operator=(ChunkReader&&) noexcept;
  ~ChunkReader();

  const ChunkName& name() const { return name_; }
  const std::string& path() const { return path_; }
  bool complete() const { return table_offset_ != 0; }
  uint64_t file_size() const { return file_size_; }
  /// Entries announced by the table; only for complete chunks.
  uint64_t announced() const { return announced_; }
  /// Offset at which the next call of next() starts.
  uint64_t offset() const { return offset_; }
  uint64_t entries_read() const { return read_; }

  /// The next entry; nullopt at the end. An incomplete chunk ends before the first entry that is
  /// partial or unreadable, and torn() then says where; a complete one gives an error instead.
  Result<std::optional<ChunkEntry>> next();
  const std::optional<TornTail>& torn() const { return torn_; }

 private:
  ChunkReader() = default;
  static Result<ChunkReader> open_file(Disk& disk, const std::string& folder, const ChunkName& name,
                                       uint64_t entry_limit);
  Result<void> read_layout();
  Result<BytesView> window(uint64_t offset, uint64_t size);
  Result<void> check_table_position(uint64_t size);
  Result<uint64_t> table_position(uint64_t index);
  Result<std::optional<ChunkEntry>> finish();
  std::optional<ChunkEntry> tear(std::string reason, bool damage);
  bool tail_is_table(uint64_t offset);

  ChunkName name_;
  std::string path_;
  std::unique_ptr<File> file_;
  uint64_t file_size_ = 0;
  uint64_t table_offset_ = 0;
  uint64_t announced_ = 0;
  uint64_t entries_end_ = 0;  ///< T, or the file's size
  uint64_t entry_limit_ = 0;
  uint64_t offset_ = chunk_header_size;
  uint64_t read_ = 0;
  std::optional<TornTail> torn_;
  std::vector<uint32_t> offsets_;  ///< of an incomplete chunk, to recognise a half-written table
  Bytes window_;
  uint64_t window_offset_ = 0;
  Bytes table_window_;
  uint64_t table_window_first_ = 0;
};

/// Offsets of entries number `index` … index+count-1 (from 0) of a complete chunk, and of the end
/// of the last one: count+1 numbers, ascending by at least the size of an entry. Two small reads.
/// Errors: not complete, outside the table, offsets that cannot be right. count >= 1.
Result<std::vector<uint64_t>> entry_offsets(const File& chunk, uint64_t index, uint64_t count);

/// The table of a complete chunk.
Bytes encode_position_table(const std::vector<uint32_t>& offsets);

}  // namespace entente::ledger
