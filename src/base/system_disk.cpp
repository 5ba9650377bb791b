#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/environment.h"

namespace entente {
namespace {

Error system_error(const char* what, const std::string& path) {
  return {std::string("cannot ") + what + " " + path + ": " + std::strerror(errno)};
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : fd_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Result<uint64_t> size() const override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return system_error("stat", path_);
    return static_cast<uint64_t>(info.st_size);
  }

  Result<void> read_at(uint64_t offset, std::span<uint8_t> out) const override {
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("read", path_);
      if (n == 0) return Error{"cannot read " + path_ + ": the file ends too early"};
      out = out.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Result<void> write_at(uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_error("write", path_);
      bytes = bytes.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error("truncate", path_);
    return {};
  }

  Result<void> sync() override {
    if (::fdatasync(fd_) != 0) return system_error("sync", path_);
    return {};
  }

 private:
  int fd_;
  std::string path_;
};

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::read: flags |= O_RDONLY; break;
      case OpenMode::write_existing: flags |= O_RDWR; break;
      case OpenMode::create_new: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    }
    const int descriptor = ::open(path.c_str(), flags, 0600);
    if (descriptor < 0) return system_error("open", path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(descriptor, path));
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    DIR* handle = ::opendir(folder.c_str());
    if (handle == nullptr) return system_error("list", folder);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(handle)) {
      struct stat info {};
      if (::fstatat(::dirfd(handle), entry->d_name, &info, 0) == 0 && S_ISREG(info.st_mode)) {
        names.emplace_back(entry->d_name);
      }
    }
    ::closedir(handle);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<void> create_folders(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return Error{"cannot create folder " + path + ": " + error.message()};
    return {};
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from);
    return {};
  }

  Result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return system_error("remove", path);
    return {};
  }

  Result<void> sync_folder(const std::string& folder) override {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return system_error("open folder", folder);
    const int outcome = ::fsync(descriptor);
    ::close(descriptor);
    if (outcome != 0) return system_error("sync folder", folder);
    return {};
  }
};

}  // namespace

Disk& system_disk() {
  static PosixDisk disk;
  return disk;
}

Result<Bytes> read_file(Disk& disk, const std::string& path, uint64_t limit) {
  auto file = disk.open(path, OpenMode::read);
  if (!file) return file.error();
  const auto size = (*file)->size();
  if (!size) return size.error();
  if (*size > limit) return Error{path + " is larger than " + std::to_string(limit) + " bytes"};
  Bytes content(*size);
  if (auto read = (*file)->read_at(0, content); !read) return read.error();
  return content;
}

Result<void> write_file(Disk& disk, const std::string& path, BytesView content) {
  const std::string temporary = path + ".tmp";
  if (disk.exists(temporary)) {
    if (auto removed = disk.remove(temporary); !removed) return removed;
  }
  {
    auto file = disk.open(temporary, OpenMode::create_new);
    if (!file) return file.error();
    if (auto written = (*file)->write_at(0, content); !written) return written;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  return disk.rename(temporary, path);
}

}  // namespace entente
