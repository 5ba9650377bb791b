#include "cli/bench.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "cli/bench_dialler.h"
#include "cli/bench_record.h"

namespace entente::cli {
namespace {

constexpr int status_ok = 200, no_content = 204, bad_request = 400;

double client_cpu() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

using Streams = std::vector<std::unique_ptr<RequestStream>>;

LoadPhase phase_of(const Streams& streams, WorkloadKind kind) {
  LoadPhase phase;
  if (kind == WorkloadKind::smallbank) phase.refusal_status = bad_request;
  for (const auto& stream : streams) phase.streams.push_back(stream.get());
  return phase;
}

template <typename Make>
Streams streams_for(uint32_t connections, const Make& make) {
  Streams streams;
  for (uint32_t i = 0; i < connections; ++i) streams.push_back(make(i));
  return streams;
}

Result<Answer> ask(const LoadOptions& load, const std::string& request) {
  auto context = TlsContext::make(load.identity);
  if (!context) return context.error();
  auto client = BenchDialler(*context, load.addresses, load.patience).connect();
  if (!client) return client.error();
  return client->exchange(request);
}

std::string smallbank_request(std::string_view procedure, const std::string& body) {
  return request_text("POST", "/app/SmallBank_" + std::string(procedure), body,
                      "content-type: application/octet-stream\r\n");
}

Result<void> populate_smallbank(const BenchOptions& options, const BenchProgress& progress) {
  const auto answer =
      ask(options.load, smallbank_request("create_batch", smallbank_population_body()));
  if (!answer) return answer.error();
  if (answer->status == no_content) return {};
  if (answer->status == bad_request && !options.verify) {
    if (progress) progress("the accounts exist already and are used as they are");
    return {};
  }
  return Error{"creating the accounts: status " + std::to_string(answer->status) + ": " +
               answer->body.substr(0, 300)};
}

Result<VerifiedBalances> verify_balances(const BenchOptions& options,
                                         const ModelledSmallBank& modelled,
                                         const LoadResult& result) {
  VerifiedBalances balances;
  for (uint32_t account = 0; account < smallbank_accounts; ++account) {
    const auto answer =
        ask(options.load, smallbank_request("balance", smallbank_account_body(account)));
    if (!answer) return answer.error();
    int64_t balance = 0;
    if (answer->status != status_ok || !smallbank_read_balance(answer->body, balance)) {
      return Error{"the balance of account " + std::to_string(account) + ": status " +
                   std::to_string(answer->status)};
    }
    const char* separator = account == 0 ? "" : ", ";
    balances.expected += separator + std::to_string(modelled.model().balance(account));
    balances.found += separator + std::to_string(balance);
  }
  balances.refused_expected = modelled.refused();
  balances.refused_found = result.statuses[bad_request];
  return balances;
}

Result<void> check(const BenchOptions& options) {
  if (!options.requests && !options.duration) return Error{"neither a count nor a duration"};
  if (options.verify && options.workload.kind != WorkloadKind::smallbank) {
    return Error{"--verify is for the smallbank workload"};
  }
  if (options.verify && (options.load.connections != 1 || options.warm_up.count() != 0)) {
    return Error{"--verify needs one connection and no warm-up: only then the order is known"};
  }
  if (options.load.addresses.empty()) return Error{"no address"};
  if (options.record_file.empty()) return {};
  if (options.workload.kind == WorkloadKind::smallbank || options.workload.read_percent != 0) {
    return Error{"--record is for writes of the basic or logging workload, without reads"};
  }
  if (options.workload.value_size < RecordedValues::smallest) {
    return Error{"--record needs values of at least " + std::to_string(RecordedValues::smallest) +
                 " bytes, so that they can be told apart"};
  }
  return {};
}

/// Differs from run to run, so that the values of another run are not taken for those of this one.
RecordedValues recorded_values(const WorkloadOptions& workload) {
  return {fmt::format("{:08x}", std::random_device()()), workload.value_size};
}

/// A phase before the measured one. Its answers do not count, but errors end the run.
Result<void> prepare(LoadClient& client, const LoadPhase& phase, const BenchOptions& options,
                     const std::string& what, const BenchProgress& progress,
                     const std::atomic<bool>* stop) {
  BenchReport report;
  report.result = client.run(
      phase,
      [&](uint64_t answers) {
        if (progress) progress(what + ": " + std::to_string(answers) + " requests");
      },
      stop);
  const uint64_t errors = report.errors(options.workload.kind);
  if (errors == 0 && report.result.abandoned == 0) return {};
  std::string reason = what + ": " + std::to_string(errors) + " errors";
  for (size_t status = 0; status < report.result.statuses.size(); ++status) {
    if (report.result.statuses[status] != 0) {
      reason += fmt::format(", {} times status {}", report.result.statuses[status], status);
    }
  }
  for (const std::string& problem : report.result.problems) reason += "; " + problem;
  return Error{reason};
}

}  // namespace

Result<ProcessUse> process_use(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat");
  std::string text;
  if (!std::getline(stat, text)) return Error{"there is no process " + std::to_string(pid)};
  // The second field is the name in parentheses, which may hold anything; proc(5).
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return Error{folder + "/stat has no name in it"};
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  uint64_t user = 0, system = 0;
  fields >> user >> system;
  if (!fields) return Error{folder + "/stat has too few fields"};
  ProcessUse use;
  use.cpu_seconds = static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream memory(folder + "/statm");
  uint64_t total = 0, resident = 0;
  memory >> total >> resident;
  use.resident_bytes = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return use;
}

uint64_t BenchReport::errors(WorkloadKind kind) const {
  uint64_t good = result.statuses[status_ok] + result.statuses[no_content];
  if (kind == WorkloadKind::smallbank) good += result.statuses[bad_request];  // refusals
  return result.answers - good - result.sent_away;
}

Result<BenchReport> run_bench(const BenchOptions& options, const BenchProgress& progress,
                              const std::atomic<bool>* stop) {
  if (auto checked = check(options); !checked) return checked.error();
  if (options.workload.kind == WorkloadKind::smallbank) {
    if (auto populated = populate_smallbank(options, progress); !populated) {
      return populated.error();
    }
  }
  LoadOptions load = options.load;
  load.silence = std::max(
      load.silence,
      std::chrono::nanoseconds(std::chrono::seconds(options.workload.prefer_wait_seconds + 5)));
  std::unique_ptr<BenchRecord> record;
  const RecordedValues values = recorded_values(options.workload);
  if (!options.record_file.empty()) {
    auto made = BenchRecord::make(options.record_file, options.workload.kind, values);
    if (!made) return made.error();
    record = std::move(*made);
    load.record = record.get();
  }
  auto client = LoadClient::open(load);
  if (!client) return client.error();
  const uint32_t connections = options.load.connections;

  if (options.fill && options.workload.read_percent != 0 &&
      options.workload.kind != WorkloadKind::smallbank) {
    WorkloadOptions writes = options.workload;
    writes.prefer_wait_seconds = 0;
    const Streams filling = streams_for(
        connections, [&](uint32_t i) { return make_filling_stream(writes, i, connections); });
    LoadPhase phase = phase_of(filling, options.workload.kind);
    // Whole rounds, so that every connection gets through its share.
    phase.requests = (uint64_t{writes.keys} + connections - 1) / connections * connections;
    auto filled = prepare(*client, phase, options, "writing every key once", progress, stop);
    if (!filled) return filled.error();
  }

  ModelledSmallBank modelled(options.workload);
  Streams streams;
  LoadPhase phase;
  if (options.verify) {
    phase.streams.push_back(&modelled);
    phase.refusal_status = bad_request;
  } else {
    streams = streams_for(connections, [&](uint32_t i) {
      return record ? make_recorded_stream(options.workload, values, i, connections)
                    : make_stream(options.workload, i);
    });
    phase = phase_of(streams, options.workload.kind);
  }
  if (options.warm_up.count() > 0) {
    phase.duration = options.warm_up;
    auto warmed = prepare(*client, phase, options, "warming up", progress, stop);
    if (!warmed) return warmed.error();
  }
  phase.duration = options.duration;
  phase.requests = options.requests;

  BenchReport report;
  std::optional<ProcessUse> server_before;
  if (options.server_pid) {
    auto use = process_use(*options.server_pid);
    if (!use) return use.error();
    server_before = *use;
  }
  const double client_before = client_cpu();
  report.result = client->run(
      phase,
      [&](uint64_t answers) {
        if (progress) progress("measuring: " + std::to_string(answers) + " requests");
      },
      stop);
  report.client_cpu_seconds = client_cpu() - client_before;
  if (server_before) {
    if (auto use = process_use(*options.server_pid)) {
      report.server_cpu_seconds = use->cpu_seconds - server_before->cpu_seconds;
      report.server_resident_bytes = use->resident_bytes;
    }
  }
  if (record) {
    if (auto closed = record->close(); !closed) return closed.error();
  }
  if (options.verify) {
    auto balances = verify_balances(options, modelled, report.result);
    if (!balances) return balances.error();
    report.balances = std::move(*balances);
  }
  return report;
}

}  // namespace entente::cli
