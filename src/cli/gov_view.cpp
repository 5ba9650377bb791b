#include "cli/gov_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/gov_ballot.h"
#include "ledger/show.h"

namespace entente::cli {
namespace {

constexpr size_t shortest_prefix = 4;
constexpr std::string_view proposals_path = "/members/proposals";

/// What others wrote must not move the cursor of a terminal.
std::string plain(std::string_view text, size_t longest = 4096) {
  return ledger::printable(as_bytes(text), longest);
}

const json::value* find(const json::value& object, std::string_view key) {
  const json::object* fields = object.if_object();
  const json::value* found = fields == nullptr ? nullptr : fields->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string text_at(const json::value& object, std::string_view key) {
  const json::value* found = find(object, key);
  return found == nullptr || !found->is_string() ? std::string() : std::string(found->get_string());
}

Result<std::vector<json::value>> list(GovClient& client, const std::string& path) {
  const auto document = client.get_value(path);
  if (!document) return document.error();
  const json::value* value = find(*document, "value");
  if (value == nullptr || !value->is_array()) {
    return Error{client.address() + "/gov" + path + " is no list"};
  }
  return std::vector<json::value>(value->get_array().begin(), value->get_array().end());
}

ProposalView view_of(const json::value& document) {
  ProposalView out{text_at(document, "proposalId"),
                   text_at(document, "proposerId"),
                   text_at(document, "proposalState"),
                   0,
                   {},
                   {},
                   document};
  const json::value* count = find(document, "ballotCount");
  if (count != nullptr && count->is_int64() && count->get_int64() >= 0) {
    out.ballot_count = static_cast<uint64_t>(count->get_int64());
  }
  return out;
}

Result<void> read_content(GovClient& client, ProposalView& proposal) {
  auto content = client.get_text(std::string(proposals_path) + "/" + proposal.id + "/actions");
  if (!content) return content.error();
  if (*content) proposal.content = std::move(**content);
  return {};
}

Result<std::string> full_id(GovClient& client, const std::string& begin) {
  if (begin.size() == 64) return begin;
  if (begin.size() < shortest_prefix) {
    return Error{
        fmt::format("'{}' is too short: at least the first {} characters of a proposal's id", begin,
                    shortest_prefix)};
  }
  const auto all = list(client, std::string(proposals_path));
  if (!all) return all.error();
  std::vector<std::string> found;
  for (const json::value& one : *all) {
    std::string id = text_at(one, "proposalId");
    if (id.starts_with(begin)) found.push_back(std::move(id));
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) return Error{"no proposal's id begins with " + begin};
  return Error{fmt::format("{} proposals' ids begin with {}", found.size(), begin)};
}

std::string ballot_in_words(const ProposalView& proposal, const std::string& member) {
  const auto found = proposal.ballots.find(member);
  if (found == proposal.ballots.end()) return "no ballot";
  switch (recognise_ballot(found->second, proposal.content, proposal.proposer)) {
    case KnownBallot::accepting:
      return "accepts exactly this";
    case KnownBallot::rejecting:
      return "rejects";
    case KnownBallot::other:
      return "a ballot of its own, run at every decision";
  }
  return "";
}

/// What is voted on is shown whole: a tab stays, other characters that a terminal would obey are
/// written as their code.
std::string whole(std::string_view text) {
  std::string out;
  const auto flush = [&](std::string_view part) {
    if (part.empty()) return;
    const std::string shown = plain(part, std::string_view::npos);
    out += shown;
  };
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    flush(text.substr(begin, i - begin));
    out += byte == '\t' ? std::string("\t") : fmt::format("\\x{:02x}", byte);
    begin = i + 1;
  }
  flush(text.substr(begin));
  return out;
}

std::string indented(const std::string& text, const std::string& margin) {
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out += margin + whole(std::string_view(text).substr(begin, end - begin)) + "\n";
    begin = end + 1;
  }
  return out;
}

/// Each action: its name, then its arguments, texts with their line breaks.
std::string actions_text(const std::string& content) {
  const auto document = json::parse(content);
  const json::value* actions = document ? find(*document, "actions") : nullptr;
  if (actions == nullptr || !actions->is_array()) return indented(content, "  ");
  std::string out;
  for (const json::value& action : actions->get_array()) {
    out += "  " + plain(text_at(action, "name")) + "\n";
    const json::value* args = find(action, "args");
    if (args == nullptr) continue;
    if (!args->is_object()) {
      out += indented(json::dump_indented(*args), "    ");
      continue;
    }
    for (const auto& field : args->get_object()) {
      const bool lines = field.value().is_string();
      const std::string value =
          lines ? std::string(field.value().get_string()) : json::dump_indented(field.value());
      const bool one_line = value.find('\n') == std::string::npos;
      out += "    " + plain(field.key()) + (one_line ? ": " + whole(value) + "\n" : ":\n");
      if (!one_line) out += indented(value, "      ");
    }
  }
  return out;
}

}  // namespace

std::string text_field(const json::value& object, std::string_view key) {
  return text_at(object, key);
}

void print_proposal(const json::value& document) {
  fmt::print("proposal {}\nis {}\n{}", text_at(document, "proposalId"),
             text_at(document, "proposalState"), outcome_text(document));
}

std::vector<std::string> ProposalView::action_names() const {
  std::vector<std::string> out;
  const auto parsed = json::parse(content);
  const json::value* actions = parsed ? find(*parsed, "actions") : nullptr;
  if (actions == nullptr || !actions->is_array()) return out;
  for (const json::value& action : actions->get_array()) {
    out.push_back(plain(text_at(action, "name"), 64));
  }
  return out;
}

// ----------------------------------------------------------------------------------------- reading

Result<std::vector<MemberView>> read_members(GovClient& client) {
  const auto all = list(client, "/service/members");
  if (!all) return all.error();
  std::vector<MemberView> out;
  for (const json::value& one : *all) {
    const json::value* data = find(one, "memberData");
    out.push_back({text_at(one, "memberId"), text_at(one, "status"), text_at(one, "recoveryRole"),
                   data == nullptr ? json::value() : *data});
  }
  std::sort(out.begin(), out.end(),
            [](const MemberView& a, const MemberView& b) { return a.id < b.id; });
  return out;
}

Result<std::vector<ProposalView>> read_proposals(GovClient& client) {
  const auto all = list(client, std::string(proposals_path));
  if (!all) return all.error();
  std::vector<ProposalView> out;
  for (const json::value& one : *all) {
    out.push_back(view_of(one));
    if (auto read = read_content(client, out.back()); !read) return read.error();
  }
  return out;
}

Result<ProposalView> read_proposal(GovClient& client, const std::string& id,
                                   const std::vector<MemberView>& members) {
  const auto full = full_id(client, id);
  if (!full) return full.error();
  const std::string path = std::string(proposals_path) + "/" + *full;
  const auto document = client.get_value(path);
  if (!document) return document.error();
  ProposalView out = view_of(*document);
  if (auto read = read_content(client, out); !read) return read.error();
  for (const MemberView& member : members) {
    auto ballot = client.get_text(path + "/ballots/" + member.id);
    if (!ballot) return ballot.error();
    if (*ballot) out.ballots[member.id] = std::move(**ballot);
  }
  return out;
}

// ------------------------------------------------------------------------------------------- texts

std::string to_text(const std::vector<MemberView>& members) {
  std::string out =
      fmt::format("{:<64}  {:<8}  {:<14}  data\n", "member", "status", "recovery role");
  for (const MemberView& member : members) {
    out += fmt::format("{:<64}  {:<8}  {:<14}  {}\n", plain(member.id, 64),
                       plain(member.status, 16), plain(member.recovery_role, 16),
                       member.data.is_null() ? "" : plain(json::dump(member.data), 200));
  }
  return out;
}

std::string to_text(const std::vector<ProposalView>& proposals) {
  if (proposals.empty()) return "There are no proposals.\n";
  std::string out =
      fmt::format("{:<64}  {:<9}  {:>7}  {:<8}  actions\n", "proposal", "state", "ballots", "by");
  for (const ProposalView& one : proposals) {
    out += fmt::format("{:<64}  {:<9}  {:>7}  {:<8}  {}\n", plain(one.id, 64), plain(one.state, 16),
                       one.ballot_count, plain(one.proposer.substr(0, 8), 8),
                       fmt::join(one.action_names(), ", "));
  }
  return out;
}

std::string outcome_text(const json::value& document) {
  std::string out;
  if (const json::value* votes = find(document, "finalVotes"); votes && votes->is_object()) {
    for (const auto& vote : votes->get_object()) {
      const bool yes = vote.value().is_bool() && vote.value().get_bool();
      out += fmt::format("  {}  {}\n", plain(vote.key(), 64), yes ? "for" : "against");
    }
  }
  if (const json::value* failures = find(document, "voteFailures");
      failures && failures->is_object()) {
    for (const auto& one : failures->get_object()) {
      out += fmt::format("  {}  failed: {}\n", plain(one.key(), 64),
                         plain(text_at(one.value(), "reason")));
      out += indented(text_at(one.value(), "trace"), "      ");
    }
  }
  if (const json::value* failure = find(document, "failure")) {
    out += "  " + plain(text_at(*failure, "reason")) + "\n" +
           indented(text_at(*failure, "trace"), "      ");
  }
  return out;
}

std::string to_text(const ProposalView& proposal, const std::vector<MemberView>& members) {
  std::string out = fmt::format("proposal  {}\nstate     {}\nproposer  {}\nactions\n{}",
                                plain(proposal.id, 64), plain(proposal.state, 16),
                                plain(proposal.proposer, 64), actions_text(proposal.content));
  const std::string outcome = outcome_text(proposal.document);
  if (!outcome.empty()) return out + "votes\n" + outcome;
  out += "ballots\n";
  size_t missing = 0;
  for (const MemberView& member : members) {
    const bool voted = proposal.ballots.contains(member.id);
    if (member.status != "Active" && !voted) continue;
    if (!voted) ++missing;
    out += fmt::format("  {}  {}{}\n", plain(member.id, 64), ballot_in_words(proposal, member.id),
                       member.status == "Active" ? "" : " (not active)");
  }
  if (proposal.state == "Open") {
    out += fmt::format("The constitution has not decided: {} active members have not voted.\n",
                       missing);
  }
  return out;
}

json::value to_json(const std::vector<MemberView>& members) {
  json::array out;
  for (const MemberView& member : members) {
    out.push_back(json::object{{"memberId", member.id},
                               {"status", member.status},
                               {"recoveryRole", member.recovery_role},
                               {"memberData", member.data}});
  }
  return out;
}

json::object to_json(const ProposalView& proposal) {
  json::object out;
  if (proposal.document.is_object()) out = proposal.document.get_object();
  const auto content = json::parse(proposal.content);
  out["content"] = content ? *content : json::value(proposal.content);
  json::object ballots;
  for (const auto& [member, ballot] : proposal.ballots) ballots[member] = ballot;
  out["ballots"] = std::move(ballots);
  return out;
}

}  // namespace entente::cli
