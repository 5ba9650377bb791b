// `gov propose ACTION`: a proposal out of options, or out of a file.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/gov_actions.h"
#include "cli/gov_ballot.h"
#include "cli/gov_commands.h"
#include "cli/gov_options.h"
#include "cli/gov_view.h"

namespace entente::cli {
namespace {

struct ProposeOptions {
  GovOptions gov;
  std::string file;
  std::map<std::string, std::string> given;  ///< argument → word
  bool print = false;
  bool vote = false;
};

/// The same proposal again, because the answer to the first attempt was lost: the service says so.
std::string earlier_proposal(const GovAnswer& answer) {
  constexpr size_t id_size = 64;
  if (answer.code != "ProposalReplay" || answer.refusal.size() < id_size) return "";
  return answer.refusal.substr(answer.refusal.size() - id_size);
}

int send_proposal(ProposeOptions& options, const std::string& content) {
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  const auto signer = signer_of(options.gov);
  if (!signer) return failed(signer.error().message);
  auto answer = propose(*client, *signer, content);
  if (answer && !answer->accepted()) {
    const std::string earlier = earlier_proposal(*answer);
    if (!earlier.empty()) answer = client->get("/members/proposals/" + earlier);
  }
  const bool open =
      answer && answer->accepted() && text_field(answer->body, "proposalState") == "Open";
  if (options.vote && open) {
    answer = submit_ballot(*client, *signer, text_field(answer->body, "proposalId"),
                           accepting_ballot(content, signer->id()));
  }
  return conclude(*client, options.gov, answer, print_proposal);
}

int run_propose(ProposeOptions& options, const ActionDescription& action) {
  if (!options.print && !options.gov.sandbox.empty()) {
    if (auto client = client_of(options.gov); !client) return failed(client.error().message);
  }
  auto made = make_action(action, options.given, options.gov.service_certificate);
  if (!made) return failed(made.error().message, exit_code::bad_option);
  const std::string content = proposal_text({std::move(*made)});
  if (!options.print) return send_proposal(options, content);
  fmt::print("{}", content);
  return exit_code::success;
}

int run_propose_file(ProposeOptions& options) {
  const auto content = read_text(options.file);
  if (!content) return failed(content.error().message, exit_code::file_not_readable);
  if (const auto parsed = json::parse(*content); !parsed) {
    return failed(parsed.error().at(options.file).message, exit_code::bad_option);
  }
  if (options.print) {
    fmt::print("{}", *content);
    return exit_code::success;
  }
  return send_proposal(options, *content);
}

void add_propose_options(CLI::App& command, ProposeOptions& options) {
  command.add_flag(
      "--print", options.print,
      "Print the proposal instead of sending it: to put several together into one file, "
      "or to sign elsewhere");
  command.add_flag("--vote", options.vote, "Vote for it as well, with the same key");
  add_service_options(command, options.gov);
  add_signer_options(command, options.gov);
}

void add_action(CLI::App& propose, Invocation& invocation, const ActionDescription& action) {
  auto options = std::make_shared<ProposeOptions>();
  CLI::App& command = *propose.add_subcommand(std::string(action.name), std::string(action.help));
  for (const ActionArgument& argument : action.arguments) {
    std::string names = option_of(argument);
    if (argument.name.find('_') != std::string_view::npos)
      names += ",--" + std::string(argument.name);
    if (argument.name.ends_with("_data")) names += ",--data";
    CLI::Option& option = *command.add_option_function<std::string>(
        names,
        [options, &argument](const std::string& word) {
          options->given[std::string(argument.name)] = word;
        },
        std::string(argument.help));
    option.type_name(std::string(word_of(argument.kind)));
    if (argument.required) option.required();
  }
  add_propose_options(command, *options);
  command.callback([options, &action, &invocation] {
    invocation.run = [options, &action] { return run_propose(*options, action); };
  });
}

}  // namespace

void add_gov_propose(CLI::App& gov, Invocation& invocation) {
  auto options = std::make_shared<ProposeOptions>();
  CLI::App& propose = *gov.add_subcommand(
      "propose", "Propose an action of the default constitution, or what a file holds");
  propose.require_subcommand(0, 1);
  propose
      .add_option("--file", options->file,
                  "The proposal as JSON: {\"actions\": [{\"name\": ..., \"args\": ...}, ...]}")
      ->type_name("FILE");
  add_propose_options(propose, *options);
  propose.footer("`gov propose ACTION --help` says what an action takes.");
  for (const ActionDescription& action : known_actions()) add_action(propose, invocation, action);
  propose.callback([options, &propose, &invocation] {
    if (!propose.get_subcommands().empty()) {
      for (const CLI::Option* option : propose.get_options()) {
        if (option->count() == 0 || option->get_name() == "--help") continue;
        throw CLI::ExcludesError("gov propose: write " + option->get_name() + " after the action",
                                 CLI::ExitCodes::ExcludesError);
      }
      return;
    }
    if (options->file.empty()) throw CLI::RequiredError("an action, or --file");
    invocation.run = [options] { return run_propose_file(*options); };
  });
}

}  // namespace entente::cli
