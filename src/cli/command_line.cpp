#include "cli/command_line.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>

#include "base/environment.h"
#include "cli/commands.h"
#include "crypto/secret.h"

namespace entente::cli {
namespace {

constexpr std::string_view node_options[] = {"-c", "--config",  "--config-timeout", "--check",
                                             "-v", "--version", "--log-level"};

/// `logging --config FILE` is what operators' scripts for the reference write.
bool means_node(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return false;
  const std::string_view first = std::string_view(arguments[1]).substr(0, arguments[1].find('='));
  for (const std::string_view option : node_options) {
    if (first == option) return true;
  }
  return false;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  // CLI11 prints help (exit code 0) to standard output and errors to standard error.
  const int code = app.exit(error);
  if (code == 0) return exit_code::success;
  return dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ? exit_code::missing_option
                                                                    : exit_code::bad_option;
}

int run(const std::vector<std::string>& arguments, const Hooks& hooks) {
  CLI::App app(
      "A framework for confidential consortium services: one replicated, transactional service on "
      "an encrypted, signed ledger.");
  app.name(arguments.empty() ? "entente" : arguments[0].substr(arguments[0].rfind('/') + 1));
  app.get_formatter()->column_width(34);
  Invocation invocation{hooks, arguments, {}};
  if (hooks.run_node) {
    add_sandbox(app, invocation);
    add_node(app, invocation);
  }
  add_cluster(app, invocation);
  add_gov(app, invocation);
  add_keys(app, invocation);
  add_cose(app, invocation);
  add_ledger(app, invocation);
  add_receipt(app, invocation);
  add_bench(app, invocation);

  std::vector<std::string> parsed = arguments;
  if (means_node(parsed)) parsed.insert(parsed.begin() + 1, "node");
  if (!parsed.empty()) parsed.erase(parsed.begin());
  std::reverse(parsed.begin(), parsed.end());  // CLI11 takes the last as the first
  try {
    app.parse(parsed);
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  if (invocation.run) return invocation.run();
  // No command, or only the first word of one: say what there is.
  const auto chosen = app.get_subcommands();
  fmt::print(stderr, "{}", chosen.empty() ? app.help() : chosen.front()->help());
  return exit_code::missing_option;
}

}  // namespace

std::string version_text() {
  return "CCF host: entente-" ENTENTE_VERSION "\nPlatform: Virtual\n";
}

int failed(const std::string& message, int code) {
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", message);
  return code;
}

void Progress::say(const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::seconds(2);
  fmt::print(stderr, "{}\n", what);
}

Result<std::string> read_text(const std::string& path) {
  constexpr uint64_t longest_file = 16 << 20;
  auto content = read_file(system_disk(), path, longest_file);
  if (!content) return content.error();
  const crypto::WipeAtExit wiped(*content);  // it may be a key: the caller wipes the text
  return entente::to_text(BytesView(*content));
}

int main(int argc, char** argv, const Hooks& hooks) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run({argv, argv + argc}, hooks);
  } catch (const std::exception& error) {
    return failed(std::string("unexpected: ") + error.what());
  }
}

}  // namespace entente::cli
