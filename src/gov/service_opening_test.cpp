// From Opening to Open, and the two steps of a service that recovers.

#include <gtest/gtest.h>

#include "gov/effects_fixture.h"
#include "gov/service_opening.h"
#include "gov/submitted_shares.h"
#include "ledger/endorsement.h"

namespace entente::gov {
namespace {

class OpeningTest : public testing::Test {
 protected:
  std::string open(std::optional<std::string_view> previous, std::string_view next) {
    return service.transact([&](kv::Tx& tx) {
      return transition_service_to_open(tx, service.surroundings, requests, previous, next);
    });
  }
  std::string open() { return open(std::nullopt, own()); }
  std::string own() { return service.service_certificate.pem(); }
  /// A service after a disaster, whose members know `older` by its certificate.
  void recovering(json::object more = {}) {
    more["recovery_count"] = 1;
    more["current_service_create_txid"] = "4.7";
    service.put_info("Recovering", more);
    service.put_unit(tables::previous_service_identity, json::value(older.pem()));
    service.stage = Stage::public_only;
  }

  test::EffectsService service;
  Requests requests;
  crypto::KeyPair older_key = crypto::KeyPair::generate(crypto::Curve::p256);
  crypto::Certificate older = *crypto::self_signed_ca(
      older_key, "CN=Test service", {.not_before = service.clock.unix, .days = 3});
};

TEST_F(OpeningTest, opens_with_shares_and_endorses_itself) {
  service.add_member("Active", true);
  ASSERT_EQ(open(), "");
  EXPECT_EQ(service.status_in_table(), "Open");
  EXPECT_TRUE(requests.snapshot);
  EXPECT_EQ(service.get_unit(tables::historical_encrypted_ledger_secret),
            json::value(json::object{{"next_version", 1}}));
  const auto record = ledger::parse_endorsement_record(
      service.raw_unit(tables::previous_service_identity_endorsement));
  ASSERT_TRUE(record.ok());
  EXPECT_TRUE(record->self());
  EXPECT_EQ(record->begin, (TxId{{2}, {1}}));
  EXPECT_EQ(record->endorsing_key, service.service_key.public_key());
  const auto endorsement = ledger::parse_cose_endorsement(record->endorsement);
  ASSERT_TRUE(endorsement.ok());
  EXPECT_TRUE(ledger::verify_cose_endorsement(*endorsement, service.service_key.public_key()).ok());
}

TEST_F(OpeningTest, a_trailing_nul_is_no_difference_but_anything_else_is) {
  service.add_member("Active", true);
  EXPECT_NE(open(std::nullopt, own() + "\n").find("Next service identity"), std::string::npos);
  EXPECT_NE(open(std::nullopt, older.pem()).find("Next service identity"), std::string::npos);
  EXPECT_NE(open(std::nullopt, own() + '\0' + '\0').find("Next"), std::string::npos);
  EXPECT_EQ(service.status_in_table(), "Opening");
  EXPECT_EQ(open(std::nullopt, own() + '\0'), "");
  EXPECT_EQ(service.status_in_table(), "Open");
}

TEST_F(OpeningTest, has_no_effect_where_it_has_happened) {
  for (const char* status : {"Open", "WaitingForRecoveryShares"}) {
    service.put_info(status);
    EXPECT_EQ(open(std::nullopt, "whatever"), "") << status;
    EXPECT_EQ(service.status_in_table(), status);
  }
  EXPECT_FALSE(requests.snapshot);
}

TEST_F(OpeningTest, without_members_that_can_recover_it_stays_closed) {
  service.add_member("Active", false);
  EXPECT_NE(open().find("no active recovery members"), std::string::npos);
  service.add_member("Active", true);
  service.put_config(2);
  EXPECT_NE(open().find("more than the 1"), std::string::npos);
  EXPECT_EQ(service.status_in_table(), "Opening");
  EXPECT_EQ(service.written_at(tables::recovery_shares), 0u);
}

TEST_F(OpeningTest, a_node_in_another_stage_or_without_keys_cannot) {
  service.add_member("Active", true);
  for (const Stage stage : {Stage::outside, Stage::public_only, Stage::reading_private}) {
    service.stage = stage;
    EXPECT_NE(open().find("not in a state"), std::string::npos);
  }
  service.stage = Stage::part_of_network;
  service.has_service_key = false;
  EXPECT_NE(open().find("key of the service"), std::string::npos);
  service.has_service_key = true;
  service.put_info("Opening", {{"current_service_create_txid", nullptr}});
  EXPECT_NE(open(), "");
  EXPECT_EQ(service.status_in_table(), "Opening");
}

TEST_F(OpeningTest, fields_that_others_wrote_survive) {
  service.add_member("Active", true);
  service.put_info("Opening", {{"service_data", {{"a", 1}}}, {"unknown", "x"}});
  ASSERT_EQ(open(), "");
  const auto info = service.get_unit(tables::service_info);
  EXPECT_EQ(info.at("unknown"), json::value("x"));
  EXPECT_EQ(info.at("service_data").at("a"), json::value(1));
}

TEST_F(OpeningTest, a_recovered_service_needs_both_identities) {
  recovering();
  EXPECT_NE(open().find("both identities"), std::string::npos);
  EXPECT_EQ(open(own(), own()), "Previous service identity does not match.");
  EXPECT_NE(open(older.pem(), older.pem()).find("Next"), std::string::npos);
  EXPECT_EQ(service.status_in_table(), "Recovering");
  service.put(tables::encrypted_submitted_shares, "old", "\"x\"");
  ASSERT_EQ(open(older.pem() + '\0', own()), "");
  EXPECT_EQ(service.status_in_table(), "WaitingForRecoveryShares");
  EXPECT_EQ(service.get_unit(tables::last_recovery_type), json::value("RECOVERY_SHARES"));
  EXPECT_FALSE(service.get(tables::encrypted_submitted_shares, "old").has_value());
  EXPECT_EQ(service.written_at(tables::recovery_shares), 0u);
}

TEST_F(OpeningTest, a_recovered_service_without_a_stored_identity_cannot_open) {
  recovering();
  service.transact([](kv::Tx& tx) -> Result<void> {
    tx.wo(tables::previous_service_identity).clear();
    return {};
  });
  EXPECT_NE(open(older.pem(), own()).find("both identities"), std::string::npos);
}

TEST_F(OpeningTest, the_end_of_a_recovery_opens_and_endorses_the_older_key) {
  service.add_member("Active", true);
  const auto self = ledger::make_self_endorsement(older_key, TxId{{2}, {1}}, service.clock.unix);
  service.put(tables::previous_service_identity_endorsement, as_text(tables::unit()), self.json());
  const uint64_t endorsed_at = service.written_at(tables::previous_service_identity_endorsement);
  const Digest root = crypto::sha256(as_bytes("root"));
  service.put_unit(tables::previous_service_last_signed_root, json::value(root.hex()));
  service.put_unit(tables::historical_encrypted_ledger_secret, json::object{{"next_version", 1}});
  const uint64_t stored_at = service.written_at(tables::historical_encrypted_ledger_secret);
  recovering();
  ASSERT_EQ(open(older.pem(), own()), "");
  service.put(tables::encrypted_submitted_shares, "m", "\"x\"");

  const auto finish = [&] {
    return service.transact(
        [&](kv::Tx& tx) { return finish_recovery(tx, service.surroundings, requests); });
  };
  EXPECT_NE(finish().find("recovered ledger secrets"), std::string::npos);
  EXPECT_TRUE(service.get(tables::encrypted_submitted_shares, "m").has_value());
  auto both = std::make_shared<ledger::LedgerSecrets>(*service.secrets);
  ASSERT_TRUE(both->add({7}, crypto::random_key()).ok());
  service.secrets = both;
  service.stage = Stage::part_of_network;
  ASSERT_EQ(finish(), "");
  EXPECT_EQ(service.status_in_table(), "Open");
  EXPECT_TRUE(requests.snapshot);
  EXPECT_FALSE(service.get(tables::encrypted_submitted_shares, "m").has_value());
  EXPECT_EQ(*service.unwrap({&service.members[0]}, 1), both->latest()->key);

  const auto history =
      ledger::parse_historical_secret(service.raw_unit(tables::historical_encrypted_ledger_secret));
  ASSERT_TRUE(history.ok());
  EXPECT_EQ(history->next_version, SeqNo{7});
  EXPECT_EQ(history->previous->version, SeqNo{1});
  EXPECT_EQ(history->previous->previous_secret_stored_version, SeqNo{stored_at});

  const auto record = ledger::parse_endorsement_record(
      service.raw_unit(tables::previous_service_identity_endorsement));
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->begin, (TxId{{2}, {1}}));
  EXPECT_EQ(record->end, (TxId{{2}, {6}}));
  EXPECT_EQ(record->previous_version, SeqNo{endorsed_at});
  const auto cose = ledger::parse_cose_endorsement(record->endorsement);
  ASSERT_TRUE(cose.ok());
  EXPECT_EQ(cose->endorsed, older_key.public_key());
  EXPECT_EQ(cose->end_root, root);
  EXPECT_NE(finish().find("does not wait"), std::string::npos);
}

TEST_F(OpeningTest, a_recovery_that_no_ledger_can_have_is_an_error) {
  service.add_member("Active", true);
  auto both = std::make_shared<ledger::LedgerSecrets>(*service.secrets);
  ASSERT_TRUE(both->add({7}, crypto::random_key()).ok());
  service.secrets = both;
  service.put_info("WaitingForRecoveryShares",
                   {{"recovery_count", 1}, {"current_service_create_txid", "2.1"}});
  EXPECT_NE(
      service
          .transact([&](kv::Tx& tx) { return finish_recovery(tx, service.surroundings, requests); })
          .find("2.1"),
      std::string::npos);
}

}  // namespace
}  // namespace entente::gov
