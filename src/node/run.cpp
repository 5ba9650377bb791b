#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "base/environment.h"
#include "base/log.h"
#include "node/node.h"

namespace entente::node {
namespace {

constexpr int exit_pid_file_exists = 103;
constexpr int exit_bad_option = 105;
constexpr int exit_file_not_readable = 255;
constexpr int exit_not_offered = 1;
constexpr int exit_ledger_incomplete = 1;

/// Signals are taken by sigwait on one thread, also while the node starts, so that no handler runs
/// anywhere.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A closed connection and a file at its size limit are errors of one call, not of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // Keys are in memory: no core dumps.
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  return signals;
}

std::optional<Exit> write_pid_file(const std::string& path) {
  Disk& disk = system_disk();
  if (disk.exists(path)) {
    return Exit{exit_pid_file_exists, "PID file " + path + " already exists. Exiting."};
  }
  auto file = disk.open(path, OpenMode::create_new);
  const auto written = file.ok() ? (*file)->write_at(0, as_bytes(std::to_string(getpid())))
                                 : Result<void>(file.error());
  if (!written.ok()) return Exit{exit_file_not_readable, written.error().message};
  return std::nullopt;
}

std::optional<Exit> check(const Configuration& configuration) {
  const auto missing = not_offered(configuration);
  if (!missing.empty()) {
    std::string message = "this build does not offer what the configuration asks for:";
    for (const std::string& line : missing) message += "\n  " + line;
    return Exit{exit_not_offered, message};
  }
  if (configuration.command.type == Command::Type::recover) {
    return Exit{exit_not_offered, "command.type: this build cannot Recover a service yet"};
  }
  if (configuration.command.type == Command::Type::join) return std::nullopt;
  if (const auto threshold = recovery_threshold(configuration.command.start); !threshold) {
    return Exit{exit_bad_option, threshold.error().message};
  }
  return std::nullopt;
}

/// The signals that end a node, which must be blocked in every thread.
class EndSignals {
 public:
  EndSignals(Node& node, const sigset_t& signals, bool ignore_first_sigterm)
      : node_(node), signals_(signals), ignore_(ignore_first_sigterm) {}

  /// Whether one has come; does not wait.
  bool came() {
    const timespec now{};
    for (int signal; !ended_ && (signal = sigtimedwait(&signals_, nullptr, &now)) > 0;) {
      take(signal);
    }
    return ended_;
  }
  void wait() {
    while (!ended_) {
      if (int signal = 0; sigwait(&signals_, &signal) == 0) take(signal);
    }
  }

 private:
  void take(int signal) {
    if (signal == SIGTERM && ignore_) {
      ignore_ = false;
      log::info("node", "SIGTERM: Notifying enclave, but not shutting down.");
      node_.notice_stop();
      return;
    }
    const char* name = signal == SIGTERM ? "SIGTERM" : signal == SIGHUP ? "SIGHUP" : "SIGINT";
    log::info("node", "{}: Shutting down enclave gracefully...", name);
    ended_ = true;
  }

  Node& node_;
  const sigset_t signals_;
  bool ignore_;
  bool ended_ = false;
};

}  // namespace

Exit run(const Configuration& configuration, const Application& application,
         const std::vector<std::string>& command_line) {
  const sigset_t signals = block_signals();
  log::set_format(configuration.log_format == LogFormat::json ? log::Format::json
                                                              : log::Format::text);
  std::string words;
  for (const std::string& word : command_line) words += (words.empty() ? "" : " ") + word;
  log::info("node", "Command line: {}", words);
  log::info("node", "Configuration: {}", json::dump(configuration.raw));
  for (const std::string& note : configuration.notes) log::info("node", "{}", note);
  if (const auto keys = without_effect(configuration); !keys.empty()) {
    log::info("node", "Configured, but without effect in this build: {}", fmt::join(keys, ", "));
  }

  const auto fail = [](Exit exit) {
    log::fatal("node", "{}", exit.message);
    log::flush();
    return exit;
  };
  if (auto exit = check(configuration)) return fail(*exit);
  if (auto exit = write_pid_file(configuration.output_files.pid_file)) return fail(*exit);
  Node node(configuration, application);
  EndSignals end(node, signals, configuration.ignore_first_sigterm);
  const auto refused = node.start([&end] { return end.came(); });
  if (!refused) end.wait();
  const bool written = node.stop();
  if (refused && refused->code != 0) return fail(*refused);
  if (!written) {
    return fail({exit_ledger_incomplete,
                 "The ledger could not be written to its end: transactions that were answered but "
                 "not globally committed are lost."});
  }
  log::info("node", "Enclave stopped successfully. Stopping host...");
  log::info("node", "Host stopped successfully");
  log::flush();
  return {};
}

}  // namespace entente::node
