#include "cli/gov_options.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/sandbox_folder.h"

namespace entente::cli {
namespace {

/// The first node of a sandbox that runs.
Result<std::string> address_in_sandbox(const SandboxFolder& folder) {
  for (const SandboxFolder& node : folder.nodes()) {
    if (!node.running_node()) continue;
    if (auto address = node.rpc_address()) return *address;
  }
  return Error{folder.path() + ": no node of this sandbox runs"};
}

void fill_in(std::string& field, const std::string& value) {
  if (field.empty()) field = value;
}

}  // namespace

void add_service_options(CLI::App& command, GovOptions& options) {
  command.add_option("--address", options.address, "Any node of the service")
      ->type_name("HOST:PORT");
  command
      .add_option("--service-cert", options.service_certificate,
                  "Service certificate (PEM); without it any server is trusted")
      ->type_name("FILE");
  command
      .add_option("--sandbox", options.sandbox,
                  "Folder of a running sandbox: address, certificates and keys are taken from it")
      ->type_name("DIR");
  command.add_option("--timeout", options.timeout_seconds, "Patience with the service")
      ->check(CLI::Range(1, 600))
      ->type_name("SECONDS")
      ->capture_default_str();
  command.add_flag("--json", options.json, "Print one JSON object");
}

void add_signer_options(CLI::App& command, GovOptions& options) {
  command
      .add_option("--member-cert,--signing-cert", options.member_certificate,
                  "Your certificate (PEM)")
      ->type_name("FILE");
  command.add_option("--member-key,--signing-key", options.member_key, "Your private key (PEM)")
      ->type_name("FILE");
  command
      .add_option(
          "--signer", options.signer,
          "In place of the key, for keys that stay in their hardware: a command that reads "
          "{\"alg\", \"value\": base64 of a digest} and writes {\"value\": base64url of the "
          "raw signature}")
      ->type_name("COMMAND");
  command.add_option("--member", options.member, "With --sandbox: which of its members signs")
      ->capture_default_str();
  command.add_flag("--no-wait", options.no_wait, "Do not wait for the global commit");
}

Result<GovClient> client_of(GovOptions& options) {
  if (!options.sandbox.empty()) {
    const SandboxFolder folder(options.sandbox);
    fill_in(options.service_certificate, folder.service_certificate());
    if (options.address.empty()) {
      const auto address = address_in_sandbox(folder);
      if (!address) return address.error();
      options.address = *address;
    }
    const IdentityFiles files = folder.member(options.member);
    fill_in(options.member_certificate, files.certificate);
    if (options.signer.empty()) fill_in(options.member_key, files.private_key);
  }
  if (options.address.empty()) return Error{"--address or --sandbox says which service is meant"};
  auto context = TlsContext::make({options.service_certificate, "", ""});
  if (!context) return context.error();
  return GovClient(std::move(*context), options.address, options.timeout_seconds);
}

Result<MemberSigner> signer_of(const GovOptions& options) {
  if (options.member_certificate.empty()) {
    return Error{"--member-cert says who signs (or --sandbox and --member)"};
  }
  if (!options.signer.empty()) {
    return signer_with_program(options.member_certificate, options.signer);
  }
  if (options.member_key.empty()) return Error{"--member-key or --signer is needed to sign"};
  return signer_with_key(options.member_certificate, options.member_key);
}

int conclude(GovClient& client, const GovOptions& options, const Result<GovAnswer>& answer,
             const std::function<void(const json::value&)>& print) {
  if (!answer) return failed(answer.error().message);
  if (!answer->accepted()) {
    if (options.json) fmt::print("{}\n", json::dump(answer->body));
    return failed("The service refused: " + answer->refusal);
  }
  if (!options.no_wait && !answer->transaction_id.empty()) {
    if (auto waited = client.wait_for_commit(answer->transaction_id); !waited) {
      return failed(waited.error().message);
    }
  }
  if (options.json) {
    fmt::print("{}\n", json::dump(json::object{{"answer", answer->body},
                                               {"transaction_id", answer->transaction_id},
                                               {"committed", !options.no_wait}}));
  } else {
    print(answer->body);
    if (!answer->transaction_id.empty()) {
      fmt::print("transaction {}{}\n", answer->transaction_id,
                 options.no_wait ? "" : ", globally committed");
    }
  }
  return exit_code::success;
}

}  // namespace entente::cli
