// What became of proposals: every change of their records against the life of a proposal.

#include "gov/audit.h"
#include "gov/audit_words.h"

namespace entente::gov {

using namespace audit_words;

void GovernanceAudit::find_decisions(Transaction& tx) {
  for (const auto& [id, value] : tx.changes.of("proposals_info")) {
    const auto after = value ? ProposalRecord::parse(*value) : std::nullopt;
    if (!after || after->state == open_state) continue;
    const ProposalRecord* before = find(tables_.proposals, id);
    if (before != nullptr && before->state == after->state) continue;
    tx.decided = true;
    if (after->state == accepted_state) tx.accepted.insert(id);
  }
}

void GovernanceAudit::check_records(Transaction& tx) {
  for (const auto& [id, value] : tx.changes.of("proposals_info")) {
    if (!value) continue;
    const auto after = ProposalRecord::parse(*value);
    if (!after) {
      fault(tx, "", "the record of proposal " + shortened(id) + " cannot be read");
      continue;
    }
    const ProposalRecord* before = find(tables_.proposals, id);
    const bool own = tx.message && tx.event.proposal == id;
    if (before == nullptr && !own && !tx.legacy) {
      fault(tx, after->proposer, "proposal " + shortened(id) + " appears without a signed message");
    }
    if (before != nullptr && before->proposer != after->proposer) {
      fault(tx, before->proposer, "proposal " + shortened(id) + " changes its proposer");
    }
    check_ballots(tx, id, before, *after);
    check_state(tx, id, before, *after);
  }
}

void GovernanceAudit::check_ballots(Transaction& tx, const std::string& id,
                                    const ProposalRecord* before, const ProposalRecord& after) {
  const std::string place = " on proposal " + shortened(id);
  const bool by_message =
      tx.message && tx.message->header.type == message_type::ballot && tx.event.proposal == id;
  for (const auto& [member, ballot] : after.ballots) {
    const std::string* earlier = before == nullptr ? nullptr : find(before->ballots, member);
    if (earlier != nullptr) {
      if (*earlier != ballot) fault(tx, member, "the ballot" + place + " is changed");
    } else if (!tx.legacy && !(by_message && tx.message->signer == member)) {
      fault(tx, member, "a ballot" + place + " without a signed message of this member");
    }
  }
  if (before == nullptr) return;
  for (const auto& [member, ballot] : before->ballots) {
    if (!after.ballots.contains(member)) fault(tx, member, "the ballot" + place + " disappears");
  }
}

void GovernanceAudit::check_state(Transaction& tx, const std::string& id,
                                  const ProposalRecord* before, const ProposalRecord& after) {
  const std::string from = before == nullptr ? std::string(open_state) : before->state;
  if (after.state == from) return;
  const std::string what =
      "proposal " + shortened(id) + " goes from " + from + " to " + after.state;
  if (from != open_state) return fault(tx, after.proposer, what);
  const std::string type = tx.message ? tx.message->header.type : std::string();
  const bool own = (tx.message && tx.event.proposal == id) || tx.legacy;
  if (after.state == accepted_state || after.state == rejected_state) {
    if (!own || type == message_type::withdrawal)
      fault(tx, after.proposer, what + " by nobody's vote");
    return check_outcome(tx, id, after);
  }
  if (after.state == withdrawn_state) {
    if (!tx.legacy && !(own && type == message_type::withdrawal)) {
      fault(tx, after.proposer, what + " without a signed message of its proposer");
    }
  } else if (after.state == dropped_state) {
    if (tx.accepted.empty()) fault(tx, after.proposer, what + " though nothing was accepted");
  } else {
    fault(tx, after.proposer, what);
  }
}

/// Each ballot ended as a vote or as a failure.
void GovernanceAudit::check_outcome(Transaction& tx, const std::string& id,
                                    const ProposalRecord& after) {
  if (!after.final_votes) {
    return fault(tx, after.proposer, "proposal " + shortened(id) + " ends without final votes");
  }
  for (const auto& [member, ballot] : after.ballots) {
    if (after.final_votes->contains(member) == after.vote_failures.contains(member)) {
      fault(tx, member,
            "the ballot on proposal " + shortened(id) + " is not among the final votes");
    }
  }
  const auto without_ballot = [&](const std::string& member) {
    if (!after.ballots.contains(member)) {
      fault(tx, member, "a final vote on proposal " + shortened(id) + " without a ballot");
    }
  };
  for (const auto& [member, vote] : *after.final_votes) without_ballot(member);
  for (const auto& [member, reason] : after.vote_failures) without_ballot(member);
}

void GovernanceAudit::check_removals(Transaction& tx) {
  for (const auto& [id, value] : tx.changes.of("proposals_info")) {
    const ProposalRecord* before = find(tables_.proposals, id);
    if (value || before == nullptr) continue;
    if (before->state == open_state || !tx.decided) {
      fault(tx, before->proposer,
            "proposal " + shortened(id) + " (" + before->state + ") disappears");
    }
  }
  for (const auto& [id, value] : tx.changes.of("proposals")) {
    if (!value) continue;
    if (tables_.proposals.contains(id)) {
      fault(tx, "", "the content of proposal " + shortened(id) + " is written once more");
    }
  }
}

}  // namespace entente::gov
