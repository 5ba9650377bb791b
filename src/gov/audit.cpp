#include "gov/audit.h"

#include "gov/audit_words.h"

namespace entente::gov {

using namespace audit_words;

namespace {

/// A digest of the state that a member acknowledges is the root of one of so many last signatures.
constexpr size_t most_roots = 1000;

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

// ----------------------------------------------------------------------------------------- members

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

// ----------------------------------------------------------------------------------------- effects

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

// ------------------------------------------------------------------------------------------ events

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
