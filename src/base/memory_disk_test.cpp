#include "base/memory_disk.h"

#include <gtest/gtest.h>

namespace entente {
namespace {

constexpr std::string_view ten = "0123456789";

std::unique_ptr<File> create(MemoryDisk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::create_new);
  EXPECT_TRUE(file.ok());
  return std::move(file).value();
}

TEST(MemoryDisk, behaves_like_a_file_system) {
  MemoryDisk disk;
  EXPECT_FALSE(disk.open("/d/a", OpenMode::create_new).ok()) << "no folder yet";
  ASSERT_TRUE(disk.create_folders("/d/e/").ok());
  auto file = create(disk, "/d/a");
  EXPECT_FALSE(disk.open("/d/a", OpenMode::create_new).ok());
  ASSERT_TRUE(file->write_at(4, as_bytes(ten)).ok());
  EXPECT_EQ(*file->size(), 14u);
  Bytes read(10);
  EXPECT_TRUE(file->read_at(4, read).ok());
  EXPECT_EQ(as_text(read), ten);
  EXPECT_FALSE(file->read_at(5, read).ok()) << "past the end";
  ASSERT_TRUE(file->truncate(2).ok());
  EXPECT_EQ(*file->size(), 2u);
  create(disk, "/d/e/nested");
  ASSERT_TRUE(disk.rename("/d/a", "/d/b").ok());
  EXPECT_EQ(*disk.list("/d"), std::vector<std::string>{"b"});
  ASSERT_TRUE(file->write_at(0, as_bytes(ten)).ok()) << "the handle follows the file";
  EXPECT_EQ(disk.content("/d/b")->size(), 10u);
  ASSERT_TRUE(disk.remove("/d/b").ok());
  EXPECT_FALSE(disk.exists("/d/b"));
  auto reader = disk.open("/d/e/nested", OpenMode::read);
  EXPECT_FALSE((*reader)->write_at(0, as_bytes(ten)).ok());
}

TEST(MemoryDisk, a_full_disk_keeps_the_part_that_fits) {
  MemoryDisk disk;
  auto file = create(disk, "/a");
  disk.set_capacity(15);
  ASSERT_TRUE(file->write_at(0, as_bytes(ten)).ok());
  const auto full = file->write_at(10, as_bytes(ten));
  ASSERT_FALSE(full.ok());
  EXPECT_NE(full.error().message.find("no space left"), std::string::npos);
  EXPECT_EQ(*file->size(), 15u);
  EXPECT_TRUE(file->write_at(0, as_bytes(ten)).ok()) << "overwriting needs no space";
}

TEST(MemoryDisk, power_cut_keeps_synced_bytes_and_a_first_part_of_the_rest) {
  bool seen_torn = false;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    MemoryDisk disk;
    auto file = create(disk, "/a");
    ASSERT_TRUE(file->write_at(0, as_bytes("sync")).ok());
    ASSERT_TRUE(file->sync().ok());
    ASSERT_TRUE(disk.sync_folder("/").ok());
    ASSERT_TRUE(file->write_at(4, as_bytes(ten)).ok());
    disk.crash(CrashKind::power_cut, seed);
    const std::string left = to_text(*disk.content("/a"));
    EXPECT_TRUE(std::string("sync0123456789").starts_with(left));
    EXPECT_GE(left.size(), 4u);
    seen_torn |= left.size() > 4 && left.size() < 14;
    EXPECT_FALSE(file->size().ok()) << "stale handle";
  }
  EXPECT_TRUE(seen_torn);
}

TEST(MemoryDisk, names_need_a_synced_folder) {
  bool kept = false;
  bool lost = false;
  for (uint64_t seed = 0; seed < 64; ++seed) {
    MemoryDisk disk;
    create(disk, "/a");
    ASSERT_TRUE(disk.sync_folder("/").ok());
    ASSERT_TRUE(disk.rename("/a", "/b").ok());
    disk.crash(CrashKind::power_cut, seed);
    EXPECT_NE(disk.exists("/a"), disk.exists("/b"));
    (disk.exists("/b") ? kept : lost) = true;
  }
  EXPECT_TRUE(kept && lost);
}

TEST(MemoryDisk, kill_keeps_everything) {
  MemoryDisk disk;
  auto file = create(disk, "/a");
  ASSERT_TRUE(file->write_at(0, as_bytes(ten)).ok());
  disk.crash(CrashKind::kill, 1);
  EXPECT_EQ(as_text(*disk.content("/a")), ten);
}

TEST(MemoryDisk, injected_failures) {
  MemoryDisk disk;
  auto file = create(disk, "/a");
  disk.fail_after(1);
  EXPECT_TRUE(file->sync().ok());
  EXPECT_FALSE(file->write_at(0, as_bytes(ten)).ok());
  EXPECT_FALSE(file->sync().ok());
  EXPECT_FALSE(disk.rename("/a", "/b").ok());
  disk.disarm();
  EXPECT_TRUE(file->sync().ok());
  disk.fail_after(0, true);
  EXPECT_FALSE(file->truncate(0).ok());
  EXPECT_TRUE(file->truncate(0).ok());
}

}  // namespace
}  // namespace entente
