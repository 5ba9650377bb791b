// `keys member|user`: identities as files.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "cli/identity_files.h"

namespace entente::cli {
namespace {

struct KeysOptions {
  IdentityRequest request{".", "", crypto::Curve::p384, 365, false};
  std::string curve = "P-384";
  bool no_encryption_key = false;
  bool json = false;
};

int run_keys(const KeysOptions& options, bool member) {
  IdentityRequest request = options.request;
  request.curve = options.curve == "P-256" ? crypto::Curve::p256 : crypto::Curve::p384;
  request.encryption_key = member && !options.no_encryption_key;
  const auto files = make_identity(request);
  if (!files) return failed(files.error().message);
  const auto id = identity_id(files->certificate);
  if (!id) return failed(id.error().message);
  if (options.json) {
    json::object out{
        {"id", *id}, {"certificate", files->certificate}, {"private_key", files->private_key}};
    if (files->encryption_public_key) {
      out["encryption_public_key"] = *files->encryption_public_key;
      out["encryption_private_key"] = *files->encryption_private_key;
    }
    fmt::print("{}\n", json::dump(out));
    return exit_code::success;
  }
  fmt::print("id                      {}\ncertificate             {}\nprivate key             {}\n",
             *id, files->certificate, files->private_key);
  if (files->encryption_public_key) {
    fmt::print("encryption public key   {}\nencryption private key  {}\n",
               *files->encryption_public_key, *files->encryption_private_key);
  }
  return exit_code::success;
}

void add_kind(CLI::App& keys, Invocation& invocation, const char* name, const char* help,
              bool member) {
  auto options = std::make_shared<KeysOptions>();
  CLI::App& command = *keys.add_subcommand(name, help);
  command.add_option("name", options->request.name, "Name, first part of every file's name")
      ->required();
  command.add_option("--folder", options->request.folder, "Where the files go")
      ->capture_default_str();
  command.add_option("--curve", options->curve, "Elliptic curve of the key: P-256 or P-384")
      ->check(CLI::IsMember({"P-256", "P-384"}))
      ->type_name("CURVE")
      ->capture_default_str();
  command.add_option("--days", options->request.validity_days, "Validity of the certificate")
      ->check(CLI::Range(1, 36500))
      ->capture_default_str();
  if (member) {
    command.add_flag("--no-encryption-key", options->no_encryption_key,
                     "For members that hold no recovery share");
  }
  command.add_flag("--json", options->json, "Print one JSON object");
  command.callback([options, member, &invocation] {
    invocation.run = [options, member] { return run_keys(*options, member); };
  });
}

}  // namespace

void add_keys(CLI::App& app, Invocation& invocation) {
  CLI::App& keys =
      *app.add_subcommand("keys", "Make the identity of a member or a user, as PEM files");
  add_kind(keys, invocation, "member",
           "NAME_cert.pem, NAME_privk.pem, and to receive recovery shares NAME_enc_pubk.pem and "
           "NAME_enc_privk.pem (RSA 2048)",
           true);
  add_kind(keys, invocation, "user", "NAME_cert.pem and NAME_privk.pem", false);
}

}  // namespace entente::cli
