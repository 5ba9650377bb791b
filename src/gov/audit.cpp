#include "gov/audit.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/digest.h"
#include "gov/replay_window.h"

namespace entente::gov {
namespace {

/// A proposal reads a version that is at most so many transactions old.
constexpr uint64_t most_behind = 10000;
/// A digest of the state that a member acknowledges is the root of one of so many last signatures.
constexpr size_t most_roots = 1000;

constexpr std::string_view open_state = "Open", accepted_state = "Accepted",
                           rejected_state = "Rejected", withdrawn_state = "Withdrawn",
                           dropped_state = "Dropped";
constexpr std::string_view active_status = "Active";

/// Tables that follow the life of proposals and members; everything else in governance is an
/// effect.
constexpr std::string_view bookkeeping[] = {"proposals",    "proposals_info",
                                            "cose_history", "cose_recent_proposals",
                                            "history",      "members.acks"};

/// What only an accepted proposal may change, beside the creation of a service.
constexpr std::string_view decided_tables[] = {"constitution",
                                               "members.certs",
                                               "members.encryption_public_keys",
                                               "users.certs",
                                               "users.info",
                                               "service.config",
                                               "nodes.code_ids",
                                               "nodes.virtual.measurements",
                                               "nodes.virtual.host_data",
                                               "nodes.snp.measurements",
                                               "nodes.snp.host_data",
                                               "nodes.snp.uvm_endorsements",
                                               "nodes.snp.tcb_versions",
                                               "modules",
                                               "endpoints",
                                               "interpreter.flush",
                                               "js_runtime_options",
                                               "tls.ca_cert_bundles",
                                               "jwt.issuers"};

std::string shortened(const std::string& id) {
  return id.substr(0, 12);
}

template <typename List>
bool contains(const List& list, std::string_view value) {
  return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

template <typename Map>
auto* find(Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

/// The text in a value that is a JSON string.
std::optional<std::string> json_string(const std::string& value) {
  const auto document = json::parse(value);
  if (!document || !document->is_string()) return std::nullopt;
  return std::string(document->get_string());
}

/// The transaction by which a service comes to be, or an old one is recovered.
bool creates_service(const TxId& txid, const AuditChanges& changes) {
  const auto info = changes.single("service.info");
  if (!info) return false;
  return json_text(*info, "current_service_create_txid") == txid.text() ||
         changes.single("service.previous_service_identity").has_value() || txid.seqno == SeqNo{1};
}

}  // namespace

GovernanceAudit::GovernanceAudit(std::function<void(const AuditEvent&)> seen)
    : seen_(std::move(seen)) {}

void GovernanceAudit::fault(const Transaction& tx, const std::string& member, std::string reason) {
  if (faults_.size() < most_faults) faults_.push_back({tx.txid, member, std::move(reason)});
}

void GovernanceAudit::entry(const ledger::VerifiedEntry& entry) {
  const AuditChanges changes(entry.public_maps);
  if (!changes.empty()) {
    Transaction tx{entry.txid, changes, creates_service(entry.txid, changes), false, {}, {}, false,
                   {},         false};
    read_messages(tx);
    find_decisions(tx);
    check_message(tx);
    check_records(tx);
    check_removals(tx);
    check_acks(tx);
    check_members(tx);
    check_effects(tx);
    check_nodes(tx);
    check_service(tx);
    describe(tx);
    tables_.apply(changes);
  }
  if (!changes.signed_root().empty()) {
    signed_roots_.push_back(changes.signed_root());
    if (signed_roots_.size() > most_roots) signed_roots_.pop_front();
  }
  tree_.append(entry.leaf);
  if (tree_.size() - tree_.first() > 2 * most_behind) tree_.flush(tree_.size() - most_behind);
}

// -----------------------------------------------------------------------------------------
// messages

/// The message if it is one of this member, signed with the key of its certificate.
std::optional<ReadMessage> GovernanceAudit::verified_message(const Transaction& tx,
                                                             const std::string& member,
                                                             std::string_view base64) {
  const auto refuse = [&](std::string reason) {
    fault(tx, member, std::move(reason));
    return std::nullopt;
  };
  const auto encoded = from_base64(base64);
  if (!encoded) return refuse("the stored message is not base64");
  auto message = read_message(*encoded);
  if (!message) return refuse("the stored message cannot be read: " + message.error().message);
  if (message->signer != member) {
    return refuse("the message stored for this member says that it is of " + message->signer);
  }
  const std::string* pem = find(tables_.certificates, member);
  const auto fresh = tx.changes.of("members.certs").find(member);
  if (pem == nullptr && fresh != tx.changes.of("members.certs").end() && fresh->second) {
    pem = &*fresh->second;
  }
  if (pem == nullptr) return refuse("signed by nobody who is a member at that point");
  const auto certificate = crypto::Certificate::from_pem(*pem);
  if (!certificate) return refuse("its certificate cannot be read: " + certificate.error().message);
  if (certificate->id() != member) return refuse("its certificate is that of " + certificate->id());
  const auto key = certificate->public_key();
  if (!key) return refuse("its certificate has no key that signs: " + key.error().message);
  if (!crypto::cose::verify(message->envelope, *key)) {
    return refuse("the signature of its " + message->header.type + " is not valid");
  }
  ++counts_.messages;
  return std::move(*message);
}

void GovernanceAudit::read_messages(Transaction& tx) {
  if (!tx.changes.of("history").empty() && tx.changes.of("cose_history").empty()) {
    const bool removed =
        std::all_of(tx.changes.of("history").begin(), tx.changes.of("history").end(),
                    [](const auto& row) { return !row.second; });
    if (!removed && cose_seen_) {
      fault(tx, tx.changes.of("history").begin()->first,
            "a signature of an old kind, after those of the present kind");
    } else if (!removed) {
      tx.legacy = true;
      ++counts_.legacy_messages;
    }
  }
  for (const auto& [member, value] : tx.changes.of("cose_history")) {
    if (!value) continue;
    cose_seen_ = true;
    if (tx.message) fault(tx, member, "a second message in the same transaction");
    const auto base64 = json_string(*value);
    if (!base64) {
      fault(tx, member, "the stored message is no JSON string");
      continue;
    }
    auto message = verified_message(tx, member, *base64);
    if (message) tx.message = std::move(message);
  }
}

void GovernanceAudit::check_message(Transaction& tx) {
  if (!tx.message) return;
  const std::string& member = tx.message->signer;
  const MemberRecord* record = find(tables_.members, member);
  if (record == nullptr || record->status != active_status) {
    fault(tx, member, "is not an active member");
  }
  const std::string& type = tx.message->header.type;
  if (type == message_type::proposal) {
    check_proposal(tx);
  } else if (type == message_type::ballot) {
    check_ballot(tx);
  } else if (type == message_type::withdrawal) {
    check_withdrawal(tx);
  } else {
    fault(tx, member, "a message of type '" + type + "' among those that decide");
  }
}

void GovernanceAudit::check_proposal(Transaction& tx) {
  const std::string& member = tx.message->signer;
  ++counts_.proposals;
  std::vector<std::string> fresh;
  for (const auto& [id, value] : tx.changes.of("proposals")) {
    if (value) fresh.push_back(id);
  }
  if (fresh.size() != 1) {
    return fault(tx, member, fmt::format("signed one proposal, but {} are stored", fresh.size()));
  }
  const std::string& id = fresh.front();
  tx.event.proposal = id;
  if (as_bytes(*tx.changes.of("proposals").at(id)).size() != tx.message->envelope.payload->size() ||
      *tx.changes.of("proposals").at(id) != as_text(*tx.message->envelope.payload)) {
    fault(tx, member, "proposal " + shortened(id) + " is not what was signed");
  }
  const auto record = tx.changes.of("proposals_info").find(id);
  if (record == tx.changes.of("proposals_info").end() || !record->second) {
    return fault(tx, member, "proposal " + shortened(id) + " has no record");
  }
  const auto parsed = ProposalRecord::parse(*record->second);
  if (parsed && parsed->proposer != member) {
    fault(tx, member, "proposal " + shortened(id) + " is recorded as that of " + parsed->proposer);
  }
  check_proposal_id(tx, id);
}

/// The id binds the proposal to its signature and to a state of the ledger just before it.
void GovernanceAudit::check_proposal_id(Transaction& tx, const std::string& id) {
  const Digest signature = crypto::sha256(tx.message->envelope.signature);
  const uint64_t size = tree_.size();
  const uint64_t least =
      std::max<uint64_t>({1, tree_.first(), size > most_behind ? size - most_behind : 1});
  bool found = false;
  for (uint64_t leaves = size; !found && leaves >= least; --leaves) {
    const Digest root = tree_.root(leaves);
    Bytes both = to_bytes(BytesView(root));
    append(both, signature);
    found = crypto::sha256(both).hex() == id;
  }
  if (!found) {
    fault(tx, tx.message->signer,
          "the id " + shortened(id) + " does not follow from the ledger and the signature");
  }
  const TableChanges& window = tx.changes.of("cose_recent_proposals");
  const uint64_t created_at = tx.message->header.created_at;
  const auto row =
      created_at > max_created_at ? window.end() : window.find(window_key(created_at, signature));
  if (row == window.end() || !row->second || json_string(*row->second) != id) {
    fault(tx, tx.message->signer,
          "proposal " + shortened(id) + " is not noted against being sent again");
  }
}

void GovernanceAudit::check_ballot(Transaction& tx) {
  const std::string& member = tx.message->signer;
  const std::string id = tx.message->header.proposal_id.value_or("");
  ++counts_.ballots;
  tx.event.proposal = id;
  const ProposalRecord* before = find(tables_.proposals, id);
  if (before == nullptr || before->state != open_state) {
    return fault(tx, member, "a ballot on proposal " + shortened(id) + ", which is not open");
  }
  const auto change = tx.changes.of("proposals_info").find(id);
  const auto after = change == tx.changes.of("proposals_info").end() || !change->second
                         ? std::nullopt
                         : ProposalRecord::parse(*change->second);
  if (!after) return fault(tx, member, "a ballot on proposal " + shortened(id) + ", not recorded");
  const auto payload = json::parse(as_text(*tx.message->envelope.payload));
  const json::object* fields = payload ? payload->if_object() : nullptr;
  const json::value* ballot = fields == nullptr ? nullptr : fields->if_contains("ballot");
  const std::string* stored = find(after->ballots, member);
  if (ballot == nullptr || !ballot->is_string() || stored == nullptr ||
      *stored != std::string_view(ballot->get_string())) {
    fault(tx, member, "the ballot on proposal " + shortened(id) + " is not what was signed");
  }
}

void GovernanceAudit::check_withdrawal(Transaction& tx) {
  const std::string& member = tx.message->signer;
  const std::string id = tx.message->header.proposal_id.value_or("");
  ++counts_.withdrawals;
  tx.event.proposal = id;
  const ProposalRecord* before = find(tables_.proposals, id);
  if (before == nullptr || before->state != open_state) {
    return fault(tx, member, "withdraws proposal " + shortened(id) + ", which is not open");
  }
  if (before->proposer != member) {
    fault(tx, member, "withdraws proposal " + shortened(id) + " of " + before->proposer);
  }
}

// ----------------------------------------------------------------------------------------
// proposals

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

// ------------------------------------------------------------------------------------------
// members

void GovernanceAudit::check_acks(Transaction& tx) {
  for (const auto& [member, value] : tx.changes.of("members.acks")) {
    if (!value) continue;
    const auto after = AckRecord::parse(*value);
    if (!after) {
      fault(tx, member, "its acknowledgement cannot be read");
      continue;
    }
    const AckRecord* before = find(tables_.acks, member);
    const bool changed = before == nullptr || before->digest != after->digest;
    if (changed && !after->digest.empty() && !contains(signed_roots_, after->digest)) {
      fault(tx, member, "the digest to acknowledge is not the root of a signature before it");
    }
    if (changed && after->digest.empty() && !tx.creates_service) {
      fault(tx, member, "the digest to acknowledge is empty");
    }
    const bool signed_now =
        !after->message.empty() && (before == nullptr || before->message != after->message);
    if (signed_now) check_acknowledgement(tx, member, *after);
    const bool legacy = !after->legacy_message.empty() &&
                        (before == nullptr || before->legacy_message != after->legacy_message);
    if (!legacy) continue;
    if (cose_seen_) {
      fault(tx, member, "an acknowledgement of an old kind, after messages of the present kind");
    } else {
      tx.legacy = true;
      ++counts_.legacy_messages;
    }
  }
}

void GovernanceAudit::check_acknowledgement(Transaction& tx, const std::string& member,
                                            const AckRecord& ack) {
  const auto message = verified_message(tx, member, ack.message);
  if (!message) return;
  ++counts_.acknowledgements;
  if (message->header.type != message_type::ack) {
    fault(tx, member, "acknowledges with a message of type '" + message->header.type + "'");
  }
  if (json_text(as_text(*message->envelope.payload), "stateDigest") != ack.digest) {
    fault(tx, member, "acknowledges another digest than it was asked to");
  }
  tx.event.kind = AuditEvent::Kind::acknowledged;
  tx.event.member = member;
  tx.event.created_at = message->header.created_at;
  tx.has_event = true;
}

void GovernanceAudit::check_members(Transaction& tx) {
  if (tx.creates_service || !tx.accepted.empty()) return;
  const TableChanges& acks = tx.changes.of("members.acks");
  for (const auto& [member, value] : tx.changes.of("members.info")) {
    const MemberRecord* before = find(tables_.members, member);
    const auto after = value ? MemberRecord::parse(*value) : std::nullopt;
    // An acknowledgement makes a member active and changes nothing else of it.
    if (before == nullptr || !after || after->rest != before->rest ||
        after->status != active_status) {
      fault(tx, member, "its record changes without an accepted proposal");
    } else if (!acks.contains(member)) {
      fault(tx, member, "becomes active without an acknowledgement");
    }
  }
}

// ------------------------------------------------------------------------------------------
// effects

void GovernanceAudit::check_effects(Transaction& tx) {
  if (tx.creates_service || !tx.accepted.empty()) return;
  for (const std::string_view table : decided_tables) {
    if (tx.changes.of(table).empty()) continue;
    fault(tx, "",
          std::string(table) + " changes without an accepted proposal in the same transaction");
  }
}

void GovernanceAudit::check_nodes(Transaction& tx) {
  if (tx.creates_service || !tx.accepted.empty()) return;
  for (const auto& [node, value] : tx.changes.of("nodes.info")) {
    if (!value) continue;
    const std::string status = json_text(*value, "status");
    const std::string* before = find(tables_.node_status, node);
    const bool trusted = status == "Trusted";
    if (before == nullptr && trusted && tables_.service_status == "Open") {
      fault(tx, "", "node " + shortened(node) + " joins an open service without a proposal");
    }
    if (before == nullptr || *before == status) continue;
    fault(tx, "",
          "node " + shortened(node) + " goes from " + *before + " to " + status +
              " without an accepted proposal");
  }
}

void GovernanceAudit::check_service(Transaction& tx) {
  if (tx.creates_service || !tx.accepted.empty()) return;
  const auto info = tx.changes.single("service.info");
  if (!info) return;
  const std::string status = json_text(*info, "status");
  if (status == tables_.service_status) return;
  // The end of a recovery follows from the shares that members handed in.
  if (status == "Open" && tables_.service_status == "WaitingForRecoveryShares") return;
  fault(tx, "",
        "the service goes from " + tables_.service_status + " to " + status +
            " without an accepted proposal");
}

// --------------------------------------------------------------------------------------------
// events

void GovernanceAudit::describe(Transaction& tx) {
  AuditEvent& event = tx.event;
  event.txid = tx.txid;
  if (tx.creates_service) {
    event.kind =
        tx.txid.seqno == SeqNo{1} ? AuditEvent::Kind::created : AuditEvent::Kind::recovered;
    tx.has_event = true;
  } else if (tx.message) {
    const std::string& type = tx.message->header.type;
    event.kind = type == message_type::ballot       ? AuditEvent::Kind::voted
                 : type == message_type::withdrawal ? AuditEvent::Kind::withdrawn
                                                    : AuditEvent::Kind::proposed;
    event.member = tx.message->signer;
    event.created_at = tx.message->header.created_at;
    tx.has_event = true;
  } else if (tx.legacy && !tx.changes.of("history").empty()) {
    event.member = tx.changes.of("history").begin()->first;
    event.verified = false;
    for (const auto& [id, value] : tx.changes.of("proposals_info")) {
      if (value) event.proposal = id;
    }
    event.kind = tables_.proposals.contains(event.proposal) ? AuditEvent::Kind::voted
                                                            : AuditEvent::Kind::proposed;
    tx.has_event = true;
  }
  if (!tx.has_event) return;
  for (const auto& [id, value] : tx.changes.of("proposals_info")) {
    const auto after = value ? ProposalRecord::parse(*value) : std::nullopt;
    if (!after) continue;
    if (after->state == dropped_state && id != event.proposal) event.dropped.push_back(id);
    if (id != event.proposal) continue;
    event.state = after->state;
    event.votes = after->final_votes;
    event.vote_failures = after->vote_failures;
  }
  if (const auto fresh = tx.changes.of("proposals").find(event.proposal);
      fresh != tx.changes.of("proposals").end() && fresh->second) {
    event.actions = action_names(*fresh->second);
  } else if (const auto* known = find(tables_.actions, event.proposal)) {
    event.actions = *known;
  }
  if (!tx.accepted.empty() || tx.creates_service) {
    for (const auto& [table, rows] : tx.changes.tables()) {
      if (!contains(bookkeeping, table)) event.effects[table] = rows.size();
    }
  }
  if (seen_) seen_(event);
}

}  // namespace entente::gov
