// `gov`: what members do: propose, vote, withdraw, acknowledge, recover, and look.

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/commands.h"
#include "cli/gov_actions.h"
#include "cli/gov_ballot.h"
#include "cli/gov_commands.h"
#include "cli/gov_options.h"
#include "cli/gov_view.h"
#include "crypto/secret.h"

namespace entente::cli {
namespace {

std::string text_at(const json::value& object, std::string_view key) {
  const json::object* fields = object.if_object();
  const json::value* found = fields == nullptr ? nullptr : fields->if_contains(key);
  return found == nullptr || !found->is_string() ? "" : std::string(found->get_string());
}

void print_proposal(const json::value& body) {
  fmt::print("proposal {}\nis {}\n{}", text_at(body, "proposalId"), text_at(body, "proposalState"),
             outcome_text(body));
}

// ----------------------------------------------------------------------------------------
// proposing

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
      answer && answer->accepted() && text_at(answer->body, "proposalState") == "Open";
  if (options.vote && open) {
    answer = submit_ballot(*client, *signer, text_at(answer->body, "proposalId"),
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

void add_propose(CLI::App& gov, Invocation& invocation) {
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
    if (!propose.get_subcommands().empty()) return;
    if (options->file.empty()) throw CLI::RequiredError("an action, or --file");
    invocation.run = [options] { return run_propose_file(*options); };
  });
}

// -------------------------------------------------------------------------------------------
// voting

struct VoteOptions {
  GovOptions gov;
  std::string proposal;
  std::string ballot;  ///< a file
  std::string seen;    ///< a file with the proposal as it was read before
  bool accept = false, reject = false, print = false;
};

Result<std::string> ballot_of(const VoteOptions& options, const ProposalView& proposal) {
  if (!options.ballot.empty()) return read_text(options.ballot);
  if (options.reject) return rejecting_ballot();
  if (!options.seen.empty()) {
    const auto seen = read_text(options.seen);
    if (!seen) return seen.error();
    if (*seen != proposal.content) {
      return Error{"The proposal is NOT what " + options.seen + " holds: no ballot was sent"};
    }
  }
  if (proposal.content.empty()) return Error{"the service does not show what was proposed"};
  return accepting_ballot(proposal.content, proposal.proposer);
}

int run_vote(VoteOptions& options) {
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  const auto proposal = read_proposal(*client, options.proposal, {});
  if (!proposal) return failed(proposal.error().message);
  const auto ballot = ballot_of(options, *proposal);
  if (!ballot) return failed(ballot.error().message);
  if (options.print) {
    fmt::print("{}", json::dump(json::object{{"ballot", *ballot}}));
    return exit_code::success;
  }
  const auto signer = signer_of(options.gov);
  if (!signer) return failed(signer.error().message);
  return conclude(*client, options.gov, submit_ballot(*client, *signer, proposal->id, *ballot),
                  print_proposal);
}

void add_vote(CLI::App& gov, Invocation& invocation) {
  auto options = std::make_shared<VoteOptions>();
  CLI::App& vote = *gov.add_subcommand("vote", "Vote on a proposal");
  vote.add_option("proposal", options->proposal, "Its id, or the beginning of it")->required();
  CLI::Option& accept = *vote.add_flag(
      "--accept", options->accept,
      "Yes to exactly the content that the service shows now (`gov show` prints it): a ballot that "
      "says no to anything else");
  CLI::Option& reject = *vote.add_flag("--reject", options->reject, "No");
  CLI::Option& ballot =
      *vote.add_option("--ballot", options->ballot, "A ballot of your own: a JavaScript module")
           ->type_name("FILE");
  accept.excludes(&reject)->excludes(&ballot);
  reject.excludes(&ballot);
  vote.add_option("--seen", options->seen,
                  "With --accept: the proposal as you have it; nothing is sent if it differs")
      ->type_name("FILE");
  vote.add_flag("--print", options->print,
                "Print the message's content instead, to sign elsewhere");
  add_service_options(vote, options->gov);
  add_signer_options(vote, options->gov);
  vote.callback([options, &invocation] {
    if (!options->accept && !options->reject && options->ballot.empty()) {
      throw CLI::RequiredError("one of --accept, --reject, --ballot");
    }
    invocation.run = [options] { return run_vote(*options); };
  });
}

// --------------------------------------------------------------------------------- other messages

/// A subcommand that signs one message.
struct MessageOptions {
  GovOptions gov;
  std::string proposal;
  std::string key;
};
using Send = Result<GovAnswer> (*)(GovClient&, const MemberSigner&, const MessageOptions&);

int run_message(MessageOptions& options, Send send, void (*print)(const json::value&)) {
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  const auto signer = signer_of(options.gov);
  if (!signer) return failed(signer.error().message);
  return conclude(*client, options.gov, send(*client, *signer, options), print);
}

std::shared_ptr<MessageOptions> add_message(CLI::App& command, Invocation& invocation, Send send,
                                            void (*print)(const json::value&)) {
  auto options = std::make_shared<MessageOptions>();
  add_service_options(command, options->gov);
  add_signer_options(command, options->gov);
  command.callback([options, send, print, &invocation] {
    invocation.run = [options, send, print] { return run_message(*options, send, print); };
  });
  return options;
}

Result<GovAnswer> send_withdrawal(GovClient& client, const MemberSigner& signer,
                                  const MessageOptions& options) {
  const auto proposal = read_proposal(client, options.proposal, {});
  if (!proposal) return proposal.error();
  return withdraw(client, signer, proposal->id);
}

Result<GovAnswer> send_share(GovClient& client, const MemberSigner& signer,
                             const MessageOptions& options) {
  std::string path = options.key;
  if (path.empty()) {
    if (options.gov.sandbox.empty()) return Error{"--encryption-key is needed"};
    constexpr std::string_view ending = "_cert.pem";
    path = options.gov.member_certificate;
    if (!path.ends_with(ending)) return Error{"--encryption-key is needed"};
    path.replace(path.size() - ending.size(), ending.size(), "_enc_privk.pem");
  }
  auto key = read_text(path);
  if (!key) return key.error();
  const crypto::WipeAtExit wiped(*key);
  return submit_share(client, signer, *key);
}

void add_messages(CLI::App& gov, Invocation& invocation) {
  CLI::App& withdrawal = *gov.add_subcommand("withdraw", "Withdraw a proposal of yours");
  auto options = add_message(withdrawal, invocation, send_withdrawal, print_proposal);
  withdrawal.add_option("proposal", options->proposal, "Its id, or the beginning of it")
      ->required();

  CLI::App& ack = *gov.add_subcommand(
      "ack", "Acknowledge the present state of the service: an accepted member becomes active");
  add_message(
      ack, invocation,
      [](GovClient& client, const MemberSigner& signer, const MessageOptions&) {
        return acknowledge(client, signer);
      },
      [](const json::value&) { fmt::print("acknowledged\n"); });

  CLI::App& share = *gov.add_subcommand(
      "submit-share", "Decrypt your recovery share and hand it to a service that recovers");
  options = add_message(share, invocation, send_share, [](const json::value& body) {
    fmt::print("{}\n", text_at(body, "message"));
  });
  share.add_option("--encryption-key", options->key, "Your private encryption key (PEM)")
      ->type_name("FILE");
}

/// Where a signed message belongs, by its own header.
Result<std::string> path_of(const gov::ReadMessage& message) {
  namespace type = gov::message_type;
  const std::string proposal = "/members/proposals/" + message.header.proposal_id.value_or("");
  const std::string digests = "/members/state-digests/" + message.signer;
  const std::pair<std::string_view, std::string> paths[] = {
      {type::proposal, "/members/proposals:create"},
      {type::ballot, proposal + "/ballots/" + message.signer + ":submit"},
      {type::withdrawal, proposal + ":withdraw"},
      {type::state_digest, digests + ":update"},
      {type::ack, digests + ":ack"},
      {type::recovery_share, "/recovery/members/" + message.signer + ":recover"}};
  for (const auto& [name, path] : paths) {
    if (name == message.header.type) return path;
  }
  return Error{"its type '" + message.header.type + "' belongs to no endpoint"};
}

struct SendOptions {
  GovOptions gov;
  std::string file;
};

int run_send(SendOptions& options) {
  const auto content = read_text(options.file);
  if (!content) return failed(content.error().message, exit_code::file_not_readable);
  const auto message = gov::read_message(as_bytes(*content));
  if (!message) return failed(message.error().at(options.file).message);
  const auto path = path_of(*message);
  if (!path) return failed(path.error().at(options.file).message);
  auto client = client_of(options.gov);
  if (!client) return failed(client.error().message);
  return conclude(*client, options.gov, client->post(*path, as_bytes(*content)),
                  [](const json::value& body) {
                    if (!body.is_null()) fmt::print("{}\n", json::dump_indented(body));
                  });
}

void add_send(CLI::App& gov, Invocation& invocation) {
  auto options = std::make_shared<SendOptions>();
  CLI::App& send = *gov.add_subcommand(
      "send", "Send a message that was signed elsewhere (`cose sign1`, `cose finish`)");
  send.add_option("message", options->file, "The signed message; its header says where it belongs")
      ->required()
      ->type_name("FILE");
  send.add_flag("--no-wait", options->gov.no_wait, "Do not wait for the global commit");
  add_service_options(send, options->gov);
  send.callback(
      [options, &invocation] { invocation.run = [options] { return run_send(*options); }; });
}

// ------------------------------------------------------------------------------------------
// looking

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

void add_looks(CLI::App& gov, Invocation& invocation) {
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

}  // namespace

void add_gov(CLI::App& app, Invocation& invocation) {
  CLI::App& gov = *app.add_subcommand("gov", "Governance: what members decide, and its audit");
  gov.footer(
      "Exit codes: 0 done; 1 the service refused, did not answer, or the audit found a fault; 105\n"
      "and 106 wrong or missing options; 255 a file that was named cannot be read.");
  add_propose(gov, invocation);
  add_vote(gov, invocation);
  add_messages(gov, invocation);
  add_send(gov, invocation);
  add_looks(gov, invocation);
  add_gov_audit(gov, invocation);
  add_gov_bench(gov, invocation);
}

}  // namespace entente::cli
