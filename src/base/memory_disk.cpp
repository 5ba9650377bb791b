#include "base/memory_disk.h"

#include <algorithm>
#include <set>
#include <utility>

namespace entente {
namespace {

struct ContentChange {
  bool is_truncate = false;
  uint64_t offset = 0;  ///< or the new size
  Bytes bytes;
};

void apply(Bytes& content, const ContentChange& change, uint64_t kept_bytes) {
  if (change.is_truncate) {
    content.resize(change.offset);
    return;
  }
  const uint64_t end = change.offset + kept_bytes;
  if (kept_bytes == 0) return;
  if (content.size() < end) content.resize(end);
  std::copy_n(change.bytes.begin(), kept_bytes,
              content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

std::string clean(const std::string& path) {
  std::string out = path;
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Error no_such(const std::string& path) {
  return {"cannot open " + path + ": no such file"};
}
Error injected(const char* what, const std::string& path) {
  return {std::string("cannot ") + what + " " + path + ": input/output error (injected)"};
}

}  // namespace

struct MemoryDisk::Inode {
  Bytes now;
  Bytes durable;
  std::vector<ContentChange> unsynced;
};

struct MemoryDisk::Names {
  struct Change {
    std::string removed;  ///< "" : nothing
    std::string added;    ///< "" : nothing
    std::shared_ptr<Inode> inode;
  };
  using Map = std::map<std::string, std::shared_ptr<Inode>>;
  Map now;
  Map durable;
  std::map<std::string, std::vector<Change>> unsynced;  ///< by folder
  std::set<std::string> folders{".", "/"};

  void change(const std::string& folder, Change what) {
    apply(now, what);
    unsynced[folder].push_back(std::move(what));
  }
  static void apply(Map& map, const Change& what) {
    if (!what.removed.empty()) map.erase(what.removed);
    if (!what.added.empty()) map[what.added] = what.inode;
  }
  uint64_t total() const {
    uint64_t sum = 0;
    for (const auto& [path, inode] : now) sum += inode->now.size();
    return sum;
  }
};

class MemoryDisk::OpenFile final : public File {
 public:
  OpenFile(MemoryDisk& disk, std::string path, std::shared_ptr<Inode> inode, bool writable)
      : disk_(disk),
        path_(std::move(path)),
        inode_(std::move(inode)),
        epoch_(disk.epoch_),
        writable_(writable) {}

  Result<uint64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    if (auto usable = check(); !usable) return usable.error();
    return uint64_t{inode_->now.size()};
  }

  Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (auto usable = check(); !usable) return usable;
    const uint64_t size = inode_->now.size();
    if (offset > size || out.size() > size - offset) {
      return Error{"cannot read " + path_ + ": the file ends too early"};
    }
    std::copy_n(inode_->now.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }

  Result<void> write_at(uint64_t offset, BytesView bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    if (auto usable = check_writable(); !usable) return usable;
    uint64_t kept = bytes.size();
    std::string why;
    if (disk_.charge() == Verdict::fail) {
      kept = disk_.random(kept + 1);
      why = "input/output error (injected)";
    }
    const uint64_t others = disk_.names_->total() - inode_->now.size();
    const uint64_t room = disk_.capacity_ > others ? disk_.capacity_ - others : 0;
    const uint64_t end = std::max<uint64_t>(offset + kept, inode_->now.size());
    if (end > room) {
      kept = room > offset ? std::min(kept, room - offset) : 0;
      if (why.empty()) why = "no space left on device";
    }
    ContentChange change{false, offset,
                         Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(kept))};
    apply(inode_->now, change, kept);
    inode_->unsynced.push_back(std::move(change));
    if (!why.empty()) return Error{"cannot write " + path_ + ": " + why};
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (auto usable = check_writable(); !usable) return usable;
    if (disk_.charge() == Verdict::fail) return injected("truncate", path_);
    ContentChange change{true, size, {}};
    apply(inode_->now, change, 0);
    inode_->unsynced.push_back(std::move(change));
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard lock(disk_.mutex_);
    if (auto usable = check(); !usable) return usable;
    if (disk_.charge() == Verdict::fail) return injected("sync", path_);
    inode_->durable = inode_->now;
    inode_->unsynced.clear();
    return {};
  }

 private:
  Result<void> check() const {
    if (epoch_ != disk_.epoch_) return Error{"cannot use " + path_ + ": opened before a crash"};
    return {};
  }
  Result<void> check_writable() const {
    if (!writable_) return Error{"cannot write " + path_ + ": opened for reading"};
    return check();
  }

  MemoryDisk& disk_;
  std::string path_;
  std::shared_ptr<Inode> inode_;
  uint64_t epoch_;
  bool writable_;
};

MemoryDisk::MemoryDisk() : names_(std::make_unique<Names>()) {}
MemoryDisk::~MemoryDisk() = default;

// SplitMix64: small, seeded, good enough to choose what a crash keeps.
uint64_t MemoryDisk::random(uint64_t below) {
  uint64_t z = (random_state_ += 0x9e3779b97f4a7c15ull);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return below == 0 ? 0 : (z ^ (z >> 31)) % below;
}

MemoryDisk::Verdict MemoryDisk::charge() {
  ++changes_;
  if (!good_left_) return Verdict::go;
  if (*good_left_ > 0) {
    --*good_left_;
    return Verdict::go;
  }
  if (fail_once_) good_left_.reset();
  return Verdict::fail;
}

Result<std::unique_ptr<File>> MemoryDisk::open(const std::string& raw, OpenMode mode) {
  const std::string path = clean(raw);
  const std::lock_guard lock(mutex_);
  const auto known = names_->now.find(path);
  if (mode != OpenMode::create_new) {
    if (known == names_->now.end()) return no_such(path);
    return std::unique_ptr<File>(
        std::make_unique<OpenFile>(*this, path, known->second, mode != OpenMode::read));
  }
  if (known != names_->now.end()) return Error{"cannot open " + path + ": the file exists"};
  if (!names_->folders.contains(folder_of(path))) return no_such(path);
  if (charge() == Verdict::fail) return injected("create", path);
  auto inode = std::make_shared<Inode>();
  names_->change(folder_of(path), {"", path, inode});
  return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, path, std::move(inode), true));
}

Result<std::vector<std::string>> MemoryDisk::list(const std::string& raw) {
  const std::string folder = clean(raw);
  const std::lock_guard lock(mutex_);
  if (!names_->folders.contains(folder)) return Error{"cannot list " + folder + ": no such folder"};
  std::vector<std::string> out;
  for (const auto& [path, inode] : names_->now) {
    if (folder_of(path) == folder) out.push_back(path.substr(path.rfind('/') + 1));
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool MemoryDisk::exists(const std::string& raw) {
  const std::string path = clean(raw);
  const std::lock_guard lock(mutex_);
  return names_->now.contains(path) || names_->folders.contains(path);
}

Result<void> MemoryDisk::create_folders(const std::string& raw) {
  const std::string path = clean(raw);
  const std::lock_guard lock(mutex_);
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    names_->folders.insert(path.substr(0, end));
  }
  names_->folders.insert(path);
  return {};
}

Result<void> MemoryDisk::rename(const std::string& raw_from, const std::string& raw_to) {
  const std::string from = clean(raw_from);
  const std::string to = clean(raw_to);
  const std::lock_guard lock(mutex_);
  const auto known = names_->now.find(from);
  if (known == names_->now.end()) return no_such(from);
  if (charge() == Verdict::fail) return injected("rename", from);
  names_->change(folder_of(from), {from, to, known->second});
  return {};
}

Result<void> MemoryDisk::remove(const std::string& raw) {
  const std::string path = clean(raw);
  const std::lock_guard lock(mutex_);
  if (!names_->now.contains(path)) return no_such(path);
  if (charge() == Verdict::fail) return injected("remove", path);
  names_->change(folder_of(path), {path, "", nullptr});
  return {};
}

Result<void> MemoryDisk::sync_folder(const std::string& raw) {
  const std::string folder = clean(raw);
  const std::lock_guard lock(mutex_);
  if (!names_->folders.contains(folder)) return Error{"cannot sync " + folder + ": no such folder"};
  if (charge() == Verdict::fail) return injected("sync folder", folder);
  for (const auto& change : names_->unsynced[folder]) Names::apply(names_->durable, change);
  names_->unsynced[folder].clear();
  return {};
}

void MemoryDisk::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void MemoryDisk::fail_after(uint64_t good, bool once, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  good_left_ = good;
  fail_once_ = once;
  random_state_ = seed;
}

void MemoryDisk::disarm() {
  const std::lock_guard lock(mutex_);
  good_left_.reset();
}

uint64_t MemoryDisk::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

void MemoryDisk::crash(CrashKind kind, uint64_t seed) {
  const std::lock_guard lock(mutex_);
  ++epoch_;
  good_left_.reset();
  random_state_ = seed;
  if (kind != CrashKind::kill) {
    for (auto& [folder, changes] : names_->unsynced) {
      const uint64_t kept = random(changes.size() + 1);
      for (uint64_t i = 0; i < kept; ++i) Names::apply(names_->durable, changes[i]);
    }
    names_->now = names_->durable;
  }
  names_->durable = names_->now;
  names_->unsynced.clear();

  for (auto& [path, inode] : names_->now) {
    if (kind != CrashKind::kill) {
      Bytes content = std::move(inode->durable);
      const auto& changes = inode->unsynced;
      const bool reordered = kind == CrashKind::reordered_power_cut;
      const uint64_t whole = reordered ? changes.size() : random(changes.size() + 1);
      for (uint64_t i = 0; i < whole; ++i) {
        if (reordered && random(2) == 0) continue;
        apply(content, changes[i], changes[i].bytes.size());
      }
      if (whole < changes.size() && !changes[whole].is_truncate) {
        apply(content, changes[whole], random(changes[whole].bytes.size() + 1));
      }
      inode->now = std::move(content);
    }
    inode->durable = inode->now;
    inode->unsynced.clear();
  }
}

Result<void> MemoryDisk::flip_bit(const std::string& path, uint64_t offset, unsigned bit) {
  const std::lock_guard lock(mutex_);
  const auto known = names_->now.find(clean(path));
  if (known == names_->now.end()) return no_such(path);
  Bytes& content = known->second->now;
  if (offset >= content.size()) return Error{"cannot flip a bit of " + path + ": outside the file"};
  content[offset] ^= static_cast<uint8_t>(1u << (bit & 7u));
  if (offset < known->second->durable.size()) known->second->durable[offset] = content[offset];
  return {};
}

Result<Bytes> MemoryDisk::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto known = names_->now.find(clean(path));
  if (known == names_->now.end()) return no_such(path);
  return known->second->now;
}

void MemoryDisk::put(const std::string& raw, BytesView content) {
  const std::string path = clean(raw);
  (void)create_folders(folder_of(path));
  const std::lock_guard lock(mutex_);
  auto inode = std::make_shared<Inode>();
  inode->now = inode->durable = to_bytes(content);
  names_->now[path] = names_->durable[path] = std::move(inode);
}

std::map<std::string, Bytes> MemoryDisk::files() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Bytes> out;
  for (const auto& [path, inode] : names_->now) out.emplace(path, inode->now);
  return out;
}

}  // namespace entente
