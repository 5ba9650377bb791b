#pragma once
// Who decided what, out of the public tables of a ledger, entry by entry: every message of a member
// is verified, and everything that only members may change is traced to such a message. Pure; the
// ledger's own hashes and signatures are checked by who feeds it (ledger/verify.h).
// Source: docs/governance.md (auditing decisions).

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gov/audit_tables.h"
#include "gov/signed_message.h"
#include "ledger/merkle.h"
#include "ledger/verify.h"

namespace entente::gov {

/// A rule that the ledger breaks.
struct AuditFault {
  TxId txid;
  std::string member;  ///< whom it concerns; empty if nobody in particular
  std::string reason;
};

/// One step of governance.
struct AuditEvent {
  enum class Kind : uint8_t { created, recovered, proposed, voted, withdrawn, acknowledged };
  Kind kind = Kind::proposed;
  TxId txid;
  std::string member;                  ///< who signed
  std::optional<uint64_t> created_at;  ///< as the member wrote it
  std::string proposal;
  std::string state;                                 ///< of the proposal after this transaction
  std::vector<std::string> actions;                  ///< of the proposal, by name
  std::optional<std::map<std::string, bool>> votes;  ///< once decided
  std::map<std::string, std::string> vote_failures;  ///< member → reason
  std::vector<std::string> dropped;                  ///< proposals that this decision dropped
  std::map<std::string, size_t> effects;  ///< table → rows written or removed by the decision
  bool verified = true;                   ///< false: an old release's signature, not checked here
};

struct AuditCounts {
  uint64_t messages = 0;         ///< verified
  uint64_t legacy_messages = 0;  ///< of releases that signed HTTP requests; not verified
  uint64_t proposals = 0, ballots = 0, withdrawals = 0, acknowledgements = 0;
};

class GovernanceAudit {
 public:
  /// At most this many faults are kept.
  static constexpr size_t most_faults = 1000;
  /// A proposal reads a version of the ledger that is at most so many transactions old.
  static constexpr uint64_t most_behind = 10000;

  explicit GovernanceAudit(std::function<void(const AuditEvent&)> seen = {});

  /// Each entry from seqno 1 on, in order.
  void entry(const ledger::VerifiedEntry& entry);

  const std::vector<AuditFault>& faults() const { return faults_; }
  const std::vector<std::string>& warnings() const { return warnings_; }
  const AuditCounts& counts() const { return counts_; }
  const AuditTables& tables() const { return tables_; }

 private:
  /// What is known of the transaction that is looked at.
  struct Transaction {
    TxId txid;
    const AuditChanges& changes;
    bool creates_service = false;
    bool legacy = false;  ///< its message is of an old release
    std::optional<ReadMessage> message;
    std::set<std::string> accepted;  ///< proposals
    bool decided = false;            ///< some proposal ended
    AuditEvent event;
    bool has_event = false;
  };

  void fault(const Transaction& tx, const std::string& member, std::string reason);
  std::optional<ReadMessage> verified_message(const Transaction& tx, const std::string& member,
                                              std::string_view base64);
  void read_messages(Transaction& tx);
  void check_message(Transaction& tx);
  void check_proposal(Transaction& tx);
  void check_proposal_id(Transaction& tx, const std::string& id);
  void check_ballot(Transaction& tx);
  void check_withdrawal(Transaction& tx);
  void find_decisions(Transaction& tx);
  void check_records(Transaction& tx);
  void check_ballots(Transaction& tx, const std::string& id, const ProposalRecord* before,
                     const ProposalRecord& after);
  void check_state(Transaction& tx, const std::string& id, const ProposalRecord* before,
                   const ProposalRecord& after);
  void check_outcome(Transaction& tx, const std::string& id, const ProposalRecord& after);
  void check_removals(Transaction& tx);
  void check_acks(Transaction& tx);
  void check_acknowledgement(Transaction& tx, const std::string& member, const AckRecord& ack);
  void check_members(Transaction& tx);
  void check_effects(Transaction& tx);
  void check_nodes(Transaction& tx);
  void check_service(Transaction& tx);
  void describe(Transaction& tx);

  std::function<void(const AuditEvent&)> seen_;
  AuditTables tables_;
  ledger::MerkleTree tree_;
  std::deque<std::string> signed_roots_;  ///< the newest, hex
  bool cose_seen_ = false;
  std::vector<AuditFault> faults_;
  std::vector<std::string> warnings_;
  AuditCounts counts_;
};

}  // namespace entente::gov
