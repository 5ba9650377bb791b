#pragma once
// The node of a sandbox as a child process, its output in files of the folder.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cli/sandbox_folder.h"
#include "entente/result.h"

namespace entente::cli {

class SandboxNode {
 public:
  /// Runs `arguments` (program first) in the folder. SIGINT, SIGTERM and SIGHUP must be blocked in
  /// the caller; the child gets them unblocked, and ends with the caller.
  static Result<SandboxNode> start(const SandboxFolder& folder,
                                   const std::vector<std::string>& arguments);
  SandboxNode(SandboxNode&& other) noexcept;
  SandboxNode& operator=(SandboxNode&&) = delete;
  /// Ends the process if it still runs.
  ~SandboxNode();

  int pid() const { return pid_; }
  /// Exit code once it has ended (128 + signal if killed).
  std::optional<int> ended();
  /// SIGTERM, if it still runs; returns at once.
  void ask_to_end();
  /// SIGTERM, and SIGKILL if that does not help within ten seconds. The exit code.
  int stop();

 private:
  explicit SandboxNode(int pid) : pid_(pid) {}
  int pid_ = -1;
  std::optional<int> exit_code_;
};

/// "with exit code 137 (signal 9, Killed)": what SandboxNode::ended() says, for people.
std::string exit_in_words(int code);

/// Last lines of a text file, for error messages; empty if there is none.
std::string last_lines(const std::string& path, size_t lines);

}  // namespace entente::cli
