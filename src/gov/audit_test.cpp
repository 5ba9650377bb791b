// The audit of decisions: ledgers that are in order, real and made here, and ledgers of which one
// transaction is forged although the ledger's own signatures are good.

#include "gov/audit.h"

#include <gtest/gtest.h>

#include "gov/audit_story.h"
#include "ledger/sample_ledgers.h"

namespace entente::gov {
namespace {

using test::as_json_text;
using test::Member;
using test::Story;
using test::table;
using test::TestLedger;
using test::Writes;
using Kind = AuditEvent::Kind;

std::string faults_text(const GovernanceAudit& audit) {
  std::string out;
  for (const AuditFault& fault : audit.faults()) {
    out += fault.txid.text() + " " + fault.member + ": " + fault.reason + "\n";
  }
  return out;
}

TEST(GovernanceAudit, TellsWhoDecidedWhat) {
  const Story story;
  std::vector<AuditEvent> events;
  const GovernanceAudit audit = story.audit(&events);
  EXPECT_EQ(faults_text(audit), "");
  EXPECT_EQ(audit.counts().messages, 8u);
  EXPECT_EQ(audit.counts().acknowledgements, 3u);
  ASSERT_EQ(events.size(), 9u);
  EXPECT_EQ(events[0].kind, Kind::created);
  EXPECT_EQ(events[1].kind, Kind::acknowledged);
  EXPECT_EQ(events[1].member, story.id(0));
  EXPECT_EQ(events[4].kind, Kind::proposed);
  EXPECT_EQ(events[4].proposal, story.first);
  EXPECT_EQ(events[4].actions, std::vector<std::string>{"set_user"});
  EXPECT_EQ(events[4].created_at, 1700000000u);
  const AuditEvent& decision = events[6];
  EXPECT_EQ(decision.kind, Kind::voted);
  EXPECT_EQ(decision.member, story.id(1));
  EXPECT_EQ(decision.state, "Accepted");
  EXPECT_EQ(decision.votes->size(), 2u);
  EXPECT_EQ(decision.effects, (std::map<std::string, size_t>{{"users.certs", 1}}));
  EXPECT_EQ(events[8].kind, Kind::withdrawn);
  EXPECT_EQ(events[8].state, "Withdrawn");
}

struct Forgery {
  const char* name;
  const char* step;
  Story::Forge forge;
  int member;          ///< whom the fault names; -1: nobody
  const char* reason;  ///< part of it
};

Writes::mapped_type& info_rows(Writes& writes) {
  return writes[table("proposals_info")];
}
Writes::mapped_type& history_rows(Writes& writes) {
  return writes[table("cose_history")];
}

const std::vector<Forgery>& forgeries() {
  static const std::vector<Forgery> all{
      {"a ballot of a member who signed nothing", "vote0",
       [](Story& s, Writes& w) {
         info_rows(w)[s.first] = json::dump(s.info("Open", 0, {0, 2}));
       },
       2, "without a signed message of this member"},
      {"a ballot without any message", "vote0",
       [](Story&, Writes& w) { w.erase(table("cose_history")); }, 0,
       "without a signed message of this member"},
      {"a ballot signed with another member's key", "vote0",
       [](Story& s, Writes& w) {
         const Member stranger;
         const auto forged =
             sign_message({"ballot", 1700000000, s.first}, as_bytes(s.ballot_payload(s.yes)),
                          stranger.certificate, stranger.key);
         s.history(w, 0, *forged);
       },
       0, "says that it is of"},
      {"a ballot whose signature is broken", "vote0",
       [](Story& s, Writes& w) {
         Bytes message = s.message(0, "ballot", s.ballot_payload(s.yes), s.first);
         message.back() ^= 1;
         s.history(w, 0, message);
       },
       0, "the signature of its ballot is not valid"},
      {"another ballot than the one that was signed", "vote0",
       [](Story& s, Writes& w) {
         s.history(w, 0, s.message(0, "ballot", s.ballot_payload("no"), s.first));
       },
       0, "is not what was signed"},
      {"a ballot for another proposal", "vote0",
       [](Story& s, Writes& w) {
         s.history(w, 0, s.message(0, "ballot", s.ballot_payload(s.yes), std::string(64, 'e')));
       },
       0, "which is not open"},
      {"a ballot of somebody who is no member", "vote0",
       [](Story& s, Writes& w) {
         const Member stranger;
         w.erase(table("cose_history"));
         const auto forged =
             sign_message({"ballot", 1700000000, s.first}, as_bytes(s.ballot_payload(s.yes)),
                          stranger.certificate, stranger.key);
         history_rows(w)[stranger.id()] = as_json_text(to_base64(*forged));
       },
       0, "without a signed message of this member"},
      {"a ballot that is changed later", "vote1",
       [](Story& s, Writes& w) {
         json::object info = json::parse(*info_rows(w)[s.first])->as_object();
         info["ballots"].as_object()[s.id(0)] = "another";
         info_rows(w)[s.first] = json::dump(info);
       },
       0, "is changed"},
      {"a ballot that disappears", "vote1",
       [](Story& s, Writes& w) {
         json::object info = s.info("Open", 0, {1});
         info_rows(w)[s.first] = json::dump(info);
       },
       0, "disappears"},
      {"a message that is no message", "vote0",
       [](Story& s, Writes& w) {
         s.history(w, 0, Bytes{1, 2, 3});
       },
       0, "cannot be read"},
      {"a message that is not base64", "vote0",
       [](Story& s, Writes& w) { history_rows(w)[s.id(0)] = as_json_text("***"); }, 0,
       "not base64"},
      {"a message that is no text", "vote0",
       [](Story& s, Writes& w) { history_rows(w)[s.id(0)] = "7"; }, 0, "no JSON string"},
      {"two messages at once", "vote0",
       [](Story& s, Writes& w) {
         s.history(w, 1, s.message(1, "ballot", s.ballot_payload(s.yes), s.first));
       },
       -2, "a second message in the same transaction"},
      {"a message of another type", "vote0",
       [](Story& s, Writes& w) { s.history(w, 0, s.message(0, "state_digest", "")); }, 0,
       "among those that decide"},
      {"a proposal that nobody signed", "propose",
       [](Story&, Writes& w) { w.erase(table("cose_history")); }, 0,
       "appears without a signed message"},
      {"another proposal than the one that was signed", "propose",
       [](Story& s, Writes& w) { w[table("proposals")][s.first] = "{}"; }, 0,
       "is not what was signed"},
      {"a proposal under an id of somebody's choice", "propose",
       [](Story& s, Writes& w) {
         const std::string chosen(64, 'c');
         w[table("proposals")] = {{chosen, s.content}};
         info_rows(w) = {{chosen, json::dump(s.info("Open", 0, {}))}};
       },
       0, "does not follow from the ledger and the signature"},
      {"a proposal of somebody else", "propose",
       [](Story& s, Writes& w) { info_rows(w)[s.first] = json::dump(s.info("Open", 1, {})); }, 0,
       "is recorded as that of"},
      {"a proposal that could be sent again", "propose",
       [](Story&, Writes& w) { w.erase(table("cose_recent_proposals")); }, 0,
       "is not noted against being sent again"},
      {"a proposal with a ballot at once", "propose",
       [](Story& s, Writes& w) { info_rows(w)[s.first] = json::dump(s.info("Open", 0, {1})); }, 1,
       "without a signed message of this member"},
      {"an outcome without votes", "vote1",
       [](Story& s, Writes& w) {
         info_rows(w)[s.first] = json::dump(s.info("Accepted", 0, {0, 1}));
       },
       0, "ends without final votes"},
      {"an outcome that leaves out a vote", "vote1",
       [](Story& s, Writes& w) {
         json::object info = s.info("Accepted", 0, {0, 1});
         info["final_votes"] = json::object{{s.id(0), true}};
         info["vote_failures"] = json::object{};
         info_rows(w)[s.first] = json::dump(info);
       },
       1, "is not among the final votes"},
      {"an outcome with a vote of nobody", "vote1",
       [](Story& s, Writes& w) {
         json::object info = json::parse(*info_rows(w)[s.first])->as_object();
         info["final_votes"].as_object()[s.id(2)] = true;
         info_rows(w)[s.first] = json::dump(info);
       },
       2, "without a ballot"},
      {"an effect before the decision", "vote0",
       [](Story&, Writes& w) { w[table("users.certs")]["9"] = "PEM"; }, -1,
       "users.certs changes without an accepted proposal"},
      {"an effect out of nowhere", "update1",
       [](Story&, Writes& w) { w[table("constitution")][std::string(8, '\0')] = "\"\""; }, -1,
       "constitution changes without an accepted proposal"},
      {"another state that nobody asked for", "propose2",
       [](Story& s, Writes& w) {
         info_rows(w)[s.first] = json::dump(s.info("Open", 0, {0, 1}));
       },
       0, "goes from Accepted to Open"},
      {"an open proposal that is removed", "vote0",
       [](Story& s, Writes& w) { info_rows(w)[s.first] = std::nullopt; }, 0, "disappears"},
      {"a proposal that is dropped for nothing", "vote0",
       [](Story& s, Writes& w) { info_rows(w)[s.first] = json::dump(s.info("Dropped", 0, {0})); },
       0, "though nothing was accepted"},
      {"the withdrawal of somebody else's proposal", "withdraw",
       [](Story& s, Writes& w) {
         w.erase(table("cose_history"));
         s.history(w, 1, s.message(1, "withdrawal", "", s.second));
       },
       1, "withdraws proposal"},
      {"a withdrawal that nobody signed", "withdraw",
       [](Story&, Writes& w) { w.erase(table("cose_history")); }, 2,
       "without a signed message of its proposer"},
      {"a member who never acknowledged", "update1",
       [](Story& s, Writes& w) { w[table("members.info")][s.id(2)] = R"({"status":"Active"})"; }, 2,
       "becomes active without an acknowledgement"},
      {"an acknowledgement that brings data along", "ack1",
       [](Story& s, Writes& w) {
         w[table("members.info")][s.id(1)] =
             R"({"member_data":{"is_operator":true},"status":"Active"})";
       },
       1, "its record changes without an accepted proposal"},
      {"an acknowledgement of another state", "ack1",
       [](Story& s, Writes& w) {
         const Bytes message = s.message(1, "ack", R"({"stateDigest":"00"})");
         json::object row = json::parse(*w[table("members.acks")][s.id(1)])->as_object();
         row["cose_sign1_req"] = to_base64(message);
         w[table("members.acks")][s.id(1)] = json::dump(row);
       },
       1, "acknowledges another digest"},
      {"a digest that no signature signed", "update1",
       [](Story& s, Writes& w) {
         w[table("members.acks")][s.id(1)] = R"({"state_digest":")" + std::string(64, '0') + "\"}";
       },
       1, "is not the root of a signature before it"},
      {"a member from nowhere", "update1",
       [](Story&, Writes& w) {
         const Member stranger;
         w[table("members.certs")][stranger.id()] = stranger.certificate.pem();
       },
       -1, "members.certs changes without an accepted proposal"},
      {"a service that opens by itself", "update1",
       [](Story& s, Writes& w) {
         w[TestLedger::service_info][std::string(8, '\0')] = s.ledger.info("Open");
       },
       -1, "the service goes from Opening to Open"},
      {"a node that is retired by nobody", "update1",
       [](Story& s, Writes& w) {
         w[TestLedger::nodes_info][s.ledger.node.id()] =
             TestLedger::node_info(s.ledger.node, "Retired");
       },
       -1, "goes from Trusted to Retired"},
      {"a signature of an old kind", "propose2",
       [](Story& s, Writes& w) {
         w.erase(table("cose_history"));
         w[table("history")][s.id(2)] = "{}";
       },
       2, "a signature of an old kind"},
  };
  return all;
}

TEST(GovernanceAudit, NamesEveryForgery) {
  for (const Forgery& one : forgeries()) {
    SCOPED_TRACE(one.name);
    const Story story(one.step, one.forge);
    const GovernanceAudit audit = story.audit();
    ASSERT_FALSE(audit.faults().empty());
    const bool named =
        std::any_of(audit.faults().begin(), audit.faults().end(), [&](const AuditFault& fault) {
          const bool member =
              one.member == -2 ||
              fault.member ==
                  (one.member == -1 ? std::string() : story.id(static_cast<size_t>(one.member)));
          return member && fault.txid == story.steps.at(one.step) &&
                 fault.reason.find(one.reason) != std::string::npos;
        });
    EXPECT_TRUE(named) << faults_text(audit);
  }
}

TEST(GovernanceAudit, KeepsABoundedNumberOfFaults) {
  const Story story;
  GovernanceAudit audit;
  const std::string users = table("users.certs");
  const Bytes key{1}, value{2};
  kv::WriteSet writes{{users, {{key, BytesView(value)}}}};
  for (uint64_t i = 1; i < GovernanceAudit::most_faults + 100; ++i) {
    audit.entry({{first_view, SeqNo{i}}, writes, Digest{}});
  }
  EXPECT_EQ(audit.faults().size(), GovernanceAudit::most_faults);
}

struct Sample {
  const char* name;
  AuditCounts counts;
};

TEST(GovernanceAudit, RealLedgersAreInOrder) {
  ENTENTE_NEEDS_SAMPLE_LEDGERS();
  const Sample samples[] = {{"acme_containing_service", {6, 0, 1, 2, 0, 3}},
                            {"cose_flipflop_service", {7, 0, 3, 3, 0, 1}},
                            {"double_sealed_service", {12, 0, 3, 6, 0, 3}},
                            {"expired_service", {15, 6, 4, 8, 0, 3}},
                            {"ref7_recovered", {32, 0, 7, 21, 0, 4}},
                            {"sgx_service_prefix", {0, 27, 0, 0, 0, 0}}};
  for (const Sample& sample : samples) {
    SCOPED_TRACE(sample.name);
    GovernanceAudit audit;
    ledger::VerifyOptions options;
    options.folders = {(*ledger::samples::folder() / sample.name / "ledger").string()};
    options.on_entry = [&](const ledger::VerifiedEntry& entry) { audit.entry(entry); };
    const auto report = ledger::verify_ledger(system_disk(), options);
    EXPECT_TRUE(report.ok()) << report.failure->text();
    EXPECT_EQ(faults_text(audit), "");
    EXPECT_EQ(audit.counts().messages, sample.counts.messages);
    EXPECT_EQ(audit.counts().legacy_messages, sample.counts.legacy_messages);
    EXPECT_EQ(audit.counts().proposals, sample.counts.proposals);
    EXPECT_EQ(audit.counts().ballots, sample.counts.ballots);
    EXPECT_EQ(audit.counts().acknowledgements, sample.counts.acknowledgements);
  }
}

}  // namespace
}  // namespace entente::gov
