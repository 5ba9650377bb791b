#pragma once
// Those tables of governance that an audit follows, and what one transaction changes in them. Rows
// are hostile: what cannot be read is reported, not believed.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/write_set.h"

namespace entente::gov {

/// A row of `proposals_info`, with those fields of old releases that are still meant the same.
struct ProposalRecord {
  std::string proposer, state;
  std::map<std::string, std::string> ballots;  ///< member → source
  std::optional<std::map<std::string, bool>> final_votes;
  std::map<std::string, std::string> vote_failures;  ///< member → reason
  static std::optional<ProposalRecord> parse(std::string_view json);
};

/// A row of `members.info`.
struct MemberRecord {
  std::string status;  ///< `Accepted`, `Active`
  std::string rest;    ///< everything else, as canonical JSON
  static std::optional<MemberRecord> parse(std::string_view json);
};

/// A row of `members.acks`.
struct AckRecord {
  std::string digest;          ///< hex, or empty
  std::string message;         ///< base64 of a signed message, or empty
  std::string legacy_message;  ///< of releases that signed HTTP requests
  static std::optional<AckRecord> parse(std::string_view json);
};

/// Key → value; nullopt: the row was removed.
using TableChanges = std::map<std::string, std::optional<std::string>>;

/// What one transaction writes, by table, names without `public:ccf.gov.`.
class AuditChanges {
 public:
  explicit AuditChanges(const kv::WriteSet& public_maps);

  const std::map<std::string, TableChanges>& tables() const { return tables_; }
  const TableChanges& of(std::string_view table) const;
  /// Of single-value tables.
  std::optional<std::string> single(std::string_view table) const;
  bool empty() const { return tables_.empty(); }
  /// Root that a signature of this transaction signs, hex; empty if it is none.
  const std::string& signed_root() const { return signed_root_; }

 private:
  std::map<std::string, TableChanges> tables_;
  std::string signed_root_;
};

/// The state before the transaction that is looked at.
struct AuditTables {
  std::map<std::string, std::string> certificates;  ///< member → PEM
  std::map<std::string, MemberRecord> members;      ///< by id
  std::map<std::string, AckRecord> acks;
  std::map<std::string, ProposalRecord> proposals;
  std::map<std::string, std::vector<std::string>> actions;  ///< proposal → names of its actions
  std::map<std::string, std::string> node_status;
  std::string service_status;

  void apply(const AuditChanges& changes);
};

/// Text field of a JSON object; empty if there is none.
std::string json_text(std::string_view json, std::string_view field);
/// Names of the actions in a proposal; empty for what is none.
std::vector<std::string> action_names(std::string_view proposal);

}  // namespace entente::gov
