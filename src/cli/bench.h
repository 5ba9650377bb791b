#pragma once
// `entente bench`: drives a running service and says what it costs. Rates and latencies are the
// client's; CPU and memory are read from /proc of the server process, if its pid is given. A
// service that changes its primary meanwhile is followed. Described in docs/benchmark.md.

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/json.h"
#include "cli/bench_load.h"
#include "cli/bench_workload.h"

namespace entente::cli {

struct BenchOptions {
  LoadOptions load;
  WorkloadOptions workload;
  std::optional<uint64_t> requests;  ///< one of these two at least
  std::optional<std::chrono::nanoseconds> duration;
  std::chrono::nanoseconds warm_up{};  ///< not measured
  bool fill = true;         ///< where there are reads: write every key first, not measured
  std::string record_file;  ///< of acknowledged writes; empty: none
  bool verify = false;      ///< SmallBank on one connection: compare with the model in the end
  std::optional<int> server_pid;
};

struct ProcessUse {
  double cpu_seconds = 0;  ///< user and system, all threads, since its start
  uint64_t resident_bytes = 0;
};
/// From /proc; an error if there is no such process.
Result<ProcessUse> process_use(int pid);

struct VerifiedBalances {
  std::string expected;  ///< of accounts 0…9, comma separated
  std::string found;
  uint64_t refused_expected = 0;
  uint64_t refused_found = 0;
  bool ok() const { return expected == found && refused_expected == refused_found; }
};

struct BenchReport {
  LoadResult result;
  double client_cpu_seconds = 0;
  std::optional<double> server_cpu_seconds;
  std::optional<uint64_t> server_resident_bytes;
  std::optional<VerifiedBalances> balances;

  double seconds() const { return std::chrono::duration<double>(result.elapsed).count(); }
  double rate() const {
    return seconds() > 0 ? static_cast<double>(result.answers) / seconds() : 0;
  }
  /// Answers that a healthy run does not have, but for those that only said that the node is not
  /// the one to ask: they come with a change of the primary.
  uint64_t errors(WorkloadKind kind) const;
  /// No error, and a node took requests until the end.
  bool ok(WorkloadKind kind) const {
    return errors(kind) == 0 && result.abandoned == 0 && (!balances || balances->ok());
  }
};

/// Says what is going on; may be called once a second.
using BenchProgress = std::function<void(const std::string& what)>;

Result<BenchReport> run_bench(const BenchOptions& options, const BenchProgress& progress = {},
                              const std::atomic<bool>* stop = nullptr);

json::value to_json(const BenchOptions& options, const BenchReport& report);
/// Lines for people.
std::string to_text(const BenchOptions& options, const BenchReport& report);

}  // namespace entente::cli
