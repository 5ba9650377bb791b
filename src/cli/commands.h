#pragma once
// Inner part of the command line: each subcommand registers its options and, when it was chosen,
// leaves what is to be run. Source of the exit codes: command_line.h.

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/command_line.h"
#include "entente/result.h"

namespace entente::cli {

struct Invocation {
  const Hooks& hooks;
  std::vector<std::string> command_line;
  /// Set by the chosen subcommand while options are parsed.
  std::function<int()> run;
};

// What these add lives as long as `app`.
void add_sandbox(CLI::App& app, Invocation& invocation);
void add_node(CLI::App& app, Invocation& invocation);
void add_keys(CLI::App& app, Invocation& invocation);
void add_ledger(CLI::App& app, Invocation& invocation);
void add_receipt(CLI::App& app, Invocation& invocation);
void add_bench(CLI::App& app, Invocation& invocation);
void add_gov(CLI::App& app, Invocation& invocation);
void add_cose(CLI::App& app, Invocation& invocation);
void add_cluster(CLI::App& app, Invocation& invocation);

/// Prints "PROGRAM: message" to standard error.
int failed(const std::string& message, int code = exit_code::failure);

/// Lines on standard error for work that takes over two seconds: the first after two seconds,
/// then one every two. Not thread-safe.
class Progress {
 public:
  void say(const std::string& what);

 private:
  std::chrono::steady_clock::time_point next_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(2);
};

/// Whole content of a small file (16 MiB at most).
Result<std::string> read_text(const std::string& path);

}  // namespace entente::cli
