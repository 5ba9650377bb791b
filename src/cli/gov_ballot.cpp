#include "cli/gov_ballot.h"

#include <fmt/format.h>

#include "base/json.h"
#include "crypto/digest.h"

namespace entente::cli {
namespace {

/// Longer proposals are compared by their digest.
constexpr size_t longest_quoted = 16 << 10;

// A JSON string is a JavaScript string literal (ECMA-262, 12.9.4, since 2019).
std::string quoted(std::string_view text) {
  return json::dump(json::value(text));
}

}  // namespace

std::string accepting_ballot(std::string_view proposal, std::string_view proposer_id) {
  if (proposal.size() <= longest_quoted) {
    return fmt::format(
        "// Yes to this proposal of this member, character by character.\n"
        "const proposal = {};\n"
        "const proposer = {};\n"
        "export function vote(proposalText, proposerId) {{\n"
        "  return proposalText === proposal && proposerId === proposer;\n"
        "}}\n",
        quoted(proposal), quoted(proposer_id));
  }
  return fmt::format(
      "// Yes to the proposal of this digest (SHA-256) by this member.\n"
      "const digest = {};\n"
      "const proposer = {};\n"
      "export function vote(proposalText, proposerId) {{\n"
      "  const bytes = new Uint8Array(ccf.crypto.digest(\"SHA-256\", "
      "ccf.strToBuf(proposalText)));\n"
      "  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "
      "\"0\")).join(\"\");\n"
      "  return hex === digest && proposerId === proposer;\n"
      "}}\n",
      quoted(crypto::sha256(as_bytes(proposal)).hex()), quoted(proposer_id));
}

std::string rejecting_ballot() {
  return "export function vote(proposalText, proposerId) {\n  return false;\n}\n";
}

KnownBallot recognise_ballot(std::string_view ballot, std::string_view proposal,
                             std::string_view proposer_id) {
  if (ballot == rejecting_ballot()) return KnownBallot::rejecting;
  if (ballot == accepting_ballot(proposal, proposer_id)) return KnownBallot::accepting;
  return KnownBallot::other;
}

}  // namespace entente::cli
