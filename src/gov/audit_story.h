#pragma once
// For tests: the ledger of a small service in which members acknowledge, propose, vote and
// withdraw, with one step forged if wanted.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"
#include "crypto/x509_issue.h"
#include "gov/audit.h"
#include "gov/replay_window.h"
#include "gov/signed_message.h"
#include "ledger/test_ledger.h"

namespace entente::gov::test {

using ledger::test::TestLedger;
using Writes = TestLedger::Writes;

/// A member with its key.
struct Member {
  crypto::KeyPair key = crypto::KeyPair::generate(crypto::Curve::p256);
  crypto::Certificate certificate =
      *crypto::self_signed_identity(key, "CN=member", {UnixTime(1700000000)});
  const std::string& id() const { return certificate.id(); }
};

inline std::string table(std::string_view name) {
  return "public:ccf.gov." + std::string(name);
}
inline std::string as_json_text(std::string_view text) {
  return json::dump(json::value(text));
}

/// A service of three members in which one proposal is accepted and one withdrawn. `forge` may
/// change what the step of that name writes; the ledger signs it all the same.
class Story {
 public:
  using Forge = std::function<void(Story&, Writes&)>;
  explicit Story(std::string forged_step = "", Forge forge = {})
      : forged_step_(std::move(forged_step)), forge_(std::move(forge)) {
    tell();
  }

  std::vector<Member> members = std::vector<Member>(3);
  std::string first, second;  ///< ids of the proposals
  const std::string content = R"({"actions":[{"name":"set_user","args":{}}]})";
  const std::string yes = "export function vote() { return true; }";
  TestLedger ledger;
  std::map<std::string, TxId> steps;

  const std::string& id(size_t member) const { return members[member].id(); }
  Bytes message(size_t member, std::string type, std::string_view payload,
                std::optional<std::string> proposal = {}) {
    const Member& m = members[member];
    return *sign_message({std::move(type), 1700000000, std::move(proposal)}, as_bytes(payload),
                         m.certificate, m.key);
  }
  std::string ballot_payload(std::string_view ballot) {
    return json::dump(json::object{{"ballot", ballot}});
  }
  /// A row of proposals_info, with ballots of these members.
  json::object info(const char* state, size_t proposer, const std::vector<size_t>& voters) {
    json::object ballots;
    for (const size_t one : voters) ballots[id(one)] = yes;
    return {{"proposer_id", id(proposer)}, {"state", state}, {"ballots", ballots}};
  }
  void history(Writes& writes, size_t member, const Bytes& message) {
    writes[table("cose_history")][id(member)] = as_json_text(to_base64(message));
  }

  /// What the audit of all entries finds.
  GovernanceAudit audit(std::vector<AuditEvent>* events = nullptr) const {
    GovernanceAudit out([events](const AuditEvent& event) {
      if (events != nullptr) events->push_back(event);
    });
    for (const Bytes& bytes : ledger.entries) {
      const auto entry = ledger::parse_entry(bytes);
      const auto maps = ledger::read_maps(entry->public_maps);
      out.entry({entry->txid, *maps, ledger::entry_leaf(*entry, crypto::sha256(bytes))});
    }
    return out;
  }

 private:
  void add(const std::string& step, Writes writes) {
    if (forge_ && step == forged_step_) forge_(*this, writes);
    steps[step] = ledger.add(std::move(writes));
  }

  void begin() {
    ledger.alter_writes = [this](Writes& writes) {
      writes[table("members.info")].clear();
      for (const Member& one : members) {
        writes[table("members.info")][one.id()] = R"({"status":"Accepted"})";
        writes[table("members.certs")][one.id()] = one.certificate.pem();
        writes[table("members.acks")][one.id()] = R"({"state_digest":""})";
      }
      if (forge_ && forged_step_ == "genesis") forge_(*this, writes);
    };
    steps["genesis"] = ledger.genesis();
    ledger.sign();
  }

  void acknowledge(size_t member) {
    const std::string number = std::to_string(member), digest = ledger.last_root.hex();
    const auto ack = [&](std::string_view message) {
      json::object row{{"state_digest", digest}};
      if (!message.empty()) row["cose_sign1_req"] = message;
      return json::dump(row);
    };
    add("update" + number, {{table("members.acks"), {{id(member), ack("")}}}});
    const Bytes signed_ack =
        message(member, "ack", json::dump(json::object{{"stateDigest", digest}}));
    add("ack" + number, {{table("members.acks"), {{id(member), ack(to_base64(signed_ack))}}},
                         {table("members.info"), {{id(member), R"({"status":"Active"})"}}}});
  }

  std::string propose(const std::string& step, size_t member, Writes writes) {
    const Bytes envelope = message(member, "proposal", content + (step == "propose" ? "" : " "));
    const auto read = read_message(envelope);
    const Digest signature = crypto::sha256(read->envelope.signature);
    Bytes both = to_bytes(BytesView(ledger.tree.root()));
    append(both, signature);
    const std::string proposal = crypto::sha256(both).hex();
    writes[table("proposals")][proposal] = to_text(*read->envelope.payload);
    writes[table("proposals_info")][proposal] = json::dump(info("Open", member, {}));
    writes[table("cose_recent_proposals")][window_key(1700000000, signature)] =
        as_json_text(proposal);
    history(writes, member, envelope);
    (step == "propose" ? first : second) = proposal;
    add(step, std::move(writes));
    return proposal;
  }

  void vote(const std::string& step, size_t member, json::object info, Writes writes) {
    writes[table("proposals_info")][first] = json::dump(info);
    history(writes, member, message(member, "ballot", ballot_payload(yes), first));
    add(step, std::move(writes));
  }

  void tell() {
    begin();
    for (size_t i = 0; i < members.size(); ++i) acknowledge(i);
    ledger.sign();
    propose("propose", 0, {});
    ledger.sign();
    vote("vote0", 0, info("Open", 0, {0}), {});
    json::object accepted = info("Accepted", 0, {0, 1});
    accepted["final_votes"] = json::object{{id(0), true}, {id(1), true}};
    accepted["vote_failures"] = json::object{};
    vote("vote1", 1, accepted, {{table("users.certs"), {{std::string(64, '9'), "PEM"}}}});
    propose("propose2", 2, {});
    Writes withdrawal{{table("proposals_info"),
                       {{second, json::dump(info("Withdrawn", 2, {}))}, {first, std::nullopt}}},
                      {table("proposals"), {{first, std::nullopt}}}};
    history(withdrawal, 2, message(2, "withdrawal", "", second));
    add("withdraw", std::move(withdrawal));
    ledger.sign();
  }

  std::string forged_step_;
  Forge forge_;
};

}  // namespace entente::gov::test
