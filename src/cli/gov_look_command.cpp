// `gov members|list|show|actions`: what there is.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/gov_actions.h"
#include "cli/gov_commands.h"
#include "cli/gov_options.h"
#include "cli/gov_view.h"

namespace entente::cli {
namespace {

struct LookOptions {
  GovOptions gov;
  std::string proposal;
  bool raw = false;
};

int run_members(LookOptions& options) {
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  const auto members = read_members(*client);
  if (!members) return failed(members.error().message);
  fmt::print("{}", options.gov.json ? json::dump(to_json(*members)) + "\n" : to_text(*members));
  return exit_code::success;
}

int run_list(LookOptions& options) {
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  const auto proposals = read_proposals(*client);
  if (!proposals) return failed(proposals.error().message);
  if (!options.gov.json) {
    fmt::print("{}", to_text(*proposals));
    return exit_code::success;
  }
  json::array out;
  for (const ProposalView& one : *proposals) out.push_back(to_json(one));
  fmt::print("{}\n", json::dump(out));
  return exit_code::success;
}

int run_show(LookOptions& options) {
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  const auto members = read_members(*client);
  if (!members) return failed(members.error().message);
  const auto proposal = read_proposal(*client, options.proposal, *members);
  if (!proposal) return failed(proposal.error().message);
  if (options.raw) {
    fmt::print("{}", proposal->content);
  } else if (options.gov.json) {
    fmt::print("{}\n", json::dump(to_json(*proposal)));
  } else {
    fmt::print("{}", to_text(*proposal, *members));
  }
  return exit_code::success;
}

std::shared_ptr<LookOptions> add_look(CLI::App& gov, Invocation& invocation, const char* name,
                                      const char* help, int (*run)(LookOptions&)) {
  auto options = std::make_shared<LookOptions>();
  CLI::App& command = *gov.add_subcommand(name, help);
  add_service_options(command, options->gov);
  command.callback(
      [options, run, &invocation] { invocation.run = [options, run] { return run(*options); }; });
  return options;
}

int print_actions(bool as_json) {
  json::array out;
  for (const ActionDescription& action : known_actions()) {
    json::array arguments;
    if (!as_json) fmt::print("{:<36}{}\n", action.name, action.help);
    for (const ActionArgument& argument : action.arguments) {
      const std::string option = option_of(argument) + " " + std::string(word_of(argument.kind));
      if (!as_json) {
        fmt::print("    {:<42}{}{}\n", argument.required ? option : "[" + option + "]",
                   argument.help,
                   argument.fallback.starts_with('@') || argument.fallback.empty()
                       ? ""
                       : fmt::format(" (without it: {})", argument.fallback));
      }
      arguments.push_back(json::object{{"name", argument.name},
                                       {"option", option_of(argument)},
                                       {"takes", word_of(argument.kind)},
                                       {"required", argument.required},
                                       {"help", argument.help}});
    }
    out.push_back(json::object{
        {"name", action.name}, {"help", action.help}, {"arguments", std::move(arguments)}});
  }
  if (as_json) fmt::print("{}\n", json::dump(out));
  return exit_code::success;
}

}  // namespace

void add_gov_looks(CLI::App& gov, Invocation& invocation) {
  add_look(gov, invocation, "members", "The members, and whether they are active", run_members);
  add_look(gov, invocation, "list", "The proposals that the service still holds", run_list);
  const auto options =
      add_look(gov, invocation, "show", "One proposal: what it does, who has voted, why it failed",
               run_show);
  CLI::App& show = *gov.get_subcommand("show");
  show.add_option("proposal", options->proposal, "Its id, or the beginning of it")->required();
  show.add_flag("--raw", options->raw, "Print exactly what was proposed, and nothing else");

  auto as_json = std::make_shared<bool>(false);
  CLI::App& actions = *gov.add_subcommand("actions", "What can be proposed");
  actions.add_flag("--json", *as_json, "Print one JSON list");
  actions.callback(
      [as_json, &invocation] { invocation.run = [as_json] { return print_actions(*as_json); }; });
}

}  // namespace entente::cli
