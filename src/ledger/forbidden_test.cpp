// Ledgers whose writer had the keys and broke one rule: everything is signed and hashed as it
// should be, so only the rule itself can refuse them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger/entry_fields.h"
#include "ledger/ledger_image.h"
#include "ledger/verify.h"

namespace entente::ledger {
namespace {

using test::LedgerImage;
using test::TestLedger;
using test::TestNode;
using test::TestService;
using testing::HasSubstr;

/// A service that was created and signed once: entries 1 and 2.
TestLedger begun() {
  TestLedger ledger;
  ledger.genesis();
  ledger.sign();
  return ledger;
}
/// One that is open: entries 1 to 4.
TestLedger opened() {
  TestLedger ledger = begun();
  ledger.open_service();
  ledger.sign();
  return ledger;
}

VerifyReport verify(const TestLedger& ledger, bool with_secrets = false) {
  MemoryDisk disk;
  LedgerImage::of(ledger).write(disk);
  VerifyOptions options;
  options.folders = {LedgerImage::folder};
  if (with_secrets) options.secrets = *ledger.secrets;
  return verify_ledger(disk, options);
}

struct Case {
  const char* name;
  std::function<TestLedger()> make;
  const char* says;
  uint64_t seqno;
  bool with_secrets = false;
};

/// `member` of the JSON value of `map` in the next service entry.
void set_member(TestLedger& ledger, const std::string& map, std::string_view member,
                const json::value& value) {
  ledger.alter_writes = [=](TestLedger::Writes& writes) {
    std::string& text = *writes[map].begin()->second;
    json::value document = *json::parse(text);
    document.as_object()[member] = value;
    text = json::dump(document);
  };
}

TestLedger with_status(TestLedger ledger, const std::string& status) {
  ledger.add({{TestLedger::service_info, {{TestLedger::unit(), ledger.info(status)}}}});
  ledger.sign();
  return ledger;
}

/// Ready for the entry that recovers the service: 1 to 4, then 5.
TestLedger before_recovery() {
  return opened();
}

const std::string endorsement_map(maps::previous_service_identity_endorsement);

const std::vector<Case>& cases() {
  static const TestService other;
  static const std::vector<Case> all = {
      // service.info
      {"open without waiting after recovering",
       [] {
         TestLedger ledger = before_recovery();
         ledger.recover();
         ledger.sign();
         return with_status(ledger, "Open");
       },
       "status: Open after Recovering is forbidden", 7},
      {"waiting for shares while open",
       [] { return with_status(opened(), "WaitingForRecoveryShares"); },
       "status: WaitingForRecoveryShares after Open is forbidden", 5},
      {"recovering while opening", [] { return with_status(begun(), "Recovering"); },
       "status: Recovering after Opening is forbidden", 3},
      {"recovering with the old key", [] { return with_status(opened(), "Recovering"); },
       "a recovered service needs a new key", 5},
      {"another service key without a new service",
       [] {
         TestLedger ledger = begun();
         set_member(ledger, TestLedger::service_info, "cert", json::value(other.certificate.pem()));
         return with_status(ledger, "Open");
       },
       "cert: the service key changes", 3},
      {"a service certificate not signed by itself",
       [] {
         TestLedger ledger;
         ledger.service.certificate = test::must(
             crypto::endorse_service(ledger.service.key.public_key(), "CN=Test Service", other.key,
                                     other.certificate, {UnixTime(1700000000)}));
         ledger.genesis();
         ledger.sign();
         return ledger;
       },
       "", 1},
      {"another creating transaction at the genesis",
       [] {
         TestLedger ledger;
         set_member(ledger, TestLedger::service_info, "current_service_create_txid", "2.3");
         ledger.genesis();
         ledger.sign();
         return ledger;
       },
       "current_service_create_txid", 1},
      {"another creating transaction later",
       [] {
         TestLedger ledger = begun();
         ledger.created = {{2}, {2}};
         return with_status(ledger, "Open");
       },
       "current_service_create_txid", 3},
      {"a recovery count out of nowhere",
       [] {
         TestLedger ledger = begun();
         ledger.recoveries = 1;
         return with_status(ledger, "Open");
       },
       "recovery_count", 3},
      {"a recovery count at the genesis",
       [] {
         TestLedger ledger;
         ledger.recoveries = 3;
         ledger.genesis();
         ledger.sign();
         return ledger;
       },
       "recovery_count: is 3, expected 0", 1},
      {"service.info under another key",
       [] {
         TestLedger ledger = begun();
         ledger.add({{TestLedger::service_info, {{"other", ledger.info("Open")}}}});
         return ledger;
       },
       "more than its one key", 3},
      {"service.info that is no JSON",
       [] {
         TestLedger ledger = begun();
         ledger.add({{TestLedger::service_info, {{TestLedger::unit(), "{"}}}});
         return ledger;
       },
       "service.info", 3},

      // nodes
      {"a node certificate by another service",
       [] {
         TestLedger ledger = begun();
         ledger.join(TestNode(other));
         return ledger;
       },
       "certificate: is not signed by the service", 3},
      {"the certificate of another node",
       [] {
         TestLedger ledger = begun();
         TestNode joiner(ledger.service);
         joiner.certificate = TestNode(ledger.service).certificate;
         ledger.join(joiner);
         return ledger;
       },
       "its key is not that of the node id", 3},
      {"the public key of another node",
       [] {
         TestLedger ledger = begun();
         const TestNode joiner(ledger.service);
         ledger.add({{TestLedger::nodes_info,
                      {{joiner.id(), TestLedger::node_info(ledger.node, "Trusted")}}}});
         return ledger;
       },
       "public_key: is not that of the node id", 3},
      {"a certificate for a node that never joined",
       [] {
         TestLedger ledger = begun();
         const TestNode joiner(ledger.service);
         ledger.add({{TestLedger::certificates, {{joiner.id(), joiner.certificate}}}});
         return ledger;
       },
       "of a node without nodes.info", 3},
      {"a node status that does not exist",
       [] {
         TestLedger ledger = begun();
         ledger.join(TestNode(ledger.service), "Cunning");
         return ledger;
       },
       "status: unknown value", 3},
      {"a pending node signs",
       [] {
         TestLedger ledger = begun();
         const TestNode joiner(ledger.service);
         ledger.join(joiner, "Pending");
         ledger.node = joiner;
         ledger.sign();
         return ledger;
       },
       "node: is only pending", 4},
      {"a node that never joined signs",
       [] {
         TestLedger ledger = begun();
         ledger.node = TestNode(ledger.service);
         ledger.sign();
         return ledger;
       },
       "is unknown", 3},
      {"a removed node signs",
       [] {
         TestLedger ledger = begun();
         const TestNode joiner(ledger.service);
         ledger.join(joiner);
         ledger.sign();
         ledger.add({{TestLedger::certificates, {{joiner.id(), std::nullopt}}},
                     {TestLedger::nodes_info, {{joiner.id(), std::nullopt}}}});
         ledger.node = joiner;
         ledger.sign();
         return ledger;
       },
       "is unknown", 6},
      {"a node signs in another's name",
       [] {
         TestLedger ledger = begun();
         const TestNode joiner(ledger.service);
         ledger.join(joiner);
         const std::string name = ledger.node.id();
         ledger.node = joiner;
         ledger.alter_signature = [name](SignatureValues& values) {
           json::value document = *json::parse(values.node_signature);
           document.as_object()["node"] = name;
           values.node_signature = json::dump(document);
         };
         ledger.sign();
         return ledger;
       },
       "signatures: cert", 4},
      {"another service key in the COSE signature",
       [] {
         TestLedger ledger = begun();
         ledger.sign_as = Signer{ledger.node.key, ledger.node.certificate, other.key, "", ""};
         ledger.sign();
         return ledger;
       },
       "cose_signatures: COSE protected header: kid", 3},

      // signature transactions
      {"a signature beside another map",
       [] {
         TestLedger ledger = begun();
         ledger.beside_signature = {{"public:log", {{"1", "x"}}}};
         ledger.sign();
         return ledger;
       },
       "signature transaction", 3},
      {"a signature beside a private map",
       [] {
         TestLedger ledger = begun();
         ledger.beside_signature = {{"log", {{"1", "x"}}}};
         ledger.sign();
         return ledger;
       },
       "private domain: in a signature", 3},
      {"a signature with claims",
       [] {
         TestLedger ledger = begun();
         ledger.claims = crypto::sha256(as_bytes("x"));
         ledger.sign();
         return ledger;
       },
       "claims digest: in a signature", 3},
      {"a signature without a tree",
       [] {
         TestLedger ledger = begun();
         ledger.alter_signature = [](SignatureValues& values) { values.tree.clear(); };
         ledger.sign();
         return ledger;
       },
       "tree: missing", 3},
      {"a tree that leaves out entries since the last signature",
       [] {
         TestLedger ledger = begun();
         ledger.write("public:log", "1", "x");
         ledger.write("public:log", "2", "x");
         ledger.tree_from = 4;
         ledger.sign();
         return ledger;
       },
       "tree: first leaf: 4", 5},
      {"a COSE signature alone",
       [] {
         TestLedger ledger = begun();
         ledger.add({{std::string(maps::cose_signatures), {{TestLedger::unit(), "\"\""}}}});
         return ledger;
       },
       "cose_signatures: without a node signature", 3},
      {"another transaction id in the COSE signature",
       [] {
         TestLedger ledger = begun();
         const MerkleTree tree = ledger.tree;
         const Signer signer{ledger.node.key, ledger.node.certificate, ledger.service.key, "", ""};
         const auto values = sign_root(signer, {{4}, {3}}, tree, 2, UnixTime(0));
         ledger.alter_signature = [values](SignatureValues& original) {
           original.cose_signature = values.cose_signature;
         };
         ledger.sign();
         return ledger;
       },
       "cose_signatures: ccf.v1 txid", 3},
      {"a root that is not that of the entries",
       [] {
         TestLedger ledger = begun();
         ledger.alter_signature = [](SignatureValues& values) {
           json::value document = *json::parse(values.node_signature);
           document.as_object()["root"] = std::string(64, 'a');
           values.node_signature = json::dump(document);
         };
         ledger.sign();
         return ledger;
       },
       "root", 3},

      // order, framing
      {"a seqno left out",
       [] {
         TestLedger ledger = begun();
         ledger.seal_as_seqno = 4;
         ledger.write("public:log", "1", "x");
         return ledger;
       },
       "seqno: is 4 where 3 is next", 3},
      {"a view that goes back",
       [] {
         TestLedger ledger;
         ledger.view = {3};
         ledger.genesis();
         ledger.sign();
         ledger.view = {2};
         ledger.sign();
         return ledger;
       },
       "view: goes back from 3 to 2", 3},
      {"a view that begins in the middle",
       [] {
         TestLedger ledger = begun();
         ledger.write("public:log", "1", "x");
         ledger.view = {3};
         ledger.sign();
         return ledger;
       },
       "view: a new one begins, but not after a signature", 4},
      {"the close flag on a write",
       [] {
         TestLedger ledger = begun();
         ledger.write("public:log", "1", "x", close_chunk_after);
         ledger.sign();
         return ledger;
       },
       "flags: 0x01", 3},
      {"the close-before flag after a write",
       [] {
         TestLedger ledger = begun();
         ledger.write("public:log", "1", "x");
         ledger.write("public:log", "1", "x", close_chunk_before);
         ledger.sign();
         return ledger;
       },
       "chunk end: the last entry is not a signature", 3},
      {"a reserved field that is not 0",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [](Bytes& entry) { entry[44 + 1 + 8 + 64] = 1; };
         ledger.write("public:log", "1", "x");
         ledger.sign();
         return ledger;
       },
       "reserved field", 3},
      {"an old entry type in a new service",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [](Bytes& entry) {
           entry.erase(entry.begin() + 53, entry.begin() + 85);
           entry[44] = 3;
           entry[2] -= 32;
           entry[36] -= 32;
         };
         ledger.write("public:log", "1", "x");
         ledger.sign();
         return ledger;
       },
       "entry type: 3", 3},
      {"maps out of order",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [](Bytes& entry) { entry[125 + 8 + 7] = 'z'; };
         ledger.add({{"public:a", {{"1", "x"}}}, {"public:b", {{"1", "x"}}}});
         ledger.sign();
         return ledger;
       },
       "maps are not in ascending order", 3},
      {"keys out of order",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [](Bytes& entry) { entry[125 + 8 + 8 + 24 + 8] = '3'; };
         ledger.add({{"public:a", {{"1", "x"}, {"2", "x"}}}});
         ledger.sign();
         return ledger;
       },
       "writes are not in ascending order", 3},
      {"a private map in the public domain",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [](Bytes& entry) { entry[125 + 8] = 'q'; };
         ledger.add({{"public:a", {{"1", "x"}}}});
         ledger.sign();
         return ledger;
       },
       "public domain: holds a private map", 3},
      {"snapshot evidence whose claims are others",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [](Bytes& entry) { entry[53] ^= 1; };
         ledger.snapshot_evidence(SeqNo{2});
         ledger.sign();
         return ledger;
       },
       "claims digest: is not the hash of the snapshot evidence", 3},
      {"snapshot evidence of the future",
       [] {
         TestLedger ledger = begun();
         ledger.snapshot_evidence(SeqNo{3});
         ledger.sign();
         return ledger;
       },
       "version: is not in the past", 3},

      // recovery
      {"a recovery one view later",
       [] {
         TestLedger ledger = before_recovery();
         ledger.recover(close_chunk_before, 1);
         ledger.sign();
         return ledger;
       },
       "two views after the last signature", 5},
      {"a recovery inside a chunk",
       [] {
         TestLedger ledger = before_recovery();
         ledger.recover(0);
         ledger.sign();
         return ledger;
       },
       "must begin a chunk (0x02)", 5},
      {"a recovery that names another root",
       [] {
         TestLedger ledger = before_recovery();
         ledger.last_root = crypto::sha256(as_bytes("x"));
         ledger.recover();
         ledger.sign();
         return ledger;
       },
       "is not the root of the last signature", 5},
      {"a recovery that names another service",
       [] {
         TestLedger ledger = before_recovery();
         ledger.alter_writes = [](TestLedger::Writes& writes) {
           writes["public:ccf.gov.service.previous_service_identity"][TestLedger::unit()] =
               json::dump(json::value(other.certificate.pem()));
         };
         ledger.recover();
         ledger.sign();
         return ledger;
       },
       "is not the service that the ledger tells of", 5},
      {"a recovery that does not count",
       [] {
         TestLedger ledger = before_recovery();
         set_member(ledger, TestLedger::service_info, "recovery_count", 0);
         ledger.recover();
         ledger.sign();
         return ledger;
       },
       "recovery_count: is 0, expected 1", 5},
      {"a previous identity without a recovery",
       [] {
         TestLedger ledger = opened();
         ledger.add({{"public:ccf.gov.service.previous_service_identity",
                      {{TestLedger::unit(), json::dump(json::value(other.certificate.pem()))}}}});
         ledger.sign();
         return ledger;
       },
       "outside of a recovery", 5},

      // endorsements
      {"an endorsement with another begin in its JSON",
       [] {
         TestLedger ledger = begun();
         set_member(ledger, endorsement_map, "endorsement_epoch_begin", "2.2");
         ledger.open_service();
         ledger.sign();
         return ledger;
       },
       "endorsement_epoch_begin", 3},
      {"an endorsement by another key",
       [] {
         TestLedger ledger = begun();
         const EndorsementRecord record =
             make_self_endorsement(other.key, ledger.created, UnixTime(0));
         ledger.alter_writes = [record](TestLedger::Writes& writes) {
           writes[endorsement_map][TestLedger::unit()] = record.json();
         };
         ledger.open_service();
         ledger.sign();
         return ledger;
       },
       "endorsing_key: is not that of the service", 3},
      {"an endorsement of another key",
       [] {
         TestLedger ledger = before_recovery();
         ledger.last_endorsement = make_self_endorsement(other.key, ledger.created, UnixTime(0));
         ledger.recover();
         ledger.sign();
         ledger.wait_for_shares();
         ledger.open_recovered();
         ledger.sign();
         return ledger;
       },
       "does not endorse the service before", 8},
      {"an endorsement that names another root",
       [] {
         TestLedger ledger = before_recovery();
         ledger.recover();
         ledger.sign();
         ledger.wait_for_shares();
         ledger.previous_root = crypto::sha256(as_bytes("x"));
         ledger.open_recovered();
         ledger.sign();
         return ledger;
       },
       "epoch.end.merkle.root", 8},
      {"an endorsement that points elsewhere",
       [] {
         TestLedger ledger = before_recovery();
         ledger.recover();
         ledger.sign();
         ledger.wait_for_shares();
         ledger.endorsement_at = SeqNo{1};
         ledger.open_recovered();
         ledger.sign();
         return ledger;
       },
       "previous_version", 8},
      {"an endorsement of another epoch",
       [] {
         TestLedger ledger = before_recovery();
         ledger.recover();
         ledger.sign();
         ledger.wait_for_shares();
         ledger.created = {{4}, {6}};
         set_member(ledger, TestLedger::service_info, "current_service_create_txid", "4.5");
         ledger.open_recovered();
         ledger.sign();
         return ledger;
       },
       "endorsement_epoch_end: is 2.5, expected 2.4", 8},

      // with the ledger secrets
      {"sealed with another secret",
       [] {
         TestLedger ledger = begun();
         auto others = std::make_shared<LedgerSecrets>();
         test::must(others->add(SeqNo{1}, crypto::random_key()));
         ledger.seal_with = others;
         ledger.write("log", "1", "x");
         ledger.sign();
         return ledger;
       },
       "GCM tag", 3, true},
      {"sealed with the secret before the rekey",
       [] {
         TestLedger ledger = opened();
         const auto before = std::make_shared<LedgerSecrets>(*ledger.secrets);
         ledger.rekey();
         ledger.seal_with = before;
         ledger.write("log", "1", "x");
         ledger.sign();
         return ledger;
       },
       "GCM tag", 6, true},
      {"evidence of another transaction",
       [] {
         TestLedger ledger = begun();
         ledger.alter_entry = [&ledger](Bytes& entry) {
           // The writer has the secret: the tag is right, only the evidence is not.
           entry[85] ^= 1;
           const LedgerSecret& secret = *ledger.secrets->latest();
           crypto::Aes256Gcm cipher(secret.key);
           std::span<uint8_t> bytes(entry);
           const size_t end = 44 + test::number_at(entry, 36);
           cipher.seal(std::span<const uint8_t>(bytes.subspan(24, 12)).first<12>(),
                       bytes.subspan(44, end - 44), {}, {}, bytes.subspan(8, 16).first<16>());
         };
         ledger.write("public:log", "1", "x");
         ledger.sign();
         return ledger;
       },
       "commit evidence digest", 3, true},
  };
  return all;
}

TEST(Forbidden, every_rule_is_refused_where_it_is_broken) {
  for (const Case& test : cases()) {
    const TestLedger ledger = test.make();
    const VerifyReport report = verify(ledger, test.with_secrets);
    ASSERT_FALSE(report.ok()) << test.name;
    EXPECT_THAT(report.failure->text(), HasSubstr(test.says)) << test.name;
    EXPECT_EQ(report.failure->seqno.value, test.seqno)
        << test.name << ": " << report.failure->text();
    EXPECT_THAT(report.failure->file, HasSubstr("ledger_")) << test.name;
    if (test.with_secrets) {
      EXPECT_TRUE(verify(ledger).ok()) << test.name << ": only the secrets show it";
    }
  }
}

TEST(Forbidden, the_same_ledgers_without_the_fault_verify) {
  for (const TestLedger& ledger : {begun(), opened()}) {
    const VerifyReport report = verify(ledger, true);
    EXPECT_TRUE(report.ok()) << report.failure->text();
  }
  TestLedger ledger = before_recovery();
  for (int i = 0; i < 3; ++i) {
    ledger.recover();
    ledger.sign();
    ledger.wait_for_shares();
    ledger.sign();
    ledger.open_recovered();
    ledger.sign();
  }
  const VerifyReport report = verify(ledger, true);
  EXPECT_TRUE(report.ok()) << report.failure->text();
  EXPECT_EQ(report.service_create_seqnos.size(), 4u);
}

TEST(Forbidden, a_removed_or_retired_node_is_still_told_apart_from_a_stranger) {
  // A retiring node signs until its retirement is committed.
  TestLedger ledger = begun();
  ledger.add({{TestLedger::nodes_info,
               {{ledger.node.id(), TestLedger::node_info(ledger.node, "Retired")}}}});
  ledger.sign();
  EXPECT_TRUE(verify(ledger).ok());
}

TEST(Forbidden, p384_services_are_verified_too) {
  TestLedger ledger(crypto::Curve::p384);
  ledger.standard();
  ledger.recovery();
  const VerifyReport report = verify(ledger, true);
  EXPECT_TRUE(report.ok()) << report.failure->text();
}

}  // namespace
}  // namespace entente::ledger
