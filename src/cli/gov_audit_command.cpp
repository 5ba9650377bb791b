// `gov audit`: who decided what and when, out of a ledger's files, without a service.

#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <memory>

#include "base/environment.h"
#include "cli/commands.h"
#include "cli/gov_commands.h"
#include "gov/audit.h"
#include "ledger/show.h"

namespace entente::cli {
namespace {

using Kind = gov::AuditEvent::Kind;

struct AuditOptions {
  std::vector<std::string> folders;
  std::string service_certificate;
  bool committed_only = false;
  bool json = false;
};

constexpr size_t id_shown = 12;

std::string plain(const std::string& text, size_t longest = 400) {
  return ledger::printable(as_bytes(text), longest);
}

std::string short_id(const std::string& id) {
  return plain(id.substr(0, id_shown));
}

/// As the member's message says; nobody else vouches for it.
std::string time_text(const std::optional<uint64_t>& created_at) {
  constexpr uint64_t end_of_year_9999 = 253402300799;
  if (!created_at || *created_at > end_of_year_9999) return "-";
  const auto seconds = static_cast<std::time_t>(*created_at);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char out[24];
  std::strftime(out, sizeof out, "%Y-%m-%d %H:%M:%S", &utc);
  return out;
}

std::string_view verb_of(Kind kind) {
  switch (kind) {
    case Kind::created:
      return "service created";
    case Kind::recovered:
      return "service recovered";
    case Kind::proposed:
      return "proposes";
    case Kind::voted:
      return "votes on";
    case Kind::withdrawn:
      return "withdraws";
    case Kind::acknowledged:
      return "acknowledges the state";
  }
  return "";
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& one : list) out += (out.empty() ? "" : ", ") + plain(one, 64);
  return out;
}

void print_votes(const gov::AuditEvent& event) {
  if (!event.votes) return;
  std::vector<std::string> yes, no;
  for (const auto& [member, vote] : *event.votes) (vote ? yes : no).push_back(short_id(member));
  if (!yes.empty()) fmt::print("{:22}for {}\n", "", joined(yes));
  if (!no.empty()) fmt::print("{:22}against {}\n", "", joined(no));
  for (const auto& [member, reason] : event.vote_failures) {
    fmt::print("{:22}ballot of {} failed: {}\n", "", short_id(member), plain(reason));
  }
}

void print_event(const gov::AuditEvent& event) {
  const bool about_proposal = !event.proposal.empty();
  fmt::print("{:<12}{:<20}{}{}{}{}{}{}\n", event.txid.text(), time_text(event.created_at),
             event.member.empty() ? "" : short_id(event.member) + " ", verb_of(event.kind),
             about_proposal ? " " + short_id(event.proposal) : "",
             event.actions.empty() ? "" : ": " + joined(event.actions),
             event.state.empty() || event.state == "Open" ? "" : " -> " + plain(event.state, 16),
             event.verified ? "" : "  (old kind of signature, not verified)");
  print_votes(event);
  for (const std::string& one : event.dropped) fmt::print("{:22}drops {}\n", "", short_id(one));
  if (event.effects.empty()) return;
  std::vector<std::string> effects;
  for (const auto& [table, rows] : event.effects) {
    effects.push_back(fmt::format("{} ({})", plain(table, 80), rows));
  }
  fmt::print("{:22}writes {}\n", "", fmt::join(effects, ", "));
}

json::value event_json(const gov::AuditEvent& event) {
  json::object out{{"transaction_id", event.txid.text()}, {"what", verb_of(event.kind)}};
  if (!event.member.empty()) out["member"] = event.member;
  if (event.created_at) out["created_at"] = *event.created_at;
  if (!event.proposal.empty()) {
    out["proposal"] = event.proposal;
    out["state"] = event.state;
    out["actions"] = json::array(event.actions.begin(), event.actions.end());
  }
  if (event.votes) {
    json::object votes, failures;
    for (const auto& [member, vote] : *event.votes) votes[member] = vote;
    for (const auto& [member, reason] : event.vote_failures) failures[member] = reason;
    out["votes"] = std::move(votes);
    out["vote_failures"] = std::move(failures);
  }
  if (!event.dropped.empty())
    out["drops"] = json::array(event.dropped.begin(), event.dropped.end());
  json::object effects;
  for (const auto& [table, rows] : event.effects) effects[table] = rows;
  if (!effects.empty()) out["writes"] = std::move(effects);
  out["verified"] = event.verified;
  return out;
}

json::object summary_json(const gov::GovernanceAudit& audit, const ledger::VerifyReport& report) {
  json::array faults;
  for (const gov::AuditFault& fault : audit.faults()) {
    faults.push_back(json::object{{"seqno", fault.txid.seqno.value},
                                  {"transaction_id", fault.txid.text()},
                                  {"member", fault.member},
                                  {"reason", fault.reason}});
  }
  json::object out{{"ok", report.ok() && audit.faults().empty()},
                   {"messages_verified", audit.counts().messages},
                   {"messages_of_old_kind", audit.counts().legacy_messages},
                   {"last", report.last.text()},
                   {"last_verified", report.last_verified.text()},
                   {"service_key", report.service_key.hex()},
                   {"faults", std::move(faults)}};
  if (report.failure) out["ledger_failure"] = report.failure->text();
  return out;
}

void print_summary(const gov::GovernanceAudit& audit, const ledger::VerifyReport& report) {
  const gov::AuditCounts& counts = audit.counts();
  fmt::print(
      "\n{} messages verified: {} proposals, {} ballots, {} withdrawals, {} acknowledgements\n",
      counts.messages, counts.proposals, counts.ballots, counts.withdrawals,
      counts.acknowledgements);
  if (counts.legacy_messages != 0) {
    fmt::print("{} messages of an old release, whose signatures are not checked here\n",
               counts.legacy_messages);
  }
  fmt::print("ledger signed up to {}{}\n", report.last_verified.text(),
             report.unverified_tail == 0
                 ? ""
                 : fmt::format("; {} entries after it are not", report.unverified_tail));
}

/// Faults to standard error, the last line of them the sum.
int verdict(const gov::GovernanceAudit& audit, const ledger::VerifyReport& report) {
  for (const gov::AuditFault& fault : audit.faults()) {
    failed(fmt::format("FAULT at {}: {}{}", fault.txid.text(),
                       fault.member.empty() ? "" : "member " + plain(fault.member, 64) + ": ",
                       plain(fault.reason)));
  }
  if (!report.ok()) return failed("The ledger is NOT intact: " + report.failure->text());
  if (!audit.faults().empty()) {
    return failed(fmt::format("The decisions in this ledger are NOT all accounted for: {} faults",
                              audit.faults().size()));
  }
  return exit_code::success;
}

int run_audit(const AuditOptions& options) {
  ledger::VerifyOptions verify;
  verify.folders = options.folders;
  verify.uncommitted = !options.committed_only;
  for (const std::string& folder : options.folders) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
      return failed(folder + ": there is no such folder", exit_code::file_not_readable);
    }
  }
  if (!options.service_certificate.empty()) {
    auto certificate = read_text(options.service_certificate);
    if (!certificate) return failed(certificate.error().message, exit_code::file_not_readable);
    verify.service_certificate = std::move(*certificate);
  }
  json::array events;
  gov::GovernanceAudit audit([&](const gov::AuditEvent& event) {
    if (options.json) {
      events.push_back(event_json(event));
    } else {
      print_event(event);
    }
  });
  Progress progress;
  verify.on_entry = [&](const ledger::VerifiedEntry& entry) { audit.entry(entry); };
  verify.progress = [&](const ledger::VerifyProgress& done) {
    progress.say(fmt::format("checked up to seqno {}", done.seqno.value));
  };
  const ledger::VerifyReport report = ledger::verify_ledger(system_disk(), verify);
  if (options.json) {
    json::object out = summary_json(audit, report);
    out["events"] = std::move(events);
    fmt::print("{}\n", json::dump(out));
    return report.ok() && audit.faults().empty() ? exit_code::success : exit_code::failure;
  }
  print_summary(audit, report);
  if (report.ok() && audit.faults().empty()) {
    fmt::print("Every decision is accounted for{}.\n",
               verify.service_certificate
                   ? ", by members of the service whose certificate was given"
                   : "; no service certificate was given to compare with");
  }
  return verdict(audit, report);
}

}  // namespace

void add_gov_audit(CLI::App& gov, Invocation& invocation) {
  auto options = std::make_shared<AuditOptions>();
  CLI::App& audit = *gov.add_subcommand(
      "audit", "Who decided what and when, out of a ledger's files, every signature checked");
  audit.add_option("folders", options->folders, "Ledger folders, the main one first")
      ->required()
      ->type_name("DIR");
  audit
      .add_option("--service-cert", options->service_certificate,
                  "The service certificate that you trust (PEM)")
      ->type_name("FILE");
  audit.add_flag("--committed-only", options->committed_only,
                 "Leave out files that are not marked as committed");
  audit.add_flag("--json", options->json, "Print one JSON object");
  audit.footer(
      "Times are those that members wrote into their messages. Faults name the transaction, the\n"
      "member and the reason, on standard error.\n"
      "Exit codes: 0 all is accounted for; 1 it is not, or the ledger is not intact; 255 a folder\n"
      "or file that was named is not there.");
  audit.callback(
      [options, &invocation] { invocation.run = [options] { return run_audit(*options); }; });
}

}  // namespace entente::cli
