#pragma once
// For tests of the file layer: entries with a right frame and IV and any content.

#include <algorithm>
#include <cstring>

#include "crypto/aead.h"
#include "ledger/chunk_file.h"

namespace entente::ledger::test {

inline Bytes plain_entry(uint64_t seqno, uint8_t flags = 0, size_t content = 20, uint64_t view = 2,
                         uint8_t fill = 0xee) {
  Bytes entry(entry_framing_size + content, fill);
  const uint64_t rest = entry.size() - entry_header_size;
  entry[0] = 1;
  entry[1] = flags;
  std::memcpy(entry.data() + 2, &rest, 6);
  uint8_t* iv = entry.data() + entry_header_size + crypto::gcm_tag_size;
  const auto view32 = static_cast<uint32_t>(view);
  std::memcpy(iv, &seqno, 8);
  std::memcpy(iv + 8, &view32, 4);
  const uint64_t public_size = content;
  std::memcpy(iv + 12, &public_size, 8);
  return entry;
}

inline Bytes joined(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const Bytes& part : parts) append(out, part);
  return out;
}

/// A chunk file with these entries; complete: with table and T.
inline Bytes chunk_of(const std::vector<Bytes>& entries, bool complete) {
  Bytes file(chunk_header_size);
  std::vector<uint32_t> offsets;
  for (const Bytes& entry : entries) {
    offsets.push_back(static_cast<uint32_t>(file.size()));
    append(file, entry);
  }
  if (!complete) return file;
  const uint64_t table = file.size();
  std::memcpy(file.data(), &table, sizeof table);
  append(file, encode_position_table(offsets));
  return file;
}

}  // namespace entente::ledger::test
