#pragma once
// A disk in memory that fails on demand: for tests and the simulator. It keeps what a power cut
// would keep (synced content, synced folders) apart from what programs see, so that crash() can
// leave any state that a real disk may leave.

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.h"

namespace entente {

enum class CrashKind {
  kill,                 ///< the process dies: everything that was handed to the system stays
  power_cut,            ///< of what was not synced a random first part stays, the last write torn
  reordered_power_cut,  ///< of what was not synced each change of a file stays or not by itself
};

/// Thread-safe. Files opened before crash() fail afterwards.
class MemoryDisk final : public Disk {
 public:
  MemoryDisk();
  ~MemoryDisk() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  bool exists(const std::string& path) override;
  Result<void> create_folders(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> sync_folder(const std::string& folder) override;

  // ---------------------------------------------------------------------------------- faults

  /// Sum of the file sizes at which writes begin to fail with "no space left"; a write that does
  /// not fit leaves the part that fits.
  void set_capacity(uint64_t bytes);
  /// Of the changing operations (write, truncate, sync, create, rename, remove, sync_folder) the
  /// next `good` succeed; the one after fails (a write leaves a random prefix), and so does every
  /// later one until disarm(). With `once` only that one fails.
  void fail_after(uint64_t good, bool once = false, uint64_t seed = 1);
  void disarm();
  uint64_t changes() const;  ///< changing operations so far, failed ones included

  /// All open files go stale and faults are disarmed. Unsynced names (creations, renames,
  /// removals) survive a power cut in order: a random first part per folder.
  void crash(CrashKind kind, uint64_t seed);

  Result<void> flip_bit(const std::string& path, uint64_t offset, unsigned bit);
  /// Content as programs see it now.
  Result<Bytes> content(const std::string& path) const;
  /// Replaces or creates a file, synced.
  void put(const std::string& path, BytesView content);
  /// Everything, for comparing and for copying a state: path to content.
  std::map<std::string, Bytes> files() const;

 private:
  struct Inode;
  struct Names;
  class OpenFile;
  enum class Verdict { go, fail };

  Verdict charge();
  uint64_t random(uint64_t below);

  mutable std::mutex mutex_;
  std::unique_ptr<Names> names_;
  uint64_t epoch_ = 0;
  uint64_t capacity_ = std::numeric_limits<uint64_t>::max();
  uint64_t changes_ = 0;
  std::optional<uint64_t> good_left_;
  bool fail_once_ = false;
  uint64_t random_state_ = 1;
};

}  // namespace entente
