#pragma once
// The one command line. Every program that links the library has it: `entente`, and every
// application (`logging node --config …`). What runs a node is handed in, so that this room knows
// applications by their names only.

#include <functional>
#include <string>
#include <vector>

#include "base/log.h"
#include "node/config.h"

namespace entente::cli {

/// Exit codes that operators' scripts rely on. Source: docs/configuration.md.
namespace exit_code {
inline constexpr int success = 0;
inline constexpr int failure = 1;  ///< the work was done and the answer is no
inline constexpr int pid_file_exists = 103;
inline constexpr int bad_option = 105;  ///< also: bad threshold, ledger folder not empty
inline constexpr int missing_option = 106;
inline constexpr int bad_configuration = 134;  ///< unreadable, not JSON, or against the schema
inline constexpr int file_not_readable = 255;  ///< a file that the configuration names
}  // namespace exit_code

/// What `node` was asked to run, after its options and its configuration were checked.
struct NodeInvocation {
  node::Configuration configuration;
  std::string application;  ///< one of Hooks::applications
  std::vector<std::string> command_line;
};

/// What the program around this command line provides. run_node is called on the main thread, at
/// most once.
struct Hooks {
  /// Names of the applications that run_node can host; the first is the default. Programs with
  /// one application have no `--app`.
  std::vector<std::string> applications;
  /// Runs a node from the refusal of an existing pid file to its end; returns the exit code of
  /// the process. The log level is set already.
  std::function<int(const NodeInvocation&)> run_node;
};

/// Parses, runs one subcommand and returns the exit code of the process. Never throws. Arguments
/// that start with a node's option (`logging --config FILE`) mean the subcommand `node`.
int main(int argc, char** argv, const Hooks& hooks);

/// What `node --version` prints: release and platform, two lines.
std::string version_text();

}  // namespace entente::cli
