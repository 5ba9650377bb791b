// `receipt verify`: one receipt against a service certificate, without a service.

#include <fmt/format.h>

#include <memory>

#include "cli/commands.h"
#include "crypto/x509.h"
#include "ledger/receipt.h"

namespace entente::cli {
namespace {

struct ReceiptOptions {
  std::string receipt;
  std::string service_certificate;
  std::string claims_digest;
  std::vector<std::string> endorsements;
  bool json = false;
};

json::value report_json(const ledger::ReceiptReport& report) {
  json::object out{{"ok", true},
                   {"form", report.form == ledger::ReceiptReport::Form::json ? "json" : "cose"},
                   {"signature_transaction", report.signature_transaction},
                   {"leaf", report.leaf.hex()},
                   {"root", report.root.hex()},
                   {"signed_by", report.signed_by},
                   {"claims_supplied", report.claims_supplied},
                   {"endorsements", report.endorsements}};
  if (report.txid) out["transaction_id"] = report.txid->text();
  if (report.signature_txid) out["signature_transaction_id"] = report.signature_txid->text();
  if (report.write_set_digest) out["write_set_digest"] = report.write_set_digest->hex();
  if (report.commit_evidence) out["commit_evidence"] = *report.commit_evidence;
  if (report.claims_digest) out["claims_digest"] = report.claims_digest->hex();
  return out;
}

void print_report(const ledger::ReceiptReport& report) {
  fmt::print("transaction    {}\n", report.txid ? report.txid->text() : "not named by the receipt");
  if (report.write_set_digest) {
    fmt::print("write set      {}\n", report.write_set_digest->hex());
  }
  if (report.claims_digest) {
    fmt::print("claims         {}{}\n", report.claims_digest->hex(),
               report.claims_supplied ? " (supplied by you)" : "");
  }
  fmt::print("root           {}\nsigned by      {}\n", report.root.hex(), report.signed_by);
  if (report.endorsements != 0) {
    fmt::print("endorsements   {} earlier service identities\n", report.endorsements);
  }
}

int refused(const ReceiptOptions& options, const std::string& reason) {
  if (!options.json) return failed("The receipt is NOT valid: " + reason);
  fmt::print("{}\n", json::dump(json::object{{"ok", false}, {"reason", reason}}));
  return exit_code::failure;
}

int run_verify(const ReceiptOptions& options) {
  const auto receipt = read_text(options.receipt);
  if (!receipt) return failed(receipt.error().message, exit_code::file_not_readable);
  const auto pem = read_text(options.service_certificate);
  if (!pem) return failed(pem.error().message, exit_code::file_not_readable);
  const auto service = crypto::Certificate::from_pem(*pem);
  if (!service) return failed(service.error().at(options.service_certificate).message);
  ledger::ReceiptTrust trust{*service, {}, {}};
  if (!options.claims_digest.empty()) {
    trust.claims_digest = Digest::from_hex(options.claims_digest);
    if (!trust.claims_digest) {
      return failed("--claims-digest: expected 64 hex digits", exit_code::bad_option);
    }
  }
  for (const std::string& path : options.endorsements) {
    const auto content = read_text(path);
    if (!content) return failed(content.error().message, exit_code::file_not_readable);
    trust.cose_endorsements.push_back(to_bytes(std::string_view(*content)));
  }
  const auto report = ledger::verify_receipt(as_bytes(*receipt), trust);
  if (!report) return refused(options, report.error().message);
  if (options.json) {
    fmt::print("{}\n", json::dump(report_json(*report)));
  } else {
    print_report(*report);
    fmt::print("The receipt is valid: the service of that certificate committed it.\n");
  }
  return exit_code::success;
}

}  // namespace

void add_receipt(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ReceiptOptions>();
  CLI::App& receipt = *app.add_subcommand("receipt", "Check a receipt offline");
  CLI::App& verify = *receipt.add_subcommand(
      "verify", "Check a receipt (JSON or COSE); exit code 1 and the reason if it is not valid");
  verify.add_option("file", options->receipt, "The receipt")->required()->type_name("FILE");
  verify
      .add_option("--service-cert", options->service_certificate,
                  "The service certificate that you trust (PEM)")
      ->required()
      ->type_name("FILE");
  verify
      .add_option("--claims-digest", options->claims_digest,
                  "What you know the claims of the transaction to hash to (SHA-256)")
      ->type_name("HEX");
  verify
      .add_option("--endorsement", options->endorsements,
                  "For COSE receipts of an earlier service identity: COSE endorsements, the "
                  "newest first")
      ->type_name("FILE");
  verify.add_flag("--json", options->json, "Print one JSON object");
  verify.callback(
      [options, &invocation] { invocation.run = [options] { return run_verify(*options); }; });
}

}  // namespace entente::cli
