#include "cli/sandbox_node.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>
#include <utility>

namespace entente::cli {
namespace {

constexpr int cannot_run = 127;
constexpr int killed = 128;  // the number of the signal is added, as shells do

/// Between fork and exec: only calls that are allowed there. Does not return.
[[noreturn]] void become_node(const char* folder, int output, int errors, char** arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::setpgid(0, 0);  // Ctrl-C reaches the sandbox, which then ends the node
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  if (input < 0 || ::dup2(input, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
      ::dup2(errors, STDERR_FILENO) < 0 || ::chdir(folder) != 0) {
    ::_exit(cannot_run);
  }
  ::execv(arguments[0], arguments);
  ::_exit(cannot_run);
}

}  // namespace

Result<SandboxNode> SandboxNode::start(const SandboxFolder& folder,
                                       const std::vector<std::string>& arguments) {
  constexpr int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  constexpr unsigned readable = 0644;
  const int output = ::open(folder.output().c_str(), flags, readable);
  const int errors = ::open(folder.errors().c_str(), flags, readable);
  std::vector<std::string> words = arguments;
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = -1;
  if (output >= 0 && errors >= 0) {
    pid = ::fork();
    if (pid == 0) become_node(folder.path().c_str(), output, errors, pointers.data());
  }
  const int reason = errno;
  if (output >= 0) ::close(output);
  if (errors >= 0) ::close(errors);
  if (pid < 0) return Error{"starting the node: " + std::string(std::strerror(reason))};
  return SandboxNode(pid);
}

SandboxNode::SandboxNode(SandboxNode&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_) {}

SandboxNode::~SandboxNode() {
  if (pid_ > 0 && !exit_code_) stop();
}

std::optional<int> SandboxNode::ended() {
  if (exit_code_) return exit_code_;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : killed + WTERMSIG(status);
  return exit_code_;
}

void SandboxNode::ask_to_end() {
  if (!ended()) ::kill(pid_, SIGTERM);
}

int SandboxNode::stop() {
  constexpr int polls = 1000;
  ask_to_end();
  for (int i = 0; i < polls && !ended(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (!ended()) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    exit_code_ = killed + SIGKILL;
  }
  return *exit_code_;
}

std::string exit_in_words(int code) {
  std::string out = "with exit code " + std::to_string(code);
  if (code > killed && code < killed + NSIG) {
    out += " (signal " + std::to_string(code - killed) + ", " + strsignal(code - killed) + ")";
  }
  return out;
}

std::string last_lines(const std::string& path, size_t lines) {
  std::ifstream file(path);
  std::vector<std::string> kept;
  for (std::string line; std::getline(file, line);) {
    if (kept.size() == lines) kept.erase(kept.begin());
    kept.push_back(std::move(line));
  }
  std::string out;
  for (const std::string& line : kept) out += "  " + line + "\n";
  return out;
}

}  // namespace entente::cli
