#pragma once
// For tests: the files of a ledger, taken apart into entries and put together again, so that one
// thing can be changed while everything around it stays right.

#include <string>
#include <vector>

#include "base/memory_disk.h"
#include "ledger/plain_entries.h"
#include "ledger/test_ledger.h"

namespace entente::ledger::test {

struct LedgerImage {
  using Chunk = TestLedger::Chunk;
  std::vector<Chunk> chunks;
  /// Changes to whole files, made after the chunks were put together.
  std::vector<std::function<void(MemoryDisk&)>> on_files;

  static LedgerImage of(const TestLedger& ledger) { return {ledger.chunks(), {}}; }
  static constexpr const char* folder = "/l";
  static std::string path(const Chunk& chunk) { return path_in(folder, chunk.name.text()); }

  void write(MemoryDisk& disk) const {
    (void)disk.create_folders(folder);
    for (const Chunk& chunk : chunks) {
      disk.put(path(chunk), chunk_of(chunk.entries, chunk.complete));
    }
    for (const auto& change : on_files) change(disk);
  }

  Bytes* entry(uint64_t seqno) {
    for (Chunk& chunk : chunks) {
      const uint64_t first = chunk.name.first.value;
      if (seqno >= first && seqno < first + chunk.entries.size()) {
        return &chunk.entries[seqno - first];
      }
    }
    return nullptr;
  }
  const Chunk* chunk_with(uint64_t seqno) const {
    for (const Chunk& chunk : chunks) {
      const uint64_t first = chunk.name.first.value;
      if (seqno >= first && seqno < first + chunk.entries.size()) return &chunk;
    }
    return nullptr;
  }
  uint64_t last() const {
    const Chunk& chunk = chunks.back();
    return chunk.name.first.value + chunk.entries.size() - 1;
  }
  bool is_signature(uint64_t seqno) const {
    const Chunk* chunk = chunk_with(seqno);
    const Bytes& bytes = chunk->entries[seqno - chunk->name.first.value];
    constexpr std::string_view map = maps::signatures;
    return as_text(bytes).find(map) != std::string_view::npos;
  }
  /// First signature at or after.
  uint64_t signature_from(uint64_t seqno) const {
    while (seqno <= last() && !is_signature(seqno)) ++seqno;
    return seqno;
  }
};

}  // namespace entente::ledger::test
