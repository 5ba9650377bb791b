// `sandbox`: a new service on this machine, of one node or of several, ready to be asked.

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

#include "cli/cluster_observer.h"
#include "cli/commands.h"
#include "cli/constitution_files.h"
#include "cli/sandbox_cluster.h"
#include "cli/sandbox_examples.h"
#include "cli/sandbox_signals.h"
#include "cli/sandbox_start.h"
#include "cli/sandbox_watch.h"

namespace entente::cli {
namespace {

constexpr int patience_seconds = 5;
constexpr unsigned most_nodes = 9;
constexpr unsigned most_members = 50;

struct SandboxOptions {
  SandboxPlan plan;
  std::string constitution = "default";
  std::string folder = "workspace/sandbox";
  bool json = false;
  bool heal = false;
};

void say(const std::string& line) {
  fmt::print(stderr, "{}\n", line);
}

std::string this_program() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "entente" : path.string();
}

json::array nodes_in_json(const SandboxCluster& cluster) {
  json::array out;
  for (const SandboxMember& member : cluster.members()) {
    out.push_back(json::object{{"address", "https://" + member.address},
                               {"folder", member.folder.path()},
                               {"pid", member.process.pid()},
                               {"node_id", member.id}});
  }
  return out;
}

void print_ready(const SandboxOptions& options, const SandboxCluster& cluster) {
  const SandboxFolder& folder = cluster.home();
  const SandboxMember& first = cluster.members().front();
  const std::string& address = first.address;
  const int pid = first.process.pid();
  auto examples = sandbox_examples(options.plan.application, folder, address, this_program());
  examples.push_back({"what can be proposed to the members; they vote with `gov vote`",
                      shell_word(this_program()) + " gov actions"});
  examples.push_back(
      {"who decided what so far, every signature checked",
       shell_word(this_program()) + " gov audit " + shell_word(folder.file("ledger"))});
  if (options.plan.nodes > 1) {
    examples.push_back(
        {"how the nodes are; end one (kill -9) and look again",
         shell_word(this_program()) + " cluster status --sandbox " + shell_word(folder.path())});
  }
  if (options.json) {
    json::array users;
    for (unsigned i = 0; i < options.plan.users; ++i) {
      users.push_back(json::object{{"certificate", folder.user(i).certificate},
                                   {"private_key", folder.user(i).private_key}});
    }
    json::array members;
    for (unsigned i = 0; i < options.plan.members; ++i) {
      members.push_back(json::object{{"certificate", folder.member(i).certificate},
                                     {"private_key", folder.member(i).private_key}});
    }
    json::object out{{"address", "https://" + address},
                     {"application", options.plan.application},
                     {"folder", folder.path()},
                     {"service_certificate", folder.service_certificate()},
                     {"users", users},
                     {"members", members},
                     {"member_certificate", folder.member(0).certificate},
                     {"insecure", true},
                     {"pid", pid},
                     {"nodes", nodes_in_json(cluster)}};
    fmt::print("{}\n", json::dump(out));
    std::fflush(stdout);
    return;
  }
  fmt::print("\nThe service runs: https://{}, application '{}', process {}\n", address,
             options.plan.application, pid);
  fmt::print(
      "Its members opened it and registered its users, by a proposal and their votes.\n"
      "INSECURE, for development only: the keys of all of them lie in one folder.\n\n");
  fmt::print("  folder               {}\n", folder.path());
  fmt::print("  service certificate  {}\n", folder.service_certificate());
  fmt::print("  users                {}\n", folder.user(0).certificate);
  for (unsigned i = 1; i < options.plan.users; ++i) {
    fmt::print("                       {}\n", folder.user(i).certificate);
  }
  fmt::print("  members              {}\n", folder.member(0).certificate);
  for (unsigned i = 1; i < options.plan.members; ++i) {
    fmt::print("                       {}\n", folder.member(i).certificate);
  }
  for (const SandboxMember& member : cluster.members()) {
    if (options.plan.nodes == 1) break;
    fmt::print("  {:<19}  https://{}, process {}, log {}\n", member.name(), member.address,
               member.process.pid(), member.folder.output());
  }
  if (options.plan.nodes == 1) fmt::print("  log                  {}\n", folder.output());
  fmt::print("\n");
  for (const Example& example : examples) {
    fmt::print("# {}\n{}\n\n", example.what, example.command);
  }
  fmt::print("Ctrl-C ends it. The folder stays, for the ledger commands.\n");
  std::fflush(stdout);
}

int not_free(const SandboxFolder& folder) {
  const auto nodes = folder.nodes();
  const bool runs = std::any_of(nodes.begin(), nodes.end(), [](const SandboxFolder& node) {
    return node.running_node().has_value();
  });
  const std::string word = shell_word(folder.path());
  return failed(folder.path() + " is not empty: there is " + folder.description() +
                ".\nIt is left as it is. Either choose another folder with --workdir, or" +
                (runs ? " end that node (Ctrl-C where it was started) and" : "") +
                " remove this one:\n  rm -r " + word);
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
  SandboxCluster cluster(folder, options.plan, arguments);
  auto governance = SandboxGovernance::make(folder, options.plan.members);
  if (!governance) return failed(governance.error().message);
  if (auto code = start_nodes(cluster, *governance, signals)) return *code;
  const auto context = TlsContext::make({folder.service_certificate(), "", ""});
  if (!context) return failed(context.error().message);
  std::vector<std::string> addresses;
  for (const SandboxMember& member : cluster.members()) addresses.push_back(member.address);
  ClusterObserver observer(*context, addresses, patience_seconds);
  if (options.plan.nodes > 1) {
    if (auto code = wait_until_complete(cluster, observer, signals)) return *code;
  }
  print_ready(options, cluster);
  return SandboxWatch(cluster, *governance, std::move(observer), *context, options.heal)
      .run(signals);
}

CLI::Validator odd_number() {
  return CLI::Validator(
      [](const std::string& text) {
        return !text.empty() && (text.back() - '0') % 2 == 1 ? std::string()
                                                             : "must be odd: " + text;
      },
      "odd");
}

}  // namespace

void add_sandbox(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SandboxOptions>();
  options->plan.application = invocation.hooks.applications.front();
  CLI::App& command =
      *app.add_subcommand("sandbox", "Start a new service on this machine, for trying things out");
  if (invocation.hooks.applications.size() > 1) {
    command.add_option("--app", options->plan.application, "The application")
        ->check(CLI::IsMember(invocation.hooks.applications))
        ->type_name("NAME")
        ->capture_default_str();
  }
  command
      .add_option("--port", options->plan.port,
                  "Port on 127.0.0.1 of the first node, others follow; 0: any free ones")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  command.add_option("--nodes", options->plan.nodes, "How many nodes: an odd number up to 9")
      ->check(CLI::Range(1u, most_nodes))
      ->check(odd_number())
      ->capture_default_str();
  command.add_flag("--heal", options->heal, "Replace nodes that end, as long as a majority lives");
  command.add_option("--workdir", options->folder, "Folder for everything; must be new or empty")
      ->type_name("DIR")
      ->capture_default_str();
  command
      .add_option("--members", options->plan.members,
                  "How many members: they open the service, and vote on everything")
      ->check(CLI::Range(1u, most_members))
      ->capture_default_str();
  command.add_option("--users", options->plan.users, "How many users to make and register")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      .add_option("--constitution", options->constitution,
                  "A constitution that comes with the program (default, sandbox, veto, operator,\n"
                  "operator_provisioner, example), or a folder with scripts of your own")
      ->type_name("NAME|DIR")
      ->capture_default_str();
  command.add_flag("--json", options->json, "Print one JSON object when the service answers");
  command.footer(
      "Ctrl-C ends the service. Its members acknowledge, open it by a proposal that also adds the\n"
      "users, and trust its nodes, each by a vote; `gov --sandbox DIR` goes on with their keys.\n"
      "With several nodes: node 0 works in the folder itself, node N in its sub-folder nodeN. One\n"
      "line says how they are. Nodes that end are reported; the service goes on as long as a\n"
      "majority lives. Without one it says so and keeps the others, which still answer reads; "
      "when\n"
      "it is ended then, the exit code is 1. With --heal a new node joins in place of the dead "
      "one,\n"
      "which is then retired and deleted.");
  command.callback([options, &invocation] {
    if (options->heal && options->plan.nodes == 1) {
      throw CLI::ValidationError("--heal", "needs --nodes 3 or more: a majority has to live");
    }
    options->plan.constitution = constitution_folder(options->constitution);
    invocation.run = [options, &invocation] { return run_sandbox(*options, invocation); };
  });
}

}  // namespace entente::cli
