#include "ledger/ledger_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/memory_disk.h"
#include "ledger/plain_entries.h"

namespace entente::ledger {
namespace {

using test::chunk_of;
using test::joined;
using test::plain_entry;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string folder = "/ledger";

std::unique_ptr<LedgerWriter> open_ledger(Disk& disk, StartUp start = StartUp::existing,
                                          LedgerConfig config = {}) {
  config.main = folder;
  auto writer = LedgerWriter::open(disk, std::move(config), start);
  EXPECT_TRUE(writer.ok()) << (writer ? "" : writer.error().message);
  return writer ? std::move(*writer) : nullptr;
}

Bytes entries(uint64_t first, uint64_t last, uint8_t flags_of_last = 0) {
  Bytes batch;
  for (uint64_t seqno = first; seqno <= last; ++seqno) {
    append(batch, plain_entry(seqno, seqno == last ? flags_of_last : uint8_t{0}, 10 + seqno));
  }
  return batch;
}

TEST(LedgerWriter, chunks_close_where_flags_say) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  EXPECT_EQ(ledger->last(), SeqNo{0});
  ASSERT_TRUE(ledger->append(entries(1, 3)).ok());
  EXPECT_THAT(*disk.list(folder), ElementsAre("ledger_1"));
  ASSERT_TRUE(ledger->append(entries(4, 5, close_chunk_after)).ok());
  EXPECT_THAT(*disk.list(folder), ElementsAre("ledger_1")) << "completion does not rename";
  // 6 closes the chunk before itself: nothing is open, so nothing happens; 8 does.
  Bytes batch = plain_entry(6, close_chunk_before);
  append(batch, entries(7, 7));
  append(batch, plain_entry(8, close_chunk_before));
  ASSERT_TRUE(ledger->append(batch).ok());
  EXPECT_THAT(*disk.list(folder), ElementsAre("ledger_1", "ledger_6", "ledger_8"));
  EXPECT_EQ(ledger->last(), SeqNo{8});

  std::vector<Bytes> first;
  for (uint64_t s = 1; s <= 5; ++s) first.push_back(plain_entry(s, s == 5, 10 + s));
  EXPECT_EQ(*disk.content(folder + "/ledger_1"), chunk_of(first, true));
  EXPECT_EQ(*disk.content(folder + "/ledger_8"), chunk_of({plain_entry(8, 2)}, false));

  ASSERT_TRUE(ledger->commit(SeqNo{4}).ok());
  EXPECT_THAT(*disk.list(folder), ElementsAre("ledger_1", "ledger_6", "ledger_8"));
  ASSERT_TRUE(ledger->commit(SeqNo{5}).ok());
  ASSERT_TRUE(ledger->commit(SeqNo{8}).ok());
  EXPECT_THAT(*disk.list(folder),
              ElementsAre("ledger_1-5.committed", "ledger_6-7.committed", "ledger_8"));
  ASSERT_TRUE(ledger->append(entries(9, 9, close_chunk_after)).ok());
  ASSERT_TRUE(ledger->commit(SeqNo{9}).ok());
  EXPECT_THAT(*disk.list(folder),
              ElementsAre("ledger_1-5.committed", "ledger_6-7.committed", "ledger_8-9.committed"));
}

TEST(LedgerWriter, reads_single_entries_and_ranges) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  ASSERT_TRUE(ledger->append(entries(1, 5, close_chunk_after)).ok());
  ASSERT_TRUE(ledger->append(entries(6, 9)).ok());
  for (const bool committed : {false, true}) {
    if (committed) {
      ASSERT_TRUE(ledger->commit(SeqNo{9}).ok());
    }
    for (uint64_t s = 1; s <= 9; ++s) {
      auto entry = ledger->read(SeqNo{s});
      ASSERT_TRUE(entry.ok()) << entry.error().message;
      EXPECT_EQ(*entry, plain_entry(s, s == 5, 10 + s));
    }
    auto range = ledger->read_range(SeqNo{2}, SeqNo{9}, 1 << 20);
    ASSERT_TRUE(range.ok());
    EXPECT_EQ(range->last, SeqNo{5}) << "one chunk at a time";
    EXPECT_EQ(range->bytes, entries(2, 5, close_chunk_after));
    range = ledger->read_range(SeqNo{2}, SeqNo{9}, 56 + 57 + 1);
    EXPECT_EQ(range->last, SeqNo{3}) << "as many as fit";
    range = ledger->read_range(SeqNo{7}, SeqNo{8}, 0);
    EXPECT_EQ(range->last, SeqNo{7}) << "at least one";
    EXPECT_FALSE(ledger->read(SeqNo{10}).ok());
    EXPECT_FALSE(ledger->read(SeqNo{0}).ok());
  }
  EXPECT_THAT(ledger->read(SeqNo{10}).error().message,
              HasSubstr("Cannot find ledger file for seqno 10"));
}

TEST(LedgerWriter, refuses_batches_that_do_not_continue_the_ledger) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  ASSERT_TRUE(ledger->append(entries(1, 2)).ok());
  const auto before = disk.files();
  EXPECT_THAT(ledger->append(entries(4, 4)).error().message, HasSubstr("seqno 4 where 3 is next"));
  EXPECT_FALSE(ledger->append(joined({plain_entry(3), plain_entry(3)})).ok());
  Bytes cut = entries(3, 4);
  cut.pop_back();
  EXPECT_THAT(ledger->append(cut).error().message, HasSubstr("not whole"));
  cut[0] = 7;
  EXPECT_FALSE(ledger->append(cut).ok());
  EXPECT_EQ(disk.files(), before);
  EXPECT_EQ(ledger->last(), SeqNo{2});
  EXPECT_TRUE(ledger->append(BytesView()).ok());
  const Bytes three = entries(3, 3);
  const Bytes four = entries(4, 4);
  EXPECT_TRUE(ledger->append(std::vector<BytesView>{three, four}).ok());
  EXPECT_EQ(ledger->last(), SeqNo{4});
}

TEST(LedgerWriter, truncation_reopens_and_deletes_chunks) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  ASSERT_TRUE(ledger->append(entries(1, 3, close_chunk_after)).ok());
  ASSERT_TRUE(ledger->append(entries(4, 6, close_chunk_after)).ok());
  ASSERT_TRUE(ledger->append(entries(7, 9)).ok());
  ASSERT_TRUE(ledger->commit(SeqNo{3}).ok());

  ASSERT_TRUE(ledger->truncate(SeqNo{8}).ok());
  EXPECT_EQ(ledger->last(), SeqNo{8});
  ASSERT_TRUE(ledger->truncate(SeqNo{6}).ok());
  EXPECT_THAT(*disk.list(folder), ElementsAre("ledger_1-3.committed", "ledger_4"));
  EXPECT_NE(disk.content(folder + "/ledger_4")->front(), 0) << "cut at its end: still complete";
  ASSERT_TRUE(ledger->truncate(SeqNo{4}).ok());
  EXPECT_EQ(*disk.content(folder + "/ledger_4"), chunk_of({plain_entry(4, 0, 14)}, false));
  EXPECT_FALSE(ledger->read(SeqNo{5}).ok());

  ASSERT_TRUE(ledger->append(plain_entry(5, close_chunk_after, 3, 4)).ok());
  ASSERT_TRUE(ledger->commit(SeqNo{5}).ok());
  EXPECT_EQ(*ledger->read(SeqNo{5}), plain_entry(5, 1, 3, 4));
  EXPECT_THAT(*disk.list(folder), ElementsAre("ledger_1-3.committed", "ledger_4-5.committed"));
  ASSERT_TRUE(ledger->truncate(SeqNo{5}).ok());
  EXPECT_DEATH((void)ledger->truncate(SeqNo{4}), "seqno >= committed_");
}

TEST(LedgerWriter, a_full_disk_is_an_error_and_the_batch_can_be_repeated) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  ASSERT_TRUE(ledger->append(entries(1, 5)).ok());
  const auto before = disk.files();
  uint64_t used = 0;
  for (const auto& [path, content] : before) used += content.size();

  for (uint64_t room = 0; room < 400; room += 7) {
    disk.set_capacity(used + room);
    const auto full = ledger->append(entries(6, 20, close_chunk_after));
    ASSERT_FALSE(full.ok());
    EXPECT_THAT(full.error().message, HasSubstr("no space left"));
    EXPECT_TRUE(ledger->accepts(entries(6, 20, close_chunk_after)).ok()) << "it was the disk";
    EXPECT_FALSE(ledger->accepts(entries(7, 20)).ok());
    EXPECT_EQ(ledger->last(), SeqNo{5});
    EXPECT_FALSE(ledger->read(SeqNo{6}).ok());
  }
  disk.set_capacity(1 << 20);
  // A shorter batch than the one that failed: nothing of that may remain behind it.
  ASSERT_TRUE(ledger->append(entries(6, 6)).ok());
  std::vector<Bytes> all;
  for (uint64_t s = 1; s <= 6; ++s) all.push_back(plain_entry(s, 0, 10 + s));
  EXPECT_EQ(*disk.content(folder + "/ledger_1"), chunk_of(all, false));
}

// --------------------------------------------------------------------------------------- start-up

TEST(StartUp, a_new_service_needs_empty_folders) {
  MemoryDisk disk;
  disk.put("/ledger/ledger_1", chunk_of({plain_entry(1)}, false));
  disk.put("/old/ledger_1-1.committed", chunk_of({plain_entry(1)}, true));
  ASSERT_TRUE(disk.create_folders("/empty").ok());
  const auto start = [&](std::string main, std::vector<std::string> read_only) {
    return LedgerWriter::open(disk, {std::move(main), std::move(read_only)}, StartUp::new_service);
  };
  EXPECT_THAT(start("/ledger", {}).error().message, HasSubstr("/ledger holds ledger_1"));
  EXPECT_FALSE(start("/empty", {"/old"}).ok());
  EXPECT_FALSE(start("/empty", {"/absent"}).ok());
  disk.put("/empty/ledger_1.ignored", Bytes(3));
  disk.put("/empty/notes.txt", Bytes(3));
  EXPECT_TRUE(start("/empty", {}).ok());
  EXPECT_TRUE(start("/made/here", {"/empty"}).ok());
}

TEST(StartUp, existing_files) {
  MemoryDisk disk;
  const auto two = [](uint64_t first, bool complete) {
    return chunk_of({plain_entry(first), plain_entry(first + 1, complete)}, complete);
  };
  disk.put("/ro/ledger_1-2.committed", two(1, true));
  disk.put("/ro/ledger_3-4.committed", two(3, true));
  disk.put("/ro/ledger_5", two(5, false));                      // not committed: does not count
  disk.put("/ro/ledger_5-6.committed.recovery", two(5, true));  // neither
  disk.put("/ledger/ledger_3", two(3, true));                   // committed elsewhere
  disk.put("/ledger/ledger_5-6", two(5, true));                 // complete, older naming
  Bytes torn = two(7, false);
  append(torn, BytesView(plain_entry(9)).first(50));
  disk.put("/ledger/ledger_7", torn);
  disk.put("/ledger/ledger_7-8.committed.recovery", two(7, true));
  disk.put("/ledger/ledger_8", two(8, false));    // overlaps
  disk.put("/ledger/ledger_20", two(20, false));  // beyond a gap
  disk.put("/ledger/ledger_30", two(31, false));  // name and content differ
  disk.put("/ledger/ledger_40", Bytes(8));        // empty
  disk.put("/ledger/ledger_x", Bytes(8));
  disk.put("/ledger/ledger_9.ignored", Bytes(8));
  disk.put("/ledger/README", Bytes(8));

  LedgerConfig config;
  config.read_only = {"/ro"};
  auto ledger = open_ledger(disk, StartUp::existing, config);
  ASSERT_NE(ledger, nullptr);
  EXPECT_EQ(ledger->last(), SeqNo{8});
  EXPECT_EQ(ledger->committed(), SeqNo{4});
  EXPECT_THAT(*disk.list("/ledger"),
              ElementsAre("README", "ledger_20.ignored", "ledger_3.ignored", "ledger_30.ignored",
                          "ledger_40.ignored", "ledger_5", "ledger_7",
                          "ledger_7-8.committed.recovery.ignored", "ledger_8.ignored",
                          "ledger_9.ignored", "ledger_x.ignored"));
  EXPECT_EQ(*disk.content("/ledger/ledger_7"), two(7, false)) << "cut to whole entries";
  EXPECT_EQ(disk.list("/ro")->size(), 4u) << "read-only folders are not touched";
  for (uint64_t s = 1; s <= 8; ++s) EXPECT_TRUE(ledger->read(SeqNo{s}).ok()) << s;
  EXPECT_GE(ledger->start_up_report().actions.size(), 8u);

  ASSERT_TRUE(ledger->append(plain_entry(9, close_chunk_after)).ok());
  ASSERT_TRUE(ledger->commit(SeqNo{9}).ok());
  EXPECT_TRUE(disk.exists("/ledger/ledger_5-6.committed"));
  EXPECT_TRUE(disk.exists("/ledger/ledger_7-9.committed"));
}

TEST(StartUp, an_interrupted_completion_is_finished_or_undone) {
  for (const bool closes : {true, false}) {
    const std::vector<Bytes> all = {plain_entry(1), plain_entry(2, closes)};
    Bytes bad_table_offset = chunk_of(all, true);
    bad_table_offset[1] ^= 0x55;
    Bytes no_table_offset = chunk_of(all, true);
    std::fill_n(no_table_offset.begin(), 8, uint8_t{0});
    Bytes bad_table = chunk_of(all, true);
    bad_table.back() ^= 1;
    for (const Bytes& file : {bad_table_offset, no_table_offset, bad_table}) {
      MemoryDisk disk;
      disk.put("/ledger/ledger_1", file);
      auto ledger = open_ledger(disk);
      EXPECT_EQ(ledger->last(), SeqNo{2});
      EXPECT_EQ(*disk.content("/ledger/ledger_1"), chunk_of(all, closes));
    }
  }
}

TEST(StartUp, entries_of_an_older_view_behind_newer_ones_are_dropped) {
  MemoryDisk disk;
  disk.put("/ledger/ledger_1", chunk_of({plain_entry(1, 0, 5, 4), plain_entry(2, 0, 5, 2)}, false));
  EXPECT_EQ(open_ledger(disk)->last(), SeqNo{1});
  disk.put("/ledger/ledger_1", chunk_of({plain_entry(1), plain_entry(3)}, false));
  EXPECT_EQ(open_ledger(disk)->last(), SeqNo{1});
}

TEST(StartUp, from_a_snapshot) {
  MemoryDisk disk;
  const auto one = [](uint64_t s) { return chunk_of({plain_entry(s, 1)}, true); };
  for (uint64_t s = 1; s <= 4; ++s) {
    disk.put("/ledger/" + ChunkName{{s}, SeqNo{s}, true, false}.text(), one(s));
  }
  LedgerConfig config;
  config.snapshot = SeqNo{2};
  auto ledger = open_ledger(disk, StartUp::existing, config);
  EXPECT_EQ(ledger->committed(), SeqNo{2});
  EXPECT_EQ(ledger->last(), SeqNo{4});
  EXPECT_THAT(*disk.list(folder),
              ElementsAre("ledger_1-1.committed", "ledger_2-2.committed", "ledger_3", "ledger_4"));
  ASSERT_TRUE(ledger->truncate(SeqNo{3}).ok());
  ASSERT_TRUE(ledger->append(plain_entry(4, 0, 9, 7)).ok());

  MemoryDisk empty;
  config.snapshot = SeqNo{100};
  ledger = open_ledger(empty, StartUp::existing, config);
  EXPECT_FALSE(ledger->append(plain_entry(1)).ok());
  EXPECT_TRUE(ledger->append(plain_entry(101)).ok());
  EXPECT_THAT(*empty.list(folder), ElementsAre("ledger_101"));
}

TEST(StartUp, recovery_names) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  ASSERT_TRUE(ledger->append(entries(1, 2)).ok());
  ledger->start_recovery();
  ASSERT_TRUE(ledger->append(plain_entry(3, close_chunk_before | close_chunk_after)).ok());
  ASSERT_TRUE(ledger->append(plain_entry(4)).ok());
  ASSERT_TRUE(ledger->commit(SeqNo{3}).ok());
  EXPECT_THAT(
      *disk.list(folder),
      ElementsAre("ledger_1-2.committed", "ledger_3-3.committed.recovery", "ledger_4.recovery"));
  EXPECT_TRUE(ledger->read(SeqNo{3}).ok());
  ASSERT_TRUE(ledger->finish_recovery().ok());
  EXPECT_THAT(*disk.list(folder),
              ElementsAre("ledger_1-2.committed", "ledger_3-3.committed", "ledger_4"));
  EXPECT_TRUE(ledger->read(SeqNo{3}).ok());
  EXPECT_TRUE(ledger->read(SeqNo{4}).ok());
}

// --------------------------------------------------------------------------------- random
// histories

/// What the ledger should hold, and everything that was ever handed in for a seqno.
struct Model {
  std::vector<Bytes> acknowledged;                 // by seqno - 1
  std::map<uint64_t, std::vector<Bytes>> written;  // by seqno
  uint64_t committed = 0;
};

/// One random step; false when the disk failed. Deterministic in `random`.
bool step(LedgerWriter& ledger, Model& model, std::mt19937_64& random, uint64_t& view) {
  const uint64_t last = model.acknowledged.size();
  const uint64_t choice = random() % 16;
  if (choice < 11) {
    std::vector<Bytes> batch;
    const uint64_t count = 1 + random() % 5;
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t flag = random() % 8;
      batch.push_back(plain_entry(last + 1 + i, flag <= 2 ? uint8_t(flag) : uint8_t{0},
                                  random() % 60, view, uint8_t(random())));
      model.written[last + 1 + i].push_back(batch.back());
    }
    if (!ledger.append(joined(batch)).ok()) return false;
    model.acknowledged.insert(model.acknowledged.end(), batch.begin(), batch.end());
    return true;
  }
  if (choice < 13) {
    if (last > model.committed) model.committed += random() % (last - model.committed + 1);
    return ledger.commit(SeqNo{model.committed}).ok();
  }
  if (choice < 15) {
    ++view;
    const uint64_t keep = model.committed + random() % (last - model.committed + 1);
    const bool done = ledger.truncate(SeqNo{keep}).ok();
    if (done) model.acknowledged.resize(keep);
    return done;
  }
  return ledger.sync().ok();
}

void expect_holds(const LedgerWriter& ledger, const Model& model) {
  ASSERT_EQ(ledger.last(), SeqNo{model.acknowledged.size()});
  for (uint64_t s = 1; s <= model.acknowledged.size(); ++s) {
    auto entry = ledger.read(SeqNo{s});
    ASSERT_TRUE(entry.ok()) << s << entry.error().message;
    ASSERT_EQ(*entry, model.acknowledged[s - 1]) << s;
  }
}

TEST(LedgerWriterProperty, random_histories_read_back_and_survive_restart) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    MemoryDisk disk;
    auto ledger = open_ledger(disk, StartUp::new_service);
    Model model;
    std::mt19937_64 random(seed);
    uint64_t view = 2;
    for (int i = 0; i < 60; ++i) {
      ASSERT_TRUE(step(*ledger, model, random, view));
      if (i % 20 == 19) {
        expect_holds(*ledger, model);
        if (model.acknowledged.empty()) continue;
        ledger = open_ledger(disk);
        ASSERT_TRUE(ledger->commit(SeqNo{model.committed}).ok());
        expect_holds(*ledger, model);
      }
    }
  }
}

TEST(LedgerWriterProperty, every_single_failure_can_be_repeated_away) {
  // The same history without and with one failing operation, which is then simply tried again:
  // the folders end up byte for byte the same.
  const auto run = [](uint64_t seed, std::optional<uint64_t> fail_at, uint64_t* operations) {
    MemoryDisk disk;
    LedgerConfig config;
    config.durability = seed % 2 == 0 ? Durability::none : Durability::batch_fsync;
    auto ledger = open_ledger(disk, StartUp::new_service, config);
    if (fail_at) disk.fail_after(*fail_at, true, seed);
    Model model;
    std::mt19937_64 random(seed);
    uint64_t view = 2;
    for (int i = 0; i < 25; ++i) {
      const auto random_before = random;
      const Model model_before = model;
      const uint64_t view_before = view;
      if (step(*ledger, model, random, view)) continue;
      random = random_before;
      model = model_before;
      view = view_before;
      EXPECT_TRUE(step(*ledger, model, random, view));
    }
    expect_holds(*ledger, model);
    if (operations != nullptr) *operations = disk.changes();
    return disk.files();
  };
  size_t failures = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    uint64_t operations = 0;
    const auto expected = run(seed, std::nullopt, &operations);
    for (uint64_t at = 0; at < operations; ++at, ++failures) {
      ASSERT_EQ(run(seed, at, nullptr), expected) << "seed " << seed << " operation " << at;
    }
  }
  EXPECT_GT(failures, 200u);
}

void crash_everywhere(CrashKind kind, Durability durability, uint64_t seeds) {
  const bool promised = kind == CrashKind::kill || durability == Durability::batch_fsync;
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    for (uint64_t at = 0;; ++at) {
      MemoryDisk disk;
      LedgerConfig config;
      config.durability = durability;
      auto ledger = open_ledger(disk, StartUp::new_service, config);
      disk.fail_after(at, false, seed * 1000 + at);
      Model model;
      std::mt19937_64 random(seed);
      uint64_t view = 2;
      bool failed = false;
      bool truncating = false;
      for (int i = 0; i < 20 && !failed; ++i) {
        const uint64_t view_before = view;
        failed = !step(*ledger, model, random, view);
        truncating = view != view_before;
      }
      ledger.reset();
      disk.crash(kind, seed * 77 + at);
      if (promised) disk.set_capacity(1 << 30);
      ledger = open_ledger(disk, StartUp::existing, config);
      ASSERT_NE(ledger, nullptr);

      const uint64_t last = ledger->last().value;
      if (promised) {
        ASSERT_GE(last, truncating ? model.committed : model.acknowledged.size());
      }
      for (uint64_t s = 1; s <= last; ++s) {
        auto entry = ledger->read(SeqNo{s});
        ASSERT_TRUE(entry.ok()) << "seed " << seed << " at " << at << ": " << entry.error().message;
        const auto& known = model.written[s];
        ASSERT_NE(std::find(known.begin(), known.end(), *entry), known.end()) << s;
        if (promised && s <= model.acknowledged.size()) {
          ASSERT_EQ(*entry, model.acknowledged[s - 1]);
        }
      }
      ASSERT_TRUE(ledger->append(plain_entry(last + 1, 0, 3, view + 2)).ok());
      ASSERT_TRUE(ledger->read(SeqNo{last + 1}).ok());
      if (!failed) break;
    }
  }
}

TEST(LedgerWriterProperty, killed_at_any_point) {
  crash_everywhere(CrashKind::kill, Durability::none, 12);
  crash_everywhere(CrashKind::kill, Durability::batch_fsync, 6);
}
TEST(LedgerWriterProperty, power_cut_at_any_point_with_fsync) {
  crash_everywhere(CrashKind::power_cut, Durability::batch_fsync, 12);
  crash_everywhere(CrashKind::reordered_power_cut, Durability::batch_fsync, 12);
}
TEST(LedgerWriterProperty, power_cut_at_any_point_without_fsync) {
  crash_everywhere(CrashKind::power_cut, Durability::none, 12);
}

TEST(LedgerWriter, readers_beside_the_writer) {
  MemoryDisk disk;
  auto ledger = open_ledger(disk, StartUp::new_service);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> committed{0};
  std::atomic<uint64_t> reads{0};
  std::vector<std::thread> readers;
  for (uint64_t id = 0; id < 2; ++id) {
    readers.emplace_back([&, id] {
      std::mt19937_64 random(id);
      while (!stop) {
        const uint64_t known = committed;
        if (known == 0) continue;
        const uint64_t s = 1 + random() % known;
        auto range = ledger->read_range(SeqNo{s}, SeqNo{known}, 500);
        ASSERT_TRUE(range.ok()) << range.error().message;
        ASSERT_EQ(range->first, SeqNo{s});
        ++reads;
      }
    });
  }
  std::mt19937_64 random(7);
  Model model;
  uint64_t view = 2;
  for (int i = 0; i < 3000 || reads < 500; ++i) {
    ASSERT_TRUE(step(*ledger, model, random, view));
    committed = ledger->committed().value;
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace entente::ledger
