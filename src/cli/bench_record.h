#pragma once
// What a load client was promised: one line for each acknowledged write, and the check that the
// service keeps the promise. Format: docs/benchmark.md.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_workload.h"
#include "cli/tls_client.h"
#include "entente/types.h"

namespace entente::cli {

/// A file of acknowledged writes. `add` and `write` may be called on many threads.
class BenchRecord {
 public:
  /// Makes the file; an error if it exists already.
  static Result<std::unique_ptr<BenchRecord>> make(const std::string& path, WorkloadKind kind,
                                                   const RecordedValues& values);
  ~BenchRecord();
  BenchRecord(const BenchRecord&) = delete;
  BenchRecord& operator=(const BenchRecord&) = delete;

  /// Notes a write into `buffer`, which is written now and then. `transaction` is the id that the
  /// answer carried; `committed`: it was answered at global commit.
  void add(uint32_t key, std::string_view transaction, bool committed, std::string& buffer);
  void write(std::string& buffer);
  /// Everything is in the file; an error if something could not be written.
  Result<void> close();

 private:
  BenchRecord(std::FILE* file, std::string path, const RecordedValues& values)
      : file_(file), path_(std::move(path)), values_(values) {}
  std::FILE* file_;
  const std::string path_;
  const RecordedValues values_;
  std::mutex mutex_;
  bool failed_ = false;
};

struct RecordedWrite {
  std::string key;
  std::string value;
  TxId id;
  bool committed = false;  ///< acknowledged at global commit
};

struct RecordFile {
  WorkloadKind kind = WorkloadKind::basic;
  std::vector<RecordedWrite> writes;
};
/// Errors name the line.
Result<RecordFile> read_record(const std::string& path);

}  // namespace entente::cli
