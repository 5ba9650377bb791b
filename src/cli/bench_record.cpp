#include "cli/bench_record.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace entente::cli {
namespace {

constexpr std::string_view first_line = "# entente bench record 1 ";
constexpr size_t full = 64 << 10;
constexpr std::string_view words[] = {"acknowledged", "committed"};
constexpr size_t columns = 4;

struct Recordable {
  WorkloadKind kind;
  std::string_view name;
};
constexpr Recordable recordable[] = {{WorkloadKind::basic, "basic"},
                                     {WorkloadKind::logging, "logging"}};

Result<RecordedWrite> parse_line(std::string_view line) {
  std::array<std::string_view, columns> parts;
  for (size_t i = 0; i < columns; ++i) {
    const size_t end = i + 1 == columns ? line.size() : line.find(' ');
    if (end == line.npos) return Error{"too few columns"};
    parts[i] = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  RecordedWrite write{std::string(parts[0]), std::string(parts[1]), {}, parts[3] == words[1]};
  const auto id = TxId::parse(parts[2]);
  if (!id) return Error{"'" + std::string(parts[2]) + "' is no transaction id"};
  if (!write.committed && parts[3] != words[0]) return Error{"the last column is unknown"};
  write.id = *id;
  return write;
}

}  // namespace

Result<std::unique_ptr<BenchRecord>> BenchRecord::make(const std::string& path, WorkloadKind kind,
                                                       const RecordedValues& values) {
  std::FILE* file = std::fopen(path.c_str(), "wxe");
  if (file == nullptr) return Error{path + ": " + std::strerror(errno)};
  std::unique_ptr<BenchRecord> out(new BenchRecord(file, path, values));
  for (const Recordable& one : recordable) {
    if (one.kind != kind) continue;
    std::string header(first_line);
    header.append(one.name).append("\n");
    out->write(header);
    return out;
  }
  return Error{"this workload cannot be recorded"};
}

BenchRecord::~BenchRecord() {
  if (file_ != nullptr) std::fclose(file_);
}

void BenchRecord::add(uint32_t key, std::string_view transaction, bool committed,
                      std::string& buffer) {
  buffer.append(values_.key(key)).append(" ").append(values_.value(key)).append(" ");
  buffer.append(transaction).append(" ").append(words[committed ? 1 : 0]).append("\n");
  if (buffer.size() >= full) write(buffer);
}

void BenchRecord::write(std::string& buffer) {
  const std::lock_guard lock(mutex_);
  failed_ |= std::fwrite(buffer.data(), 1, buffer.size(), file_) != buffer.size();
  buffer.clear();
}

Result<void> BenchRecord::close() {
  const std::lock_guard lock(mutex_);
  if (file_ != nullptr) failed_ |= std::fclose(file_) != 0;
  file_ = nullptr;
  if (failed_) return Error{path_ + " could not be written: " + std::strerror(errno)};
  return {};
}

Result<RecordFile> read_record(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error{path + ": " + std::strerror(errno)};
  RecordFile out;
  std::string line;
  std::getline(file, line);
  bool known = false;
  for (const Recordable& one : recordable) {
    if (line != std::string(first_line) + std::string(one.name)) continue;
    out.kind = one.kind;
    known = true;
  }
  if (!known) return Error{path + " is no record of a benchmark"};
  for (size_t number = 2; std::getline(file, line); ++number) {
    auto write = parse_line(line);
    if (!write) return write.error().at(path + ":" + std::to_string(number));
    out.writes.push_back(std::move(*write));
  }
  return out;
}

}  // namespace entente::cli
