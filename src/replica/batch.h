#pragma once
// What a lane hands over: finished entries, back to back in one buffer, in the order in which the
// store gave out their seqnos. Between two entries of one batch other lanes' seqnos may lie.

#include <vector>

#include "consensus/core.h"
#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::replica {

struct Batch {
  struct Entry {
    consensus::EntryMeta meta;
    size_t offset = 0;  ///< in `bytes`; meta.bytes long
  };
  consensus::Epoch epoch;  ///< one epoch for all entries
  bool urgent = false;     ///< somebody waits for the commit of one of them
  Bytes bytes;
  std::vector<Entry> entries;

  BytesView content(const Entry& entry) const {
    return BytesView(bytes).subspan(entry.offset, entry.meta.bytes);
  }
  void clear() {
    urgent = false;
    bytes.clear();
    entries.clear();
  }
};

}  // namespace entente::replica
