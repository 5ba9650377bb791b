#pragma once
// What the commands of governance have in common: which service, who signs, how to say the answer.

#include <CLI/CLI.hpp>
#include <string>

#include "cli/gov_client.h"

namespace entente::cli {

struct GovOptions {
  std::string address;
  std::string service_certificate;
  std::string sandbox;  ///< its folder stands for both, and for the member's files
  unsigned member = 0;  ///< of the sandbox
  std::string member_certificate;
  std::string member_key;
  std::string signer;  ///< a program that signs, in place of the key
  int timeout_seconds = 10;
  bool no_wait = false;
  bool json = false;
};

/// --address, --service-cert, --sandbox, --timeout, --json.
void add_service_options(CLI::App& command, GovOptions& options);
/// --member-cert, --member-key, --signer, --member, --no-wait.
void add_signer_options(CLI::App& command, GovOptions& options);

/// Fills in what the sandbox's folder says. Errors: neither address nor sandbox, files missing.
Result<GovClient> client_of(GovOptions& options);
Result<MemberSigner> signer_of(const GovOptions& options);

/// What became of a message: prints the refusal (exit code 1), or waits for the commit and calls
/// `print`, unless --json is set: then it prints the body and the transaction id.
int conclude(GovClient& client, const GovOptions& options, const Result<GovAnswer>& answer,
             const std::function<void(const json::value&)>& print);

}  // namespace entente::cli
