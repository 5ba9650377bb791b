// `node`: options, configuration, then what the program provides.

#include <fmt/format.h>

#include <memory>
#include <thread>

#include "base/log.h"
#include "base/units.h"
#include "cli/commands.h"

namespace entente::cli {
namespace {

struct NodeOptions {
  std::string config;
  std::string config_timeout = "0s";
  std::string log_level = "info";
  std::string application;
  bool check = false;
  bool version = false;
};

const std::map<std::string, log::Level> levels{{"trace", log::Level::trace},
                                               {"debug", log::Level::debug},
                                               {"info", log::Level::info},
                                               {"fail", log::Level::fail},
                                               {"fatal", log::Level::fatal}};

/// The file may appear, or become whole, while we wait.
Result<json::value> read_document(const std::string& path, std::chrono::microseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto text = read_text(path);
    auto document = text ? json::parse(*text) : Result<json::value>(text.error());
    if (document) return document;
    if (std::chrono::steady_clock::now() >= end) {
      return text ? document.error().at(path) : document.error();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

int run_node(const NodeOptions& options, const Invocation& invocation) {
  if (options.version) {
    fmt::print("{}", version_text());
    return exit_code::success;
  }
  if (options.config.empty()) {
    return failed("--config is required: the node's configuration (JSON)",
                  exit_code::missing_option);
  }
  const auto patience = parse_duration(options.config_timeout);
  if (!patience) {
    return failed("--config-timeout: " + patience.error().message, exit_code::bad_option);
  }
  const auto document = read_document(options.config, *patience);
  if (!document) return failed(document.error().message, exit_code::bad_configuration);
  auto configuration = node::parse_configuration(*document);
  if (!configuration) {
    return failed(options.config + " is refused:\n" + configuration.error().message,
                  exit_code::bad_configuration);
  }
  if (options.check) {
    for (const std::string& note : configuration->notes) fmt::print("note: {}\n", note);
    for (const std::string& line : node::not_offered(*configuration)) {
      fmt::print("note: {}\n", line);
    }
    fmt::print("{} is valid\n", options.config);
    return exit_code::success;
  }
  log::set_level(levels.at(CLI::detail::to_lower(options.log_level)));
  NodeInvocation node{std::move(*configuration), options.application, invocation.command_line};
  return invocation.hooks.run_node(node);
}

}  // namespace

void add_node(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<NodeOptions>();
  options->application = invocation.hooks.applications.front();
  CLI::App& command = *app.add_subcommand("node", "Run a node of a service, until SIGTERM");
  command.add_option("-c,--config", options->config,
                     "The node's configuration (JSON; see docs/configuration.md)");
  command
      .add_option("--config-timeout", options->config_timeout,
                  "Keep trying for so long until that file is there and is JSON")
      ->type_name("TIME")
      ->capture_default_str();
  command.add_flag("--check", options->check,
                   "Only check the configuration: exit code 0 if it is valid, 134 if not");
  command.add_flag("-v,--version", options->version, "Print release and platform");
  command.add_option("--log-level", options->log_level, "trace, debug, info, fail or fatal")
      ->check(CLI::IsMember({"trace", "debug", "info", "fail", "fatal"}, CLI::ignore_case))
      ->type_name("LEVEL")
      ->capture_default_str();
  if (invocation.hooks.applications.size() > 1) {
    command.add_option("--app", options->application, "The application that the node runs")
        ->check(CLI::IsMember(invocation.hooks.applications))
        ->type_name("NAME")
        ->capture_default_str();
  }
  command.footer(
      "Exit codes: 0 normal end; 103 the pid file exists; 105 bad option, recovery threshold or\n"
      "ledger folder not empty; 106 --config is missing; 134 bad configuration; 255 a file that\n"
      "the configuration names cannot be read; others: the node could not be made.");
  command.callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_node(*options, invocation); };
  });
}

}  // namespace entente::cli
