#pragma once
// Inside of LedgerWriter: the chunks that it knows. Not part of the room's interface.

#include "ledger/ledger_writer.h"

namespace entente::ledger {

/// A chunk of the main folder without `.committed` in its name: open, or complete and waiting for
/// the commit point. Its `end` and `offsets` are those of published entries; the file may hold more
/// for the time of an append.
struct LedgerWriter::LiveChunk {
  SeqNo first;
  bool recovery = false;
  bool complete = false;
  bool closes = false;     ///< at start-up: the last entry says that the chunk ends
  bool announced = false;  ///< T in the file may differ from 0
  bool synced = false;     ///< the whole file would survive a power cut
  uint64_t end = chunk_header_size;
  std::vector<uint32_t> offsets;  ///< of each entry
  std::unique_ptr<File> file;     ///< of the disk thread

  SeqNo last() const { return SeqNo{first.value + offsets.size() - 1}; }
  uint64_t end_of(uint64_t index) const {
    return index + 1 < offsets.size() ? offsets[index + 1] : end;
  }
  ChunkName name() const { return {first, std::nullopt, false, recovery}; }
  ChunkName committed_name() const { return {first, last(), true, recovery}; }
};

struct LedgerWriter::CommittedChunk {
  std::string folder;
  ChunkName name;
};

/// A part of a batch that goes into one chunk with one write.
struct LedgerWriter::Segment {
  std::shared_ptr<LiveChunk> chunk;
  bool create = false;  ///< the chunk does not exist yet
  bool complete_after =
      false;        ///< flag 0x01 on the last entry, or 0x02 on the next segment's first
  BytesView bytes;  ///< may be empty: only complete the chunk
  uint64_t at = 0;  ///< file offset
  std::vector<uint32_t> offsets;
};

/// Where entries stand: a file, and for live chunks the offsets.
struct LedgerWriter::Place {
  std::string path;
  SeqNo first, last;
  std::vector<uint64_t> offsets;  ///< last-first+2 of them; empty: look into the file's table …
  uint64_t index = 0;             ///< … from this entry of the chunk on
  uint64_t moves = 0;
};

}  // namespace entente::ledger
