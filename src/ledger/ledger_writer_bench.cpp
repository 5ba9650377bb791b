// The disk side of the commit path: one append of a batch, per policy; reading entries back; and
// offline verification per entry.

#include <benchmark/benchmark.h>

#include <filesystem>

#include "base/memory_disk.h"
#include "ledger/ledger_image.h"
#include "ledger/ledger_writer.h"
#include "ledger/verify.h"

namespace entente::ledger {
namespace {

constexpr size_t entry_content = 250;
constexpr uint64_t entries_per_chunk = 16'000;  // about 5 MB

/// A folder that goes when the benchmark ends.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "entente-ledger-bench";
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

Bytes batch_from(uint64_t first, uint64_t count) {
  Bytes batch;
  for (uint64_t s = first; s < first + count; ++s) {
    append(batch, test::plain_entry(s, s % entries_per_chunk == 0 ? close_chunk_after : uint8_t{0},
                                    entry_content));
  }
  return batch;
}

void append_batches(benchmark::State& state, Durability durability) {
  const Folder folder;
  auto writer = LedgerWriter::open(system_disk(), {folder.path.string(), {}, durability},
                                   StartUp::new_service);
  const auto count = static_cast<uint64_t>(state.range(0));
  uint64_t next = 1;
  for (auto _ : state) {
    state.PauseTiming();
    const Bytes batch = batch_from(next, count);
    next += count;
    state.ResumeTiming();
    if (!(*writer)->append(batch).ok()) state.SkipWithError("append failed");
    if (!(*writer)->commit(SeqNo{next - 1}).ok()) state.SkipWithError("commit failed");
  }
  state.SetItemsProcessed(static_cast<int64_t>(next - 1));
}
BENCHMARK_CAPTURE(append_batches, none, Durability::none)->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK_CAPTURE(append_batches, batch_fsync, Durability::batch_fsync)->Arg(1)->Arg(1000);

void read_entry(benchmark::State& state) {
  const Folder folder;
  auto writer = LedgerWriter::open(system_disk(), {folder.path.string(), {}}, StartUp::new_service);
  (void)(*writer)->append(batch_from(1, 2 * entries_per_chunk));
  if (state.range(0) != 0) (void)(*writer)->commit((*writer)->last());
  uint64_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % (2 * entries_per_chunk);
    auto entry = (*writer)->read(SeqNo{at + 1});
    benchmark::DoNotOptimize(entry);
  }
}
BENCHMARK(read_entry)->ArgName("committed")->Arg(0)->Arg(1);

void verify_entries(benchmark::State& state) {
  test::TestLedger ledger;
  ledger.genesis();
  ledger.sign();
  for (int signature = 0; signature < 20; ++signature) {
    for (int i = 0; i < 250; ++i) ledger.write("secret", std::to_string(i), std::string(20, 'v'));
    ledger.sign();
  }
  MemoryDisk disk;
  test::LedgerImage::of(ledger).write(disk);
  VerifyOptions options;
  options.folders = {test::LedgerImage::folder};
  if (state.range(0) != 0) options.secrets = *ledger.secrets;
  for (auto _ : state) {
    const VerifyReport report = verify_ledger(disk, options);
    if (!report.ok()) state.SkipWithError(report.failure->text().c_str());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(ledger.entries.size()));
}
BENCHMARK(verify_entries)->ArgName("secrets")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace entente::ledger
