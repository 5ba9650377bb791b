// `gov`: what members do. Here: vote, withdraw, acknowledge, hand in shares, send.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/gov_ballot.h"
#include "cli/gov_commands.h"
#include "cli/gov_options.h"
#include "cli/gov_view.h"
#include "crypto/secret.h"

namespace entente::cli {
namespace {

// ------------------------------------------------------------------------------------------ voting

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
      ->type_name("FILE")
      ->needs(&accept);
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

// ---------------------------------------------------------------------------------- other messages

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
    fmt::print("{}\n", text_field(body, "message"));
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

}  // namespace

void add_gov(CLI::App& app, Invocation& invocation) {
  CLI::App& gov = *app.add_subcommand("gov", "Governance: what members decide, and its audit");
  gov.footer(
      "Exit codes: 0 done; 1 the service refused, did not answer, or the audit found a fault; 105\n"
      "and 106 wrong or missing options; 255 a file that was named cannot be read.");
  add_gov_propose(gov, invocation);
  add_vote(gov, invocation);
  add_messages(gov, invocation);
  add_send(gov, invocation);
  add_gov_looks(gov, invocation);
  add_gov_audit(gov, invocation);
  add_gov_bench(gov, invocation);
}

}  // namespace entente::cli
