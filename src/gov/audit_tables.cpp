#include "gov/audit_tables.h"

#include "base/json.h"
#include "ledger/entry.h"
#include "ledger/signature.h"

namespace entente::gov {
namespace {

constexpr std::string_view prefix = "public:ccf.gov.";
constexpr size_t most_actions = 1000;

const json::value* find(const json::value& object, std::string_view key) {
  const json::object* fields = object.if_object();
  const json::value* found = fields == nullptr ? nullptr : fields->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string text_at(const json::value& object, std::string_view key) {
  const json::value* found = find(object, key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

std::string json_text(std::string_view text, std::string_view field) {
  const auto document = json::parse(text);
  return document ? text_at(*document, field) : std::string();
}

std::vector<std::string> action_names(std::string_view proposal) {
  std::vector<std::string> out;
  const auto document = json::parse(proposal);
  const json::value* actions = document ? find(*document, "actions") : nullptr;
  if (actions == nullptr || !actions->is_array()) return out;
  for (const json::value& action : actions->get_array()) {
    if (out.size() == most_actions) break;
    out.push_back(text_at(action, "name"));
  }
  return out;
}

std::optional<ProposalRecord> ProposalRecord::parse(std::string_view text) {
  const auto document = json::parse(text);
  if (!document || !document->is_object()) return std::nullopt;
  ProposalRecord out;
  out.proposer = text_at(*document, "proposer_id");
  out.state = text_at(*document, "state");
  if (const json::value* ballots = find(*document, "ballots"); ballots && ballots->is_object()) {
    for (const auto& one : ballots->get_object()) {
      out.ballots[one.key()] =
          one.value().is_string() ? std::string(one.value().get_string()) : json::dump(one.value());
    }
  }
  if (const json::value* votes = find(*document, "final_votes"); votes && votes->is_object()) {
    out.final_votes.emplace();
    for (const auto& one : votes->get_object()) {
      if (!one.value().is_bool()) return std::nullopt;
      (*out.final_votes)[one.key()] = one.value().get_bool();
    }
  }
  if (const json::value* failures = find(*document, "vote_failures");
      failures && failures->is_object()) {
    for (const auto& one : failures->get_object()) {
      out.vote_failures[one.key()] = text_at(one.value(), "reason");
    }
  }
  if (out.state.empty()) return std::nullopt;
  return out;
}

std::optional<MemberRecord> MemberRecord::parse(std::string_view text) {
  auto document = json::parse(text);
  if (!document || !document->is_object()) return std::nullopt;
  MemberRecord out{text_at(*document, "status"), {}};
  document->get_object().erase("status");
  out.rest = json::dump(*document);
  return out;
}

std::optional<AckRecord> AckRecord::parse(std::string_view text) {
  const auto document = json::parse(text);
  if (!document || !document->is_object()) return std::nullopt;
  AckRecord out{text_at(*document, "state_digest"), text_at(*document, "cose_sign1_req"), {}};
  if (const json::value* legacy = find(*document, "signed_req")) {
    out.legacy_message = json::dump(*legacy);
  }
  return out;
}

AuditChanges::AuditChanges(const kv::WriteSet& public_maps) {
  for (const kv::MapWrites& map : public_maps) {
    if (!map.map.starts_with(prefix)) continue;
    TableChanges& changes = tables_[std::string(map.map.substr(prefix.size()))];
    for (const kv::Write& write : map.writes) {
      changes[to_text(write.key)] =
          write.value ? std::optional(to_text(*write.value)) : std::nullopt;
    }
  }
  const auto signature =
      ledger::find_write(public_maps, ledger::maps::signatures, ledger::unit_key());
  if (signature) signed_root_ = json_text(as_text(*signature), "root");
}

const TableChanges& AuditChanges::of(std::string_view table) const {
  static const TableChanges nothing;
  const auto found = tables_.find(std::string(table));
  return found == tables_.end() ? nothing : found->second;
}

std::optional<std::string> AuditChanges::single(std::string_view table) const {
  const TableChanges& changes = of(table);
  const auto found = changes.find(to_text(ledger::unit_key()));
  return found == changes.end() ? std::nullopt : found->second;
}

void AuditTables::apply(const AuditChanges& changes) {
  const auto follow = [&](std::string_view table, auto& rows, auto read) {
    for (const auto& [key, value] : changes.of(table)) {
      if (!value) {
        rows.erase(key);
      } else {
        read(key, *value);
      }
    }
  };
  follow("members.certs", certificates,
         [&](const std::string& key, const std::string& value) { certificates[key] = value; });
  follow("members.info", members, [&](const std::string& key, const std::string& value) {
    members[key] = MemberRecord::parse(value).value_or(MemberRecord{});
  });
  follow("members.acks", acks, [&](const std::string& key, const std::string& value) {
    acks[key] = AckRecord::parse(value).value_or(AckRecord{});
  });
  follow("proposals_info", proposals, [&](const std::string& key, const std::string& value) {
    proposals[key] = ProposalRecord::parse(value).value_or(ProposalRecord{});
  });
  follow("proposals", actions, [&](const std::string& key, const std::string& value) {
    actions[key] = action_names(value);
  });
  follow("nodes.info", node_status, [&](const std::string& key, const std::string& value) {
    node_status[key] = json_text(value, "status");
  });
  if (const auto info = changes.single("service.info")) service_status = json_text(*info, "status");
}

}  // namespace entente::gov
