#include "gov/proposals.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/digest.h"
#include "entente/http.h"
#include "gov/decision.h"
#include "gov/node_changes.h"
#include "gov/replay_window.h"
#include "kv/store.h"

namespace entente::gov {
namespace {

using http::status::bad_request;

[[noreturn]] void refuse(int status, std::string_view code, const std::string& message) {
  throw RpcException(status, code, message);
}
[[noreturn]] void fail(const std::string& message) {
  refuse(http::status::internal_server_error, errors::internal_error, message);
}

/// Binds the id to the ledger before it: nobody can know the id of a proposal in advance.
std::string make_id(Deliberation& at, BytesView signature) {
  const TxId read = kv::Store::observed(at.tx);
  const auto root = at.surroundings.root_at(read);
  if (!root) fail("No Merkle root of the ledger at " + read.text() + ": " + root.error().message);
  return crypto::sha256({BytesView(*root), BytesView(crypto::sha256(signature))}).hex();
}

ConstitutionPtr constitution(Deliberation& at) {
  ConstitutionPtr stored = at.scripts.constitution(at.tx);
  if (!stored) fail("No constitution is set: proposals cannot be evaluated.");
  return stored;
}

void keep_message(kv::Tx& tx, const MemberCoseSign1Identity& message) {
  tables::put_json(tx, tables::cose_history, as_bytes(message.signer_id),
                   json::value(to_base64(message.envelope)));
}

void put_info(kv::Tx& tx, const Proposal& proposal) {
  tables::put(tx, tables::proposals_info, std::string_view(proposal.id), proposal.info);
}

std::optional<ProposalInfo> parse_info(BytesView id, BytesView value) {
  try {
    const auto document = json::parse(as_text(value));
    if (document) return json::to<ProposalInfo>(*document);
  } catch (const JsonException&) {
  }
  log::fail("gov", "Table {}, key {}: not a proposal", tables::proposals_info, as_text(id));
  return std::nullopt;
}

/// Every other proposal that is not open leaves the tables; what it was is in the ledger.
void sweep(kv::Tx& tx, std::string_view except) {
  auto infos = tx.rw(tables::proposals_info);
  auto payloads = tx.wo(tables::proposals);
  infos.foreach ([&](BytesView id, BytesView value) {
    if (as_text(id) == except) return true;
    const auto info = parse_info(id, value);
    if (info && info->state == ProposalState::open) return true;
    payloads.remove(id);
    infos.remove(id);
    return true;
  });
}

void apply(Deliberation& at, const ScriptSubject& subject) {
  const NodeRows before = node_rows(at.tx);
  const auto applied = at.scripts.apply(at.tx, at.requests, subject);
  if (const auto* error = std::get_if<ScriptError>(&applied)) {
    Failure failure = error->failure;
    if (error->kind == ScriptError::Kind::threw) failure.reason.insert(0, "Failed to apply(): ");
    fail(describe(failure));
  }
  const auto refused = [](const Error& error) {
    fail(describe({"Failed to apply(): " + error.message, std::nullopt}));
  };
  if (const auto nodes = check_node_changes(before, node_rows(at.tx), at.surroundings); !nodes) {
    refused(nodes.error());
  }
  if (const auto usable = at.scripts.check_successor(at.tx, subject.constitution); !usable) {
    refused(usable.error());
  }
}

/// Decides over the ballots of the proposal, which is in the tables, and does what follows.
void resolve(Deliberation& at, const ConstitutionPtr& constitution, std::string_view payload,
             Proposal& proposal, const std::string* newest) {
  const std::string proposer = proposal.info.proposer_id;
  const ScriptSubject subject{*constitution, payload, proposal.id, proposer};
  const auto vote = [&](const std::string& member, const std::string& ballot) {
    const bool is_newest = newest != nullptr && member == *newest;
    const size_t others = proposal.info.ballots.size() - (newest != nullptr ? 1 : 0);
    return at.scripts.vote(at.tx, subject, member, ballot, is_newest, others);
  };
  const auto resolve_votes = [&](const std::vector<Vote>& votes) {
    return at.scripts.resolve(at.tx, subject, votes);
  };
  record(proposal.info, decide(proposal.info, newest, {vote, resolve_votes}));
  if (proposal.info.failure) fail(describe(*proposal.info.failure));
  if (proposal.info.state == ProposalState::open) return;
  sweep(at.tx, proposal.id);
  put_info(at.tx, proposal);
  if (proposal.info.state == ProposalState::accepted) apply(at, subject);
}

void validate(Deliberation& at, const ScriptSubject& subject) {
  const auto result = at.scripts.validate(at.tx, subject);
  if (const auto* error = std::get_if<ScriptError>(&result)) {
    if (error->kind != ScriptError::Kind::threw) fail(error->failure.reason);
    fail(fmt::format("Failed to execute validation: {} {}", error->failure.reason,
                     error->failure.trace.value_or("")));
  }
  const Validation& validation = std::get<Validation>(result);
  if (validation.valid) return;
  refuse(bad_request, errors::proposal_failed_to_validate,
         "Proposal failed to validate: " + validation.description);
}

std::string parse_ballot(BytesView payload) {
  const auto document = json::parse(as_text(payload));
  if (!document) {
    refuse(bad_request, errors::invalid_input,
           "The payload is not JSON: " + document.error().message);
  }
  const json::object* members = document->if_object();
  const json::value* ballot = members == nullptr ? nullptr : members->if_contains("ballot");
  if (ballot == nullptr || !ballot->is_string()) {
    refuse(bad_request, errors::invalid_input, "The payload has no text 'ballot'.");
  }
  return std::string(ballot->get_string());
}

[[noreturn]] void not_found(const std::string& id) {
  refuse(http::status::not_found, errors::proposal_not_found,
         "Could not find proposal " + id + ".");
}

std::optional<Proposal> find_proposal(kv::ReadOnlyTx& tx, const std::string& id) {
  auto info = tables::get<ProposalInfo>(tx, tables::proposals_info, std::string_view(id));
  if (!info) return std::nullopt;
  return Proposal{id, std::move(*info)};
}

[[noreturn]] void not_open(const Proposal& proposal, std::string_view what) {
  refuse(bad_request, errors::proposal_not_open,
         fmt::format("Proposal {} is currently in state {} - only {} proposals can {}.",
                     proposal.id, to_lower_case_text(proposal.info.state),
                     to_lower_case_text(ProposalState::open), what));
}

}  // namespace

Proposal create_proposal(Deliberation& at, const MemberCoseSign1Identity& message) {
  Proposal proposal{make_id(at, message.signature), {}};
  proposal.info.proposer_id = message.signer_id;
  const std::string_view id = proposal.id;
  const std::string_view payload = as_text(message.content);
  const ConstitutionPtr in_force = constitution(at);
  validate(at, {*in_force, payload, id, message.signer_id});

  auto payloads = at.tx.rw(tables::proposals);
  if (payloads.has(as_bytes(id)) || at.tx.ro(tables::proposals_info).has(as_bytes(id))) {
    fail("Proposal " + proposal.id + " exists already.");
  }
  payloads.put(as_bytes(id), message.content);
  put_info(at.tx, proposal);
  keep_message(at.tx, message);
  admit_to_window(at.tx, message.created_at.value_or(0), message.signature, id);
  resolve(at, in_force, payload, proposal, nullptr);
  return proposal;
}

Proposal submit_ballot(Deliberation& at, const std::string& proposal_id,
                       const MemberCoseSign1Identity& message) {
  Proposal proposal = get_proposal(at.tx, proposal_id);
  if (proposal.info.state != ProposalState::open) not_open(proposal, "receive ballots");
  const std::string ballot = parse_ballot(message.content);
  const ConstitutionPtr in_force = constitution(at);
  const auto [stored, is_new] = proposal.info.ballots.emplace(message.signer_id, ballot);
  if (!is_new) {
    if (stored->second == ballot) return proposal;
    refuse(bad_request, errors::vote_already_exists,
           "A different ballot of m[" + message.signer_id + "] is stored already.");
  }
  const Bytes payload = get_actions(at.tx, proposal_id);
  put_info(at.tx, proposal);
  keep_message(at.tx, message);
  resolve(at, in_force, as_text(payload), proposal, &message.signer_id);
  return proposal;
}

std::optional<Proposal> withdraw_proposal(kv::Tx& tx, const std::string& proposal_id,
                                          const MemberCoseSign1Identity& message) {
  auto proposal = find_proposal(tx, proposal_id);
  if (!proposal) return std::nullopt;
  if (message.signer_id != proposal->info.proposer_id) {
    refuse(http::status::forbidden, errors::authorization_failed,
           fmt::format("Proposal {} can only be withdrawn by its proposer m[{}], not by m[{}].",
                       proposal->id, proposal->info.proposer_id, message.signer_id));
  }
  if (proposal->info.state == ProposalState::withdrawn) return proposal;
  if (proposal->info.state != ProposalState::open) not_open(*proposal, "be withdrawn");
  proposal->info.state = ProposalState::withdrawn;
  sweep(tx, proposal->id);
  put_info(tx, *proposal);
  keep_message(tx, message);
  return proposal;
}

Proposal get_proposal(kv::ReadOnlyTx& tx, const std::string& proposal_id) {
  auto proposal = find_proposal(tx, proposal_id);
  if (!proposal) not_found(proposal_id);
  return std::move(*proposal);
}

Bytes get_actions(kv::ReadOnlyTx& tx, const std::string& proposal_id) {
  const auto payload = tx.ro(tables::proposals).get(as_bytes(proposal_id));
  if (!payload) not_found(proposal_id);
  return to_bytes(*payload);
}

std::vector<Proposal> list_proposals(kv::ReadOnlyTx& tx) {
  std::vector<Proposal> proposals;
  tx.ro(tables::proposals_info).foreach ([&](BytesView id, BytesView value) {
    if (auto info = parse_info(id, value)) proposals.push_back({to_text(id), std::move(*info)});
    return true;
  });
  return proposals;
}

json::object to_json(const Proposal& proposal) {
  const ProposalInfo& info = proposal.info;
  json::object out{{"proposalId", proposal.id},
                   {"proposerId", info.proposer_id},
                   {"proposalState", to_text(info.state)},
                   {"ballotCount", info.ballots.size()}};
  if (info.final_votes) out["finalVotes"] = json::from(*info.final_votes);
  if (info.vote_failures) out["voteFailures"] = json::from(*info.vote_failures);
  if (info.failure) out["failure"] = json::from(*info.failure);
  return out;
}

}  // namespace entente::gov
