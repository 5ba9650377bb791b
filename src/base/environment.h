#pragma once
// The outside world as the replicated core sees it. Core logic never reads a clock, draws
// randomness or touches a disk by itself: it is handed these. The production node hands real ones
// (base/environment.cpp, base/posix_disk.h), tests and the simulator hand simulated ones.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "entente/bytes.h"
#include "entente/result.h"

namespace entente {

/// Microseconds since an arbitrary start; never goes back.
using MonotonicTime = std::chrono::microseconds;
/// Seconds since 1970-01-01 UTC.
using UnixTime = std::chrono::seconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime now() const = 0;
  virtual UnixTime unix_time() const = 0;
};

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void fill(std::span<uint8_t> out) = 0;
};

/// One open file. Not thread-safe. Offsets and sizes in bytes. The handle closes on destruction.
class File {
 public:
  virtual ~File() = default;
  virtual Result<uint64_t> size() const = 0;
  /// Reads exactly out.size() bytes or fails.
  virtual Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const = 0;
  /// Writes all bytes or fails; on failure any prefix may have been written.
  virtual Result<void> write_at(uint64_t offset, BytesView bytes) = 0;
  virtual Result<void> truncate(uint64_t size) = 0;
  /// Returns when the content would survive a power cut.
  virtual Result<void> sync() = 0;
};

enum class OpenMode { read, write_existing, create_new };

/// A file system. Thread-safe. Paths are those of the host.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Names of the regular files in a folder, sorted; no path, no sub-folders.
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual Result<void> create_folders(const std::string& path) = 0;
  /// Atomic; replaces `to` if it exists.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  /// Makes creations, renames and removals in this folder survive a power cut.
  virtual Result<void> sync_folder(const std::string& folder) = 0;
};

/// The machine's clock.
Clock& system_clock();
/// The machine's file system.
Disk& system_disk();

/// Whole content of a file of at most `limit` bytes.
Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t limit = 1ull << 30);
/// Written under a temporary name, synced and renamed, so that readers see all or nothing.
Result<void> write_file(Disk& disk, const std::string& path, BytesView content);

}  // namespace entente
