#include <fmt/format.h>

#include "cli/bench.h"

namespace entente::cli {
namespace {

constexpr std::string_view workload_names[] = {"basic", "logging", "smallbank"};

double microseconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1000.0;
}

struct Percentile {
  const char* name;
  double fraction;
};
constexpr Percentile percentiles[] = {{"p50", 0.5},     {"p90", 0.9},       {"p99", 0.99},
                                      {"p99.9", 0.999}, {"p99.99", 0.9999}, {"max", 1.0}};

std::string_view name_of(WorkloadKind kind) {
  return workload_names[static_cast<size_t>(kind)];
}

double per_request(double seconds, const BenchReport& report) {
  const uint64_t answers = report.result.answers;
  return answers == 0 ? 0 : seconds * 1e6 / static_cast<double>(answers);
}

}  // namespace

json::value to_json(const BenchOptions& options, const BenchReport& report) {
  json::object latencies;
  latencies["mean"] = microseconds(report.result.latencies.mean());
  for (const Percentile& one : percentiles) {
    latencies[one.name] = microseconds(report.result.latencies.percentile(one.fraction));
  }
  json::object statuses;
  for (size_t status = 0; status < report.result.statuses.size(); ++status) {
    if (report.result.statuses[status] != 0) {
      statuses[std::to_string(status)] = report.result.statuses[status];
    }
  }
  json::object out{
      {"workload", name_of(options.workload.kind)},
      {"connections", options.load.connections},
      {"depth", options.load.depth},
      {"threads", options.load.threads},
      {"read_percent", options.workload.read_percent},
      {"keys", options.workload.keys},
      {"value_size", options.workload.value_size},
      {"prefer_wait_seconds", options.workload.prefer_wait_seconds},
      {"seconds", report.seconds()},
      {"requests", report.result.answers},
      {"requests_per_second", report.rate()},
      {"latency_microseconds", std::move(latencies)},
      {"statuses", std::move(statuses)},
      {"errors", report.errors(options.workload.kind)},
      {"unanswered", report.result.unanswered},
      {"problems", json::array(report.result.problems.begin(), report.result.problems.end())},
      {"answered_at_global_commit", report.result.preferences_applied},
      {"client_cpu_microseconds_per_request", per_request(report.client_cpu_seconds, report)}};
  const LoadResult& result = report.result;
  out["writes"] = json::object{{"acknowledged", result.writes.acknowledged},
                               {"committed", result.writes.committed},
                               {"failed", result.writes.failed},
                               {"unknown", result.writes.unknown}};
  out["longest_gap_seconds"] = std::chrono::duration<double>(result.longest_gap).count();
  out["lost_connections"] = result.lost_connections;
  out["reconnections"] = result.reconnections;
  out["sent_away"] = result.sent_away;
  out["abandoned_connections"] = result.abandoned;
  if (report.server_cpu_seconds) {
    out["server_cpu_microseconds_per_request"] = per_request(*report.server_cpu_seconds, report);
    out["server_cpu_seconds"] = *report.server_cpu_seconds;
  }
  if (report.server_resident_bytes) out["server_resident_bytes"] = *report.server_resident_bytes;
  if (report.balances) {
    out["balances"] = json::object{{"expected", report.balances->expected},
                                   {"found", report.balances->found},
                                   {"refused_expected", report.balances->refused_expected},
                                   {"refused_found", report.balances->refused_found},
                                   {"equal", report.balances->ok()}};
  }
  return out;
}

std::string to_text(const BenchOptions& options, const BenchReport& report) {
  std::string out = fmt::format("{}: {} connections x {} in flight, {} requests in {:.2f} s\n",
                                name_of(options.workload.kind), options.load.connections,
                                options.load.depth, report.result.answers, report.seconds());
  out += fmt::format("  rate                {:>12.0f} requests/s\n", report.rate());
  for (const Percentile& one : percentiles) {
    out += fmt::format("  latency {:<12}{:>12.3f} ms\n", one.name,
                       microseconds(report.result.latencies.percentile(one.fraction)) / 1000);
  }
  if (report.server_cpu_seconds) {
    out += fmt::format("  server CPU          {:>12.2f} us/request\n",
                       per_request(*report.server_cpu_seconds, report));
  }
  if (report.server_resident_bytes) {
    out += fmt::format("  server memory       {:>12.1f} MiB\n",
                       static_cast<double>(*report.server_resident_bytes) / (1 << 20));
  }
  out += fmt::format("  client CPU          {:>12.2f} us/request\n",
                     per_request(report.client_cpu_seconds, report));
  if (options.workload.prefer_wait_seconds != 0) {
    out += fmt::format("  at global commit    {:>12} answers\n", report.result.preferences_applied);
  }
  for (size_t status = 0; status < report.result.statuses.size(); ++status) {
    if (report.result.statuses[status] != 0) {
      out += fmt::format("  status {}          {:>12}\n", status, report.result.statuses[status]);
    }
  }
  const LoadResult& result = report.result;
  if (result.writes.sent() != 0) {
    const WriteOutcomes& writes = result.writes;
    out += fmt::format("  writes acknowledged {:>12}\n", writes.acknowledged);
    out += fmt::format("  writes failed       {:>12}\n", writes.failed);
    out += fmt::format("  writes unknown      {:>12}\n", writes.unknown);
    out += fmt::format("  longest gap         {:>12.3f} ms without an acknowledged write\n",
                       microseconds(result.longest_gap) / 1000);
  }
  if (result.unanswered != 0) {
    out += fmt::format("  unanswered          {:>12}\n", result.unanswered);
  }
  if (result.reconnections != 0) {
    out += fmt::format("  connected again     {:>12} times\n", result.reconnections);
  }
  if (result.abandoned != 0) {
    out += fmt::format("  given up            {:>12} connections\n", result.abandoned);
  }
  for (const std::string& problem : report.result.problems) out += "  lost: " + problem + "\n";
  if (report.balances) {
    out += fmt::format("  balances            {}\n  expected            {}\n",
                       report.balances->found, report.balances->expected);
    out += fmt::format("  refused             {} (expected {})\n", report.balances->refused_found,
                       report.balances->refused_expected);
  }
  return out;
}

}  // namespace entente::cli
