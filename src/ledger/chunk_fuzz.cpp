// A folder with one hostile chunk, read by everything that reads chunks: the verifier, the listing
// and a node's start-up. The first byte chooses the file's name and whether the rest is taken as
// it is or as entries of a chunk whose table is right, so that inputs get past the framing.

#include <cstdint>
#include <cstdlib>

#include "base/memory_disk.h"
#include "ledger/ledger_writer.h"
#include "ledger/plain_entries.h"
#include "ledger/show.h"
#include "ledger/verify.h"

using namespace entente;
using namespace entente::ledger;

namespace {

/// Cuts the input into entries of announced sizes as far as they go, and completes the chunk.
Bytes completed(BytesView input) {
  std::vector<Bytes> entries;
  while (input.size() >= entry_framing_size) {
    const auto frame = EntryFrame::parse(input, input.size());
    if (!frame) break;
    entries.push_back(to_bytes(input.first(frame->size)));
    input = input.subspan(frame->size);
  }
  return test::chunk_of(entries, true);
}

void check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const uint8_t how = data[0];
  const BytesView input(data + 1, size - 1);
  static const char* const names[] = {"ledger_1", "ledger_1-2.committed", "ledger_1-1.committed",
                                      "ledger_1-3"};
  MemoryDisk disk;
  disk.put(std::string("/l/") + names[how & 3],
           (how & 4) != 0 ? to_bytes(input) : completed(input));

  VerifyOptions verify;
  verify.folders = {"/l"};
  const VerifyReport report = verify_ledger(disk, verify);
  check(!report.ok() || report.node_signatures > 0);
  if (!report.ok()) check(!report.failure->text().empty());

  ShowOptions show;
  show.folders = {"/l"};
  show.json = (how & 8) != 0;
  show.values = true;
  (void)show_ledger(disk, show, [](std::string_view) { return true; });

  auto writer = LedgerWriter::open(disk, {"/l", {}}, StartUp::existing);
  if (!writer) return 0;
  for (SeqNo seqno{1}; seqno <= (*writer)->last() && seqno.value < 100; ++seqno) {
    (void)(*writer)->read(seqno);
  }
  const uint64_t next = (*writer)->last().value + 1;
  check((*writer)->append(test::plain_entry(next)).ok());
  check((*writer)->read(SeqNo{next}).ok());
  return 0;
}
