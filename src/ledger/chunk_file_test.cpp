#include "ledger/chunk_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/memory_disk.h"
#include "ledger/plain_entries.h"

namespace entente::ledger {
namespace {

using test::chunk_of;
using test::plain_entry;
using testing::HasSubstr;

// ------------------------------------------------------------------------------------------ names

TEST(ChunkName, all_forms) {
  struct {
    const char* text;
    ChunkName name;
  } const cases[] = {
      {"ledger_1", {{1}, {}, false, false}},
      {"ledger_15-46", {{15}, SeqNo{46}, false, false}},
      {"ledger_15-46.committed", {{15}, SeqNo{46}, true, false}},
      {"ledger_88.recovery", {{88}, {}, false, true}},
      {"ledger_88-90.recovery", {{88}, SeqNo{90}, false, true}},
      {"ledger_88-90.committed.recovery", {{88}, SeqNo{90}, true, true}},
      {"ledger_9223372036854775807", {{max_seqno}, {}, false, false}},
  };
  for (const auto& [text, name] : cases) {
    const auto parsed = ChunkName::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, name) << text;
    EXPECT_EQ(name.text(), text);
  }
}

TEST(ChunkName, everything_else_is_refused) {
  for (const char* text : {"",
                           "ledger",
                           "ledger_",
                           "ledger_x",
                           "ledger_0",
                           "ledger_01",
                           "ledger_+1",
                           "ledger_ 1",
                           "ledger_1-",
                           "ledger_2-1",
                           "ledger_1-02",
                           "ledger_1.committed",
                           "ledger_1-2.Committed",
                           "ledger_1-2.committed.",
                           "ledger_1-2.recovery.committed",
                           "ledger_1.ignored",
                           "ledger_1-2.committed.ignored",
                           "xledger_1",
                           "ledger_1_2",
                           "snapshot_1_2.committed",
                           "ledger_9223372036854775808",
                           "ledger_99999999999999999999",
                           "ledger_1-2-3",
                           "ledger_-1"}) {
    EXPECT_FALSE(ChunkName::parse(text)) << text;
  }
  EXPECT_TRUE(is_ignored("ledger_1.ignored"));
  EXPECT_FALSE(is_ignored("ledger_1"));
}

// ------------------------------------------------------------------------------------------ chunks

struct Outcome {
  size_t entries = 0;
  std::string error;
  std::optional<TornTail> torn;
};

Outcome read_chunk(const Bytes& file, std::string_view name, uint64_t limit = default_entry_limit) {
  MemoryDisk disk;
  disk.put("/l/" + std::string(name), file);
  Outcome outcome;
  auto reader = ChunkReader::open(disk, "/l", *ChunkName::parse(name), limit);
  if (!reader) return {0, reader.error().message, {}};
  for (;;) {
    auto entry = reader->next();
    if (!entry) {
      outcome.error = entry.error().message;
      return outcome;
    }
    if (!*entry) break;
    EXPECT_EQ((*entry)->frame.size, (*entry)->bytes.size());
    ++outcome.entries;
  }
  outcome.torn = reader->torn();
  return outcome;
}

std::vector<Bytes> three() {
  return {plain_entry(1), plain_entry(2, 0, 300), plain_entry(3, 1)};
}

TEST(ChunkReader, complete_and_incomplete) {
  EXPECT_EQ(read_chunk(chunk_of(three(), true), "ledger_1-3.committed").entries, 3u);
  EXPECT_EQ(read_chunk(chunk_of(three(), true), "ledger_1").entries, 3u);
  const Outcome open = read_chunk(chunk_of(three(), false), "ledger_1");
  EXPECT_EQ(open.entries, 3u);
  EXPECT_FALSE(open.torn);
  EXPECT_EQ(read_chunk(chunk_of({}, false), "ledger_1").entries, 0u);
}

TEST(ChunkReader, entries_larger_than_the_window) {
  std::vector<Bytes> entries;
  for (uint64_t i = 1; i <= 5; ++i) entries.push_back(plain_entry(i, 0, 700'000 * (i % 3)));
  for (const bool complete : {false, true}) {
    MemoryDisk disk;
    disk.put("/l/ledger_1", chunk_of(entries, complete));
    auto reader = ChunkReader::open(disk, "/l", *ChunkName::parse("ledger_1"));
    ASSERT_TRUE(reader.ok());
    for (const Bytes& expected : entries) {
      auto entry = reader->next();
      ASSERT_TRUE(entry.ok() && *entry);
      EXPECT_TRUE(equal((*entry)->bytes, expected));
    }
    EXPECT_FALSE(*reader->next());
  }
}

TEST(ChunkReader, an_incomplete_chunk_may_end_anywhere) {
  const Bytes whole = chunk_of(three(), false);
  const Bytes complete = chunk_of(three(), true);
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Outcome cut = read_chunk(Bytes(whole.begin(), whole.begin() + long(size)), "ledger_1");
    EXPECT_EQ(cut.error, "");
    const size_t expected = size < 8 + 64         ? 0
                            : size < 8 + 64 + 344 ? 1
                            : size < whole.size() ? 2
                                                  : 3;
    EXPECT_EQ(cut.entries, expected) << size;
    const bool boundary = size == 0 || size == 8 || size == 72 || size == 416 || size == 480;
    EXPECT_EQ(cut.torn.has_value(), !boundary) << size;
    if (cut.torn) {
      EXPECT_FALSE(cut.torn->damage) << size << cut.torn->reason;
    }
  }
  // Killed while the table was written: T is still 0.
  for (size_t size = whole.size() + 1; size <= complete.size(); ++size) {
    Bytes file(complete.begin(), complete.begin() + long(size));
    std::fill_n(file.begin(), 8, uint8_t{0});
    const Outcome cut = read_chunk(file, "ledger_1");
    EXPECT_EQ(cut.entries, 3u);
    ASSERT_TRUE(cut.torn);
    EXPECT_FALSE(cut.torn->damage) << size;
    EXPECT_EQ(cut.torn->offset, whole.size());
  }
}

TEST(ChunkReader, other_tails_are_damage) {
  Bytes file = chunk_of(three(), false);
  file[72] = 2;  // version of the second entry
  Outcome outcome = read_chunk(file, "ledger_1");
  EXPECT_EQ(outcome.entries, 1u);
  ASSERT_TRUE(outcome.torn);
  EXPECT_TRUE(outcome.torn->damage);
  EXPECT_THAT(outcome.torn->reason, HasSubstr("entry version"));

  file = chunk_of(three(), false);
  append(file, Bytes(100, 0));
  EXPECT_TRUE(read_chunk(file, "ledger_1").torn->damage);
}

TEST(ChunkReader, hostile_complete_chunks) {
  const Bytes good = chunk_of(three(), true);
  const size_t table = good.size() - 12;
  const auto with = [&](auto change) {
    Bytes file = good;
    change(file);
    return file;
  };
  const auto table_offset = [&](uint64_t value) {
    return with([&](Bytes& file) { std::memcpy(file.data(), &value, 8); });
  };
  struct {
    const char* what;
    const char* name;
    Bytes file;
    const char* message;
  } const cases[] = {
      {"T beyond the file", "ledger_1-3.committed", table_offset(good.size() + 1),
       "greater than total file size"},
      {"T huge", "ledger_1-3.committed", table_offset(~uint64_t{0}),
       "greater than total file size"},
      {"T in the header", "ledger_1-3.committed", table_offset(4), "inside the header"},
      {"T 0 in a committed file", "ledger_1-3.committed", table_offset(0),
       "invalid table offset (0)"},
      {"T one entry short", "ledger_1-3.committed", table_offset(table - 64), "position table"},
      {"T off by one", "ledger_1-3.committed", table_offset(table - 1), "not a multiple of 4"},
      {"T at the end", "ledger_1", table_offset(good.size()), "is empty"},
      {"T at 8", "ledger_1", table_offset(8), "more entries than fit"},
      {"file empty", "ledger_1-3.committed", {}, "too short"},
      {"name says fewer", "ledger_1-2.committed", good, "the file name says 2"},
      {"name says more", "ledger_1-4.committed", good, "the file name says 4"},
      {"table extended", "ledger_1-3.committed",
       with([](Bytes& file) { file.insert(file.end(), 4, 0); }), "the file name says 3"},
      {"table shortened", "ledger_1-3.committed",
       with([](Bytes& file) { file.resize(file.size() - 4); }), "the file name says 3"},
      {"table cut", "ledger_1-3.committed", with([](Bytes& file) { file.pop_back(); }),
       "not a multiple of 4"},
      {"position wrong", "ledger_1-3.committed", with([&](Bytes& file) { file[table + 4] ^= 1; }),
       "by the position table at 73"},
      {"entry version", "ledger_1-3.committed", with([](Bytes& file) { file[72] = 0; }),
       "entry version: 0"},
      {"entry size too small", "ledger_1-3.committed", with([](Bytes& file) { file[10] = 7; }),
       "too few for an entry"},
      {"entry size smaller", "ledger_1-3.committed", with([](Bytes& file) { file[10] -= 1; }), ""},
      {"entry size beyond T", "ledger_1-3.committed", with([](Bytes& file) { file[12] = 9; }),
       "entry size"},
      {"IV seqno 0", "ledger_1-3.committed", with([](Bytes& file) { file[8 + 24] = 0; }),
       "IV: no transaction id"},
  };
  for (const auto& test : cases) {
    const Outcome outcome = read_chunk(test.file, test.name);
    EXPECT_NE(outcome.error, "") << test.what;
    EXPECT_THAT(outcome.error, HasSubstr(test.message)) << test.what;
    EXPECT_THAT(outcome.error, testing::StartsWith("byte ")) << test.what;
  }
}

TEST(ChunkReader, entry_limit) {
  EXPECT_THAT(read_chunk(chunk_of(three(), true), "ledger_1", 343).error, HasSubstr("limit"));
  EXPECT_EQ(read_chunk(chunk_of(three(), true), "ledger_1", 344).entries, 3u);
}

TEST(EntryOffsets, of_a_complete_chunk) {
  MemoryDisk disk;
  disk.put("/l/c", chunk_of(three(), true));
  const auto file = disk.open("/l/c", OpenMode::read);
  EXPECT_EQ(*entry_offsets(**file, 0, 3), (std::vector<uint64_t>{8, 72, 416, 480}));
  EXPECT_EQ(*entry_offsets(**file, 1, 1), (std::vector<uint64_t>{72, 416}));
  EXPECT_FALSE(entry_offsets(**file, 3, 1).ok());
  EXPECT_FALSE(entry_offsets(**file, 2, 2).ok());
  EXPECT_FALSE(entry_offsets(**file, 0, ~uint64_t{0}).ok());
  Bytes bad = chunk_of(three(), true);
  bad[bad.size() - 8] = 9;
  disk.put("/l/c", bad);
  EXPECT_FALSE(entry_offsets(**disk.open("/l/c", OpenMode::read), 0, 2).ok());
}

}  // namespace
}  // namespace entente::ledger
