// `ledger show|verify`: the ledger's files, without a service.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>

#include "base/encoding.h"
#include "base/environment.h"
#include "cli/commands.h"
#include "crypto/secret.h"
#include "ledger/show.h"
#include "ledger/verify.h"

namespace entente::cli {
namespace {

struct LedgerOptions {
  std::vector<std::string> folders;
  std::string service_certificate;
  std::vector<std::string> member_keys;
  std::string secrets_file;
  std::vector<std::string> snapshots;
  std::string map;
  uint64_t first = 1;
  uint64_t last = UINT64_MAX;
  bool committed_only = false;
  bool recovery_files = false;
  bool values = false;
  bool json = false;
};

/// Lines `SEQNO HEX`: a ledger secret and the seqno from which on it holds.
Result<ledger::LedgerSecrets> read_secrets(const std::string& path) {
  ledger::LedgerSecrets out;
  if (path.empty()) return out;
  auto text = read_text(path);
  if (!text) return text.error();
  const crypto::WipeAtExit wiped(*text);
  size_t number = 0;
  for (std::string_view rest = *text; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::string place = path + ", line " + std::to_string(number);
    const size_t space = std::min(line.find(' '), line.size());
    uint64_t seqno = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seqno);
    auto bytes = from_hex(line.substr(std::min(space + 1, line.size())));
    constexpr size_t key_size = crypto::SymmetricKey::size;
    if (error != std::errc{} || end != line.data() + space || !bytes || bytes->size() != key_size) {
      return Error{place + ": expected a seqno, a space and 64 hex digits"};
    }
    const crypto::WipeAtExit bytes_wiped(*bytes);
    const crypto::SymmetricKey key{std::span<const uint8_t, key_size>(bytes->data(), key_size)};
    if (auto added = out.add(SeqNo{seqno}, key); !added) return added.error().at(place);
  }
  return out;
}

/// A wrong name says nothing about any ledger: it must not look like one that is broken.
Result<void> check_folders(const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    std::error_code error;
    const auto status = std::filesystem::status(folder, error);
    if (!std::filesystem::exists(status)) return Error{folder + ": there is no such folder"};
    if (!std::filesystem::is_directory(status)) return Error{folder + ": this is not a folder"};
    const std::filesystem::directory_iterator entries(folder, error);
    if (error) return Error{folder + ": " + error.message()};
  }
  return {};
}

uint64_t bytes_of(const ledger::VerifyReport& report) {
  uint64_t bytes = 0;
  for (const auto& chunk : report.chunks) bytes += chunk.bytes;
  return bytes;
}

json::value report_json(const ledger::VerifyReport& report) {
  json::object out{{"ok", report.ok()},
                   {"entries", report.entries},
                   {"last", report.last.text()},
                   {"last_verified", report.last_verified.text()},
                   {"committed_last", report.committed_last.value},
                   {"unverified_tail", report.unverified_tail},
                   {"chunks", report.chunks.size()},
                   {"bytes", bytes_of(report)},
                   {"node_signatures", report.node_signatures},
                   {"cose_signatures", report.cose_signatures},
                   {"service_status", report.service_status},
                   {"service_key", report.service_key.hex()},
                   {"last_signature_root", report.last_signature_root.hex()},
                   {"root_over_all_entries", report.root_over_all_entries.hex()},
                   {"secrets_checked", report.secrets_checked},
                   {"warnings", json::array(report.warnings.begin(), report.warnings.end())}};
  if (report.torn_tail) out["torn_file"] = report.torn_file;
  if (report.failure) {
    out["failure"] =
        json::object{{"file", report.failure->file},         {"offset", report.failure->offset},
                     {"seqno", report.failure->seqno.value}, {"field", report.failure->field},
                     {"reason", report.failure->reason},     {"text", report.failure->text()}};
  }
  return out;
}

void print_report(const ledger::VerifyReport& report) {
  fmt::print("chunks           {}, {} bytes\n", report.chunks.size(), bytes_of(report));
  fmt::print("entries          {}, the last is {}\n", report.entries, report.last.text());
  fmt::print("signatures       {} by nodes, {} by the service (COSE)\n", report.node_signatures,
             report.cose_signatures);
  fmt::print("verified up to   {}\n", report.last_verified.text());
  if (report.unverified_tail != 0) {
    fmt::print("after that       {} entries that no signature covers yet\n",
               report.unverified_tail);
  }
  if (report.torn_tail) {
    fmt::print("torn tail        {} ends within an entry, as after a crash; what is whole counts\n",
               report.torn_file);
  }
  fmt::print("service          {}, key {}\n", report.service_status, report.service_key.hex());
  fmt::print("root             {}\n", report.last_signature_root.hex());
  fmt::print("private domains  {}\n", report.secrets_checked
                                          ? "decrypted and checked"
                                          : "hashed, not decrypted (no secrets given)");
  for (const std::string& warning : report.warnings) fmt::print("warning          {}\n", warning);
}

int run_verify(const LedgerOptions& options) {
  if (auto there = check_folders(options.folders); !there) {
    return failed(there.error().message, exit_code::file_not_readable);
  }
  ledger::VerifyOptions verify;
  const crypto::WipeAtExit wiped(verify.member_keys);
  verify.folders = options.folders;
  verify.uncommitted = !options.committed_only;
  verify.recovery_files = options.recovery_files;
  if (!options.service_certificate.empty()) {
    auto certificate = read_text(options.service_certificate);
    if (!certificate) return failed(certificate.error().message, exit_code::file_not_readable);
    verify.service_certificate = std::move(*certificate);
  }
  verify.snapshots = options.snapshots;
  for (const std::string& path : options.member_keys) {
    auto key = read_text(path);
    if (!key) return failed(key.error().message, exit_code::file_not_readable);
    verify.member_keys.push_back(std::move(*key));
  }
  auto secrets = read_secrets(options.secrets_file);
  if (!secrets) return failed(secrets.error().message, exit_code::file_not_readable);
  verify.secrets = std::move(*secrets);
  Progress progress;
  verify.progress = [&](const ledger::VerifyProgress& done) {
    const uint64_t percent = done.bytes_total == 0 ? 0 : done.bytes_done * 100 / done.bytes_total;
    progress.say(
        fmt::format("checked up to seqno {}, {} % of the bytes", done.seqno.value, percent));
  };
  const ledger::VerifyReport report = ledger::verify_ledger(system_disk(), verify);
  if (options.json) {
    fmt::print("{}\n", json::dump(report_json(report)));
  } else if (report.ok()) {
    print_report(report);
    fmt::print("The ledger is intact{}.\n",
               verify.service_certificate ? " and belongs to the service certificate given"
                                          : "; no service certificate was given to compare with");
  }
  if (report.ok()) return exit_code::success;
  return options.json ? exit_code::failure
                      : failed("The ledger is NOT intact: " + report.failure->text());
}

int run_show(const LedgerOptions& options) {
  if (auto there = check_folders(options.folders); !there) {
    return failed(there.error().message, exit_code::file_not_readable);
  }
  ledger::ShowOptions show;
  show.folders = options.folders;
  show.uncommitted = !options.committed_only;
  show.recovery_files = options.recovery_files;
  show.first = SeqNo{options.first};
  show.last = SeqNo{options.last};
  if (!options.map.empty()) show.map = options.map;
  show.values = options.values;
  show.json = options.json;
  auto secrets = read_secrets(options.secrets_file);
  if (!secrets) return failed(secrets.error().message, exit_code::file_not_readable);
  show.secrets = std::move(*secrets);
  const auto shown = ledger::show_ledger(system_disk(), show, [](std::string_view line) {
    // A reader that left (`| head`) ends the listing.
    return std::fwrite(line.data(), 1, line.size(), stdout) == line.size() &&
           std::fputc('\n', stdout) != EOF;
  });
  if (!shown) return failed(shown.error().message);
  return exit_code::success;
}

void add_common(CLI::App& command, LedgerOptions& options) {
  command.add_option("folders", options.folders, "Ledger folders, the main one first")
      ->required()
      ->type_name("DIR");
  command.add_flag("--committed-only", options.committed_only,
                   "Leave out files that are not marked as committed");
  command.add_flag("--recovery-files", options.recovery_files,
                   "Also read files that a recovery in progress wrote");
  command
      .add_option("--secrets", options.secrets_file,
                  "Ledger secrets, lines `SEQNO HEX`: private domains are decrypted")
      ->type_name("FILE");
  command.add_flag("--json", options.json, "JSON for scripts");
}

}  // namespace

void add_ledger(CLI::App& app, Invocation& invocation) {
  CLI::App& ledger = *app.add_subcommand("ledger", "Look at or check a ledger's files offline");

  auto show_options = std::make_shared<LedgerOptions>();
  CLI::App& show = *ledger.add_subcommand("show", "List entries; nothing is verified");
  show.footer(
      "Exit codes: 0 listed; 1 the files cannot be read as a ledger; 255 a folder or file that "
      "was\n"
      "named is not there or cannot be read.");
  add_common(show, *show_options);
  show.add_option("--first", show_options->first, "First seqno")->type_name("SEQNO");
  show.add_option("--last", show_options->last, "Last seqno")->type_name("SEQNO");
  show.add_option("--map", show_options->map, "Only what was written to this map")
      ->type_name("NAME");
  show.add_flag("--values", show_options->values, "Also print values");
  show.callback([show_options, &invocation] {
    invocation.run = [show_options] { return run_show(*show_options); };
  });

  auto verify_options = std::make_shared<LedgerOptions>();
  CLI::App& verify = *ledger.add_subcommand(
      "verify", "Check every entry, hash, signature and file; the first fault is named");
  verify.footer(
      "Exit codes: 0 the ledger is intact; 1 it is not; 255 a folder or file that was named is "
      "not\n"
      "there or cannot be read.");
  add_common(verify, *verify_options);
  verify
      .add_option("--service-cert", verify_options->service_certificate,
                  "The service certificate that you trust (PEM); without it only the ledger's "
                  "own consistency is checked")
      ->type_name("FILE");
  verify
      .add_option("--member-key", verify_options->member_keys,
                  "A member's private encryption key (PEM), as often as the threshold asks: the "
                  "ledger secrets are rebuilt from the shares in the ledger")
      ->type_name("FILE");
  verify
      .add_option("--snapshot", verify_options->snapshots,
                  "A committed snapshot file to compare with the ledger")
      ->type_name("FILE");
  verify.callback([verify_options, &invocation] {
    invocation.run = [verify_options] { return run_verify(*verify_options); };
  });
}

}  // namespace entente::cli
