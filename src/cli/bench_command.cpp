// `bench`: options of the load client, and where a sandbox keeps what it needs.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <memory>

#include "base/units.h"
#include "cli/bench.h"
#include "cli/bench_check.h"
#include "cli/commands.h"
#include "cli/sandbox_folder.h"

namespace entente::cli {
namespace {

std::atomic<bool> interrupted{false};

struct BenchArguments {
  BenchOptions bench;
  std::string sandbox;
  std::string workload = "basic";
  std::string duration;
  std::string warm_up = "0s";
  uint64_t requests = 0;
  int server_pid = 0;
  bool no_fill = false;
  std::string check;  ///< a record
  std::string patience = "30s";
  bool json = false;
};

const std::map<std::string, WorkloadKind> workloads{{"basic", WorkloadKind::basic},
                                                    {"logging", WorkloadKind::logging},
                                                    {"smallbank", WorkloadKind::smallbank}};

/// Fills in what was not given from the folder of a running sandbox.
Result<void> use_sandbox(BenchArguments& arguments) {
  if (arguments.sandbox.empty()) return {};
  const SandboxFolder folder(arguments.sandbox);
  const auto nodes = folder.nodes();
  const auto runs = std::find_if(nodes.begin(), nodes.end(), [](const SandboxFolder& node) {
    return node.running_node().has_value();
  });
  const SandboxFolder& node = runs == nodes.end() ? folder : *runs;
  LoadOptions& load = arguments.bench.load;
  if (load.addresses.empty()) {
    for (const SandboxFolder& one : nodes) {
      if (!one.running_node()) continue;
      if (auto address = one.rpc_address()) load.addresses.push_back(*address);
    }
    if (load.addresses.empty()) return Error{"no node of this sandbox runs: " + folder.path()};
  }
  if (load.identity.service_certificate_file.empty()) {
    load.identity.service_certificate_file = folder.service_certificate();
  }
  if (load.identity.certificate_file.empty()) {
    load.identity.certificate_file = folder.user(0).certificate;
    load.identity.key_file = folder.user(0).private_key;
  }
  if (arguments.server_pid == 0) arguments.server_pid = node.running_node().value_or(0);
  return {};
}

Result<void> complete(BenchArguments& arguments) {
  if (auto used = use_sandbox(arguments); !used) return used.error();
  BenchOptions& bench = arguments.bench;
  bench.workload.kind = workloads.at(arguments.workload);
  bench.fill = !arguments.no_fill;
  if (bench.load.addresses.empty()) bench.load.addresses = {"127.0.0.1:8000"};
  const auto patience = parse_duration(arguments.patience);
  if (!patience) return patience.error().at("--patience");
  bench.load.patience = *patience;
  if (arguments.requests != 0) bench.requests = arguments.requests;
  if (arguments.server_pid != 0) bench.server_pid = arguments.server_pid;
  if (arguments.duration.empty() && !bench.requests) arguments.duration = "10s";
  if (!arguments.duration.empty()) {
    const auto duration = parse_duration(arguments.duration);
    if (!duration) return duration.error().at("--duration");
    bench.duration = *duration;
  }
  const auto warm_up = parse_duration(arguments.warm_up);
  if (!warm_up) return warm_up.error().at("--warm-up");
  bench.warm_up = *warm_up;
  return {};
}

int check(const BenchArguments& arguments) {
  const auto record = read_record(arguments.check);
  if (!record) return failed(record.error().message);
  Progress progress;
  const auto checked = check_record(arguments.bench.load, *record,
                                    [&](const std::string& what) { progress.say(what); });
  if (!checked) return failed(checked.error().message);
  if (arguments.json) {
    fmt::print("{}\n", json::dump(to_json(*checked)));
  } else {
    fmt::print("{}", to_text(*checked));
  }
  return checked->ok() ? exit_code::success : exit_code::failure;
}

int run(BenchArguments& arguments) {
  if (auto completed = complete(arguments); !completed) {
    return failed(completed.error().message, exit_code::bad_option);
  }
  if (!arguments.check.empty()) return check(arguments);
  std::signal(SIGINT, [](int) { interrupted = true; });
  Progress progress;
  const auto report = run_bench(
      arguments.bench, [&](const std::string& what) { progress.say(what); }, &interrupted);
  if (!report) return failed(report.error().message);
  if (arguments.json) {
    fmt::print("{}\n", json::dump(to_json(arguments.bench, *report)));
  } else {
    fmt::print("{}", to_text(arguments.bench, *report));
  }
  return report->ok(arguments.bench.workload.kind) ? exit_code::success : exit_code::failure;
}

void add_load_options(CLI::App& command, BenchArguments& arguments) {
  LoadOptions& load = arguments.bench.load;
  command
      .add_option("--sandbox", arguments.sandbox,
                  "Folder of a running sandbox: addresses, certificates and pid are taken from it")
      ->type_name("DIR");
  command
      .add_option(
          "--address", load.addresses,
          "Where the service is (127.0.0.1:8000). Several, separated by commas or given one "
          "by one, are nodes of one service: the primary among them is loaded")
      ->delimiter(',')
      ->type_name("HOST:PORT");
  command
      .add_option("--patience", arguments.patience,
                  "How long to look for another node when the one that was loaded is gone")
      ->type_name("TIME")
      ->capture_default_str();
  command
      .add_option("--service-cert", load.identity.service_certificate_file,
                  "Service certificate (PEM); without it any server is trusted")
      ->type_name("FILE");
  command.add_option("--cert", load.identity.certificate_file, "User certificate (PEM)")
      ->type_name("FILE");
  command.add_option("--key", load.identity.key_file, "Key of the user certificate (PEM)")
      ->type_name("FILE");
  command.add_option("--connections", load.connections, "Connections")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--depth", load.depth, "Requests in flight on each connection (pipelining)")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--threads", load.threads, "Threads of the client")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
}

void add_work_options(CLI::App& command, BenchArguments& arguments) {
  WorkloadOptions& work = arguments.bench.workload;
  command.add_option("--workload", arguments.workload, "basic, logging or smallbank")
      ->check(CLI::IsMember({"basic", "logging", "smallbank"}))
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--reads", work.read_percent, "Share of reads; the rest are writes")
      ->check(CLI::Range(0, 100))
      ->type_name("PERCENT")
      ->capture_default_str();
  command.add_option("--keys", work.keys, "Keys, drawn uniformly")
      ->check(CLI::Range(1, 800'000'000))
      ->capture_default_str();
  command.add_option("--value-size", work.value_size, "Bytes of a value")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command.add_option("--seed", work.seed, "Of everything that is drawn")->capture_default_str();
  command
      .add_option("--prefer-wait", work.prefer_wait_seconds,
                  "Writes ask to be answered at global commit, within so many seconds")
      ->type_name("SECONDS");
}

}  // namespace

void add_bench(CLI::App& app, Invocation& invocation) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App& command = *app.add_subcommand(
      "bench", "Load a running service and say what it takes: rate, latencies, server CPU");
  add_load_options(command, *arguments);
  add_work_options(command, *arguments);
  command.add_option("--duration", arguments->duration, "How long (10s)")->type_name("TIME");
  command.add_option("--count", arguments->requests, "How many requests, over all connections");
  command.add_option("--warm-up", arguments->warm_up, "Load before measuring")
      ->type_name("TIME")
      ->capture_default_str();
  command.add_flag("--no-fill", arguments->no_fill,
                   "Do not write every key once before a run with reads");
  command.add_option("--server-pid", arguments->server_pid,
                     "Process of the server on this machine: its CPU and memory are reported");
  command.add_flag("--verify", arguments->bench.verify,
                   "smallbank on one connection: compare the final balances with a model");
  command
      .add_option(
          "--record", arguments->bench.record_file,
          "New file for every acknowledged write: key, value, transaction id, and whether it "
          "was acknowledged as committed (--prefer-wait). Each write has a key of its own")
      ->type_name("FILE");
  command
      .add_option("--check", arguments->check,
                  "Load nothing: ask whether every write of this record is still there")
      ->type_name("FILE")
      ->excludes("--record");
  command.add_flag("--json", arguments->json, "Print one JSON object");
  command.footer(
      "A node that is lost, or that says that writes go elsewhere, is left for the one that is\n"
      "primary then. Nothing is sent twice: writes without an answer are counted as unknown.\n"
      "Exit code 1 if an answer was an error that has nothing to do with a change of the primary, "
      "if\n"
      "no node took requests any more, or if --verify or --check failed.");
  command.callback(
      [arguments, &invocation] { invocation.run = [arguments] { return run(*arguments); }; });
}

}  // namespace entente::cli
