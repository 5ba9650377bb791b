// `cose sign1|prepare|finish`: signs messages of members away from any service, with the options of
// the tools that members' scripts know. Source: docs/governance.md (signed messages).

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/encoding.h"
#include "base/environment.h"
#include "cli/commands.h"
#include "cli/gov_client.h"
#include "gov/validity.h"

namespace entente::cli {
namespace {

struct CoseOptions {
  std::string content, certificate, key, type, proposal_id, created_at, signature;
};

constexpr size_t longest_input = 16 << 20;

/// A file, or standard input for `-`.
Result<std::string> read_input(const std::string& path) {
  if (path != "-") return read_text(path);
  std::string out;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, stdin)) != 0;) {
    out.append(buffer, n);
    if (out.size() > longest_input) return Error{"standard input: longer than a message may be"};
  }
  return out;
}

Result<crypto::Certificate> read_certificate(const std::string& path) {
  const auto pem = read_text(path);
  if (!pem) return pem.error();
  auto certificate = crypto::Certificate::from_pem(*pem);
  if (!certificate) return certificate.error().at(path);
  return certificate;
}

Result<gov::MessageHeader> header_of(const CoseOptions& options) {
  namespace type = gov::message_type;
  gov::MessageHeader out{options.type, 0, std::nullopt};
  const bool about_proposal = options.type == type::ballot || options.type == type::withdrawal;
  if (about_proposal && options.proposal_id.empty()) {
    return Error{"--ccf-gov-msg-proposal_id is needed for a " + options.type};
  }
  if (!options.proposal_id.empty()) out.proposal_id = options.proposal_id;
  UnixTime time = system_clock().unix_time();
  if (!options.created_at.empty()) {
    std::string text = options.created_at;
    // RFC 3339 writes `Z` where the service's certificates have no offset.
    if (text.find('-') != text.npos && text.ends_with('Z'))
      text.replace(text.size() - 1, 1, "+00:00");
    const auto parsed = gov::parse_valid_from(text);
    if (!parsed) return parsed.error().at("--ccf-gov-msg-created_at");
    time = *parsed;
  }
  if (time.count() < 0) return Error{"--ccf-gov-msg-created_at: before 1970"};
  out.created_at = static_cast<uint64_t>(time.count());
  return out;
}

int write_message(const Result<Bytes>& message) {
  if (!message) return failed(message.error().message);
  std::fwrite(message->data(), 1, message->size(), stdout);
  return exit_code::success;
}

int run_sign1(const CoseOptions& options, const gov::MessageHeader& header,
              const std::string& content) {
  const auto signer = signer_with_key(options.certificate, options.key);
  if (!signer) return failed(signer.error().message, exit_code::file_not_readable);
  return write_message(signer->sign(header, as_bytes(content)));
}

int run_prepare(const CoseOptions& options, const gov::MessageHeader& header,
                const std::string& content) {
  const auto certificate = read_certificate(options.certificate);
  if (!certificate) return failed(certificate.error().message, exit_code::file_not_readable);
  const auto to_sign = gov::prepare_message(header, as_bytes(content), *certificate);
  if (!to_sign) return failed(to_sign.error().message);
  fmt::print("{}\n", json::dump(json::object{{"alg", to_sign->algorithm},
                                             {"value", to_base64(to_sign->digest)}}));
  return exit_code::success;
}

int run_finish(const CoseOptions& options, const gov::MessageHeader& header,
               const std::string& content) {
  const auto certificate = read_certificate(options.certificate);
  if (!certificate) return failed(certificate.error().message, exit_code::file_not_readable);
  const auto text = read_input(options.signature);
  if (!text) return failed(text.error().message, exit_code::file_not_readable);
  const auto signature = signature_in(*text);
  if (!signature) return failed(signature.error().at(options.signature).message);
  return write_message(gov::finish_message(header, as_bytes(content), *certificate, *signature));
}

using Run = int (*)(const CoseOptions&, const gov::MessageHeader&, const std::string& content);

int run(const CoseOptions& options, Run what) {
  const auto header = header_of(options);
  if (!header) return failed(header.error().message, exit_code::bad_option);
  const auto content = read_input(options.content);
  if (!content) return failed(content.error().message, exit_code::file_not_readable);
  return what(options, *header, *content);
}

std::shared_ptr<CoseOptions> add(CLI::App& cose, Invocation& invocation, const char* name,
                                 const char* help, Run what) {
  auto options = std::make_shared<CoseOptions>();
  CLI::App& command = *cose.add_subcommand(name, help);
  command.add_option("--content", options->content, "What is signed; -: standard input")
      ->required()
      ->type_name("FILE");
  command.add_option("--signing-cert", options->certificate, "The signer's certificate (PEM)")
      ->required()
      ->type_name("FILE");
  std::vector<std::string> types(std::begin(gov::message_type::all),
                                 std::end(gov::message_type::all));
  command.add_option("--ccf-gov-msg-type", options->type, "What the message is")
      ->required()
      ->check(CLI::IsMember(types));
  command
      .add_option("--ccf-gov-msg-proposal_id,--ccf-gov-msg-proposal-id", options->proposal_id,
                  "Which proposal a ballot or a withdrawal is about")
      ->type_name("ID");
  command
      .add_option("--ccf-gov-msg-created_at,--ccf-gov-msg-created-at", options->created_at,
                  "When it was made, like 2024-05-01T12:00:00Z; without it now")
      ->type_name("TIME");
  command.callback([options, what, &invocation] {
    invocation.run = [options, what] { return run(*options, what); };
  });
  return options;
}

}  // namespace

void add_cose(CLI::App& app, Invocation& invocation) {
  CLI::App& cose =
      *app.add_subcommand("cose", "Sign a member's message away from the service (COSE_Sign1)");
  cose.footer(
      "prepare and finish are for keys that stay in their hardware: prepare prints the digest "
      "that\n"
      "is to be signed, finish takes the same options and the signature. Give both the same\n"
      "--ccf-gov-msg-created_at. `gov send` delivers the message.");
  auto options =
      add(cose, invocation, "sign1", "Write the signed message to standard output", run_sign1);
  cose.get_subcommand("sign1")
      ->add_option("--signing-key", options->key, "The signer's private key (PEM)")
      ->required()
      ->type_name("FILE");
  add(cose, invocation, "prepare", "Print {\"alg\", \"value\": base64 of the digest to be signed}",
      run_prepare);
  options = add(cose, invocation, "finish",
                "Write the signed message, out of a signature from elsewhere", run_finish);
  cose.get_subcommand("finish")
      ->add_option("--signature", options->signature,
                   "{\"value\": base64url of the raw signature}; -: standard input")
      ->required()
      ->type_name("FILE");
}

}  // namespace entente::cli
