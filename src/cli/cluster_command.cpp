// `cluster`: how the nodes of a running service are.

#include <fmt/format.h>

#include <memory>

#include "cli/cluster_observer.h"
#include "cli/commands.h"
#include "cli/sandbox_folder.h"

namespace entente::cli {
namespace {

struct StatusArguments {
  std::string address;
  std::string service_certificate;
  std::string sandbox;
  int timeout_seconds = 5;
  bool json = false;
};

/// Whom to ask first: as given, or every node of a sandbox whose process runs.
Result<std::vector<std::string>> entries(StatusArguments& arguments) {
  if (arguments.sandbox.empty()) return std::vector<std::string>{arguments.address};
  const SandboxFolder folder(arguments.sandbox);
  if (arguments.service_certificate.empty()) {
    arguments.service_certificate = folder.service_certificate();
  }
  if (!arguments.address.empty()) return std::vector<std::string>{arguments.address};
  std::vector<std::string> out;
  for (const SandboxFolder& node : folder.nodes()) {
    if (!node.running_node()) continue;
    if (const auto address = node.rpc_address()) out.push_back(*address);
  }
  if (out.empty()) return Error{folder.path() + ": no node of this sandbox runs"};
  return out;
}

int show_status(StatusArguments& arguments) {
  if (arguments.sandbox.empty() && arguments.address.empty()) {
    return failed("--address or --sandbox says which service is meant", exit_code::missing_option);
  }
  const auto asked = entries(arguments);
  if (!asked) return failed(asked.error().message);
  auto context = TlsContext::make({arguments.service_certificate, "", ""});
  if (!context) return failed(context.error().message, exit_code::file_not_readable);
  const ClusterView cluster =
      ClusterObserver(std::move(*context), *asked, arguments.timeout_seconds).look();
  if (arguments.json) {
    fmt::print("{}\n", json::dump(to_json(cluster)));
  } else {
    fmt::print("{}", to_text(cluster));
  }
  return complaint(cluster) ? exit_code::failure : exit_code::success;
}

}  // namespace

void add_cluster(CLI::App& app, Invocation& invocation) {
  CLI::App& cluster = *app.add_subcommand("cluster", "The nodes of a running service");
  auto arguments = std::make_shared<StatusArguments>();
  CLI::App& status =
      *cluster.add_subcommand("status", "Ask every node how it is: role, view, transactions, lag");
  status.add_option("--address", arguments->address, "Any node; it is asked for the others")
      ->type_name("HOST:PORT");
  status
      .add_option("--service-cert", arguments->service_certificate,
                  "Service certificate (PEM); without it any server is trusted")
      ->type_name("FILE");
  status
      .add_option("--sandbox", arguments->sandbox,
                  "Folder of a running sandbox: addresses and certificate are taken from it")
      ->type_name("DIR");
  status
      .add_option("--timeout", arguments->timeout_seconds,
                  "A node that is silent for so long counts as one that does not answer")
      ->check(CLI::Range(1, 600))
      ->type_name("SECONDS")
      ->capture_default_str();
  status.add_flag("--json", arguments->json, "Print one JSON object");
  status.footer(
      "last: newest transaction that the node holds. committed: newest that it knows to be "
      "globally\n"
      "committed. lag: how many committed transactions it does not yet know as such.\n"
      "Exit code 0 if there is a primary and a majority of every configuration answers, 1 if not.");
  status.callback([arguments, &invocation] {
    invocation.run = [arguments] { return show_status(*arguments); };
  });
}

}  // namespace entente::cli
