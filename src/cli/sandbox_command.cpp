// `sandbox`: one node of a new service on this machine, ready to be asked.

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/sandbox_examples.h"
#include "cli/sandbox_folder.h"
#include "cli/sandbox_node.h"
#include "cli/tls_client.h"

namespace entente::cli {
namespace {

constexpr std::chrono::seconds longest_start{60};

struct SandboxOptions {
  SandboxPlan plan;
  std::string folder = "workspace/sandbox";
  bool json = false;
};

void say(const std::string& line) {
  fmt::print(stderr, "{}\n", line);
}

std::string this_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "entente" : path.string();
}

/// Beside the installed program, or in the source tree that it was built from.
std::string default_constitution() {
  const auto beside = std::filesystem::path(this_program()).parent_path().parent_path() /
                      "share/entente/constitutions/sandbox";
  for (const std::string& folder :
       {beside.lexically_normal().string(), std::string(ENTENTE_CONSTITUTIONS "/sandbox"),
        std::string(ENTENTE_INSTALLED_CONSTITUTIONS "/sandbox")}) {
    std::error_code ignored;
    if (std::filesystem::is_directory(folder, ignored)) return folder;
  }
  return beside.string();
}

sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// Waits for at most `patience`; true if one of the signals came.
bool signalled(const sigset_t& signals, std::chrono::milliseconds patience) {
  const timespec wait{patience.count() / 1000, (patience.count() % 1000) * 1'000'000};
  return sigtimedwait(&signals, nullptr, &wait) > 0;
}

/// Does the application answer? An error as long as it does not.
Result<void> try_application(const SandboxFolder& folder) {
  const auto address = folder.rpc_address();
  if (!address) return address.error();
  const auto context = TlsContext::make({folder.service_certificate(), "", ""});
  if (!context) return context.error();
  auto client = TlsClient::connect(*context, *address, 5);
  if (!client) return client.error();
  const auto answer = client->exchange(request_text("GET", "/app/commit", ""));
  if (!answer) return answer.error();
  if (answer->status != 200) return Error{"status " + std::to_string(answer->status)};
  return {};
}

enum class Started { ready, ended, interrupted, silent };

Started wait_until_ready(const SandboxFolder& folder, SandboxNode& node, const sigset_t& signals,
                         std::string& last_reason) {
  Progress progress;
  const auto end = std::chrono::steady_clock::now() + longest_start;
  while (std::chrono::steady_clock::now() < end) {
    if (signalled(signals, std::chrono::milliseconds(50))) return Started::interrupted;
    if (node.ended()) return Started::ended;
    const auto answered = try_application(folder);
    if (answered) return Started::ready;
    last_reason = answered.error().message;
    progress.say("waiting for the application to answer");
  }
  return Started::silent;
}

void print_ready(const SandboxOptions& options, const SandboxFolder& folder,
                 const std::string& address, int pid) {
  const auto examples = sandbox_examples(options.plan.application, folder, address, this_program());
  if (options.json) {
    json::array users;
    for (unsigned i = 0; i < options.plan.users; ++i) {
      users.push_back(json::object{{"certificate", folder.user(i).certificate},
                                   {"private_key", folder.user(i).private_key}});
    }
    json::object out{{"address", "https://" + address},
                     {"application", options.plan.application},
                     {"folder", folder.path()},
                     {"service_certificate", folder.service_certificate()},
                     {"users", users},
                     {"member_certificate", folder.member(0).certificate},
                     {"insecure", true},
                     {"pid", pid}};
    fmt::print("{}\n", json::dump(out));
    std::fflush(stdout);
    return;
  }
  fmt::print("\nThe service runs: https://{}, application '{}', process {}\n", address,
             options.plan.application, pid);
  fmt::print(
      "INSECURE, for development only: it opened itself, its users were registered at its\n"
      "start without a vote of its members, and all keys lie in one folder.\n\n");
  fmt::print("  folder               {}\n", folder.path());
  fmt::print("  service certificate  {}\n", folder.service_certificate());
  fmt::print("  users                {}\n", folder.user(0).certificate);
  for (unsigned i = 1; i < options.plan.users; ++i) {
    fmt::print("                       {}\n", folder.user(i).certificate);
  }
  fmt::print("  member               {}\n", folder.member(0).certificate);
  fmt::print("  log                  {}\n\n", folder.output());
  for (const Example& example : examples) {
    fmt::print("# {}\n{}\n\n", example.what, example.command);
  }
  fmt::print("Ctrl-C ends it. The folder stays, for the ledger commands.\n");
  std::fflush(stdout);
}

int not_free(const SandboxFolder& folder) {
  const std::string word = shell_word(folder.path());
  return failed(folder.path() + " is not empty: there is " + folder.description() +
                ".\nIt is left as it is. Either choose another folder with --workdir, or" +
                (folder.running_node() ? " end that node (Ctrl-C where it was started) and" : "") +
                " remove this one:\n  rm -r " + word);
}

int with_logs(const SandboxFolder& folder, const std::string& what) {
  std::string text = what;
  for (const std::string& path : {folder.errors(), folder.output()}) {
    const std::string lines = last_lines(path, 10);
    if (!lines.empty()) text += "\nThe end of " + path + ":\n" + lines;
  }
  return failed(text + "The whole log is " + folder.output());
}

int not_started(const SandboxFolder& folder, const std::string& why) {
  return with_logs(folder, "The node did not start: " + why);
}

/// After it answered: nobody here ended it.
int ended_by_itself(const SandboxFolder& folder, int code) {
  constexpr int killed = 128;  // as SandboxNode counts
  std::string what =
      "The service has ENDED: its node ended by itself, with exit code " + std::to_string(code);
  if (code > killed && code < killed + NSIG) {
    what += " (signal " + std::to_string(code - killed) + ", " + strsignal(code - killed) + ")";
  }
  return with_logs(folder, what);
}

int run_sandbox(const SandboxOptions& options, const Invocation& invocation) {
  const SandboxFolder folder(options.folder);
  if (!folder.is_free()) return not_free(folder);
  say("making identities and configuration in " + folder.path());
  if (auto prepared = folder.prepare(options.plan); !prepared) {
    return failed(prepared.error().message);
  }
  const sigset_t signals = ending_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::vector<std::string> arguments{this_program(), "node", "--config", "node.json"};
  if (invocation.hooks.applications.size() > 1) {
    arguments.insert(arguments.end(), {"--app", options.plan.application});
  }
  say("starting the node");
  auto node = SandboxNode::start(folder, arguments);
  if (!node) return failed(node.error().message);
  std::string last_reason;
  switch (wait_until_ready(folder, *node, signals, last_reason)) {
    case Started::ready:
      break;
    case Started::interrupted:
      return node->stop();
    case Started::ended:
      return not_started(folder, "it ended with exit code " + std::to_string(*node->ended()));
    case Started::silent:
      node->stop();
      return not_started(folder, "no answer within " + std::to_string(longest_start.count()) +
                                     " seconds; the last try said: " + last_reason);
  }
  const auto address = folder.rpc_address();
  if (!address) return failed(address.error().message);
  print_ready(options, folder, *address, node->pid());
  while (!signalled(signals, std::chrono::milliseconds(200))) {
    if (const auto code = node->ended()) {
      return ended_by_itself(folder, *code);
    }
  }
  say("\nending the node");
  const int code = node->stop();
  if (code != 0) return failed("the node ended with exit code " + std::to_string(code));
  say("ended");
  return exit_code::success;
}

}  // namespace

void add_sandbox(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SandboxOptions>();
  options->plan.application = invocation.hooks.applications.front();
  options->plan.constitution_folder = default_constitution();
  CLI::App& command = *app.add_subcommand(
      "sandbox", "Start a new one-node service on this machine, for trying things out");
  if (invocation.hooks.applications.size() > 1) {
    command.add_option("--app", options->plan.application, "The application")
        ->check(CLI::IsMember(invocation.hooks.applications))
        ->type_name("NAME")
        ->capture_default_str();
  }
  command.add_option("--port", options->plan.port, "Port on 127.0.0.1; 0: any free one")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command.add_option("--workdir", options->folder, "Folder for everything; must be new or empty")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_option("--users", options->plan.users, "How many users to make and register")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--constitution", options->plan.constitution_folder,
                  "Folder with actions.js, validate.js, resolve.js and apply.js")
      ->type_name("DIR");
  command.add_flag("--json", options->json, "Print one JSON object when the service answers");
  command.footer(
      "Ctrl-C ends the service. Until members can vote, the service is opened by a genesis option\n"
      "that is for development only.");
  command.callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_sandbox(*options, invocation); };
  });
}

}  // namespace entente::cli
