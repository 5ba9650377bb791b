#pragma once
// Entries described for people (text) and for scripts (one JSON object per line).
// Nothing is verified here, only parsed; see verify.h.

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/chunk_file.h"
#include "ledger/secrets.h"

namespace entente::ledger {

struct ShowOptions {
  std::vector<std::string> folders;
  bool uncommitted = true;
  bool recovery_files = false;
  SeqNo first{1};
  SeqNo last{std::numeric_limits<uint64_t>::max()};
  /// Only entries that touch a map of this name, and of them only that map.
  std::optional<std::string> map;
  bool values = false;  ///< print values, not only keys
  bool json = false;
  /// With them private maps are shown too.
  LedgerSecrets secrets;
  uint64_t entry_limit = default_entry_limit;
  size_t longest_value = 256;  ///< bytes of a key or value in text; JSON is never shortened
};

/// Lines without newline. Returning false stops.
using ShowLine = std::function<bool(std::string_view)>;

/// Number of entries shown. A torn tail ends the listing quietly; a damaged file is an error that
/// names the place, after the lines of everything before it.
Result<uint64_t> show_ledger(Disk& disk, const ShowOptions& options, const ShowLine& line);

/// Text if the bytes are printable UTF-8 without control characters, else `0x` and hex.
std::string printable(BytesView bytes, size_t longest = std::numeric_limits<size_t>::max());

}  // namespace entente::ledger
