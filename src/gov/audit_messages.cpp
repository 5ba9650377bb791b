// What members signed: each message against the member's certificate and against what was stored.

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "gov/audit.h"
#include "gov/audit_words.h"
#include "gov/replay_window.h"

namespace entente::gov {

using namespace audit_words;

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

}  // namespace entente::gov
