// Who holds shares, when they are made anew, and how a rekey spreads.

#include <gtest/gtest.h>

#include <algorithm>

#include "gov/effects_fixture.h"
#include "gov/service_opening.h"

namespace entente::gov {
namespace {

using test::TestMember;

class RecoverySharesTest : public testing::Test {
 protected:
  std::string refresh() {
    return service.transact(
        [&](kv::Tx& tx) { return refresh_recovery_shares(tx, service.surroundings, requests); });
  }
  std::string rekey() {
    return service.transact([&](kv::Tx& tx) {
      Requests own;
      return rekey_ledger(tx, service.surroundings, own);
    });
  }
  std::string open() {
    return service.transact([&](kv::Tx& tx) {
      return transition_service_to_open(tx, service.surroundings, requests, std::nullopt,
                                        service.service_certificate.pem());
    });
  }
  bool is_newest(const std::optional<crypto::SymmetricKey>& key) {
    return key && *key == service.secrets->latest()->key;
  }

  test::EffectsService service;
  Requests requests;
};

TEST_F(RecoverySharesTest, any_threshold_of_participants_and_any_owner_recover_alone) {
  service.put_config(2);
  service.add_member("Active", true);
  service.add_member("Active", true, "Participant");
  service.add_member("Active", true, "Owner");
  service.add_member("Active", true);
  const auto& m = service.members;
  ASSERT_EQ(refresh(), "");
  EXPECT_TRUE(is_newest(service.unwrap({&m[0], &m[1]}, 2)));
  EXPECT_TRUE(is_newest(service.unwrap({&m[3], &m[1]}, 2)));
  EXPECT_TRUE(is_newest(service.unwrap({&m[2]}, 2)));
  EXPECT_FALSE(service.unwrap({&m[0]}, 2).has_value());

  std::vector<const TestMember*> participants{&m[0], &m[1], &m[3]};
  std::sort(participants.begin(), participants.end(),
            [](auto* a, auto* b) { return a->id() < b->id(); });
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(service.share_of(*participants[i])->x, i + 1);
  EXPECT_TRUE(service.share_of(m[2])->is_full());
}

TEST_F(RecoverySharesTest, only_active_members_with_a_key_and_a_role_get_shares) {
  service.add_member("Active", true);
  service.add_member("Accepted", true);
  service.add_member("Active", false);
  service.add_member("Active", true, "NonParticipant");
  service.add_member("Accepted", true, "Owner");
  ASSERT_EQ(refresh(), "");
  ASSERT_EQ(service.shares().encrypted_shares.size(), 1u);
  EXPECT_EQ(service.shares().encrypted_shares.begin()->first, service.members[0].id());
}

struct Edge {
  size_t participants, owners;
  uint64_t threshold;
  std::string error;  ///< a part of it; empty: none
};

TEST_F(RecoverySharesTest, threshold_edges) {
  const std::vector<Edge> edges{{0, 0, 1, "no active recovery members"},
                                {1, 0, 0, "threshold is 0"},
                                {1, 0, 1, ""},
                                {1, 0, 2, "is more than the 1 active"},
                                {2, 0, 2, ""},
                                {2, 0, 3, "is more than the 2 active"},
                                {0, 1, 0, "threshold is 0"},
                                {0, 1, 1, ""},
                                {0, 2, 1, ""},
                                {0, 2, 2, "must be 1"},
                                {1, 2, 1, ""},
                                {1, 2, 2, "is more than the 1 active"},
                                {2, 1, 2, ""}};
  for (const Edge& edge : edges) {
    test::EffectsService one;
    for (size_t i = 0; i < edge.participants; ++i) one.add_member("Active", true);
    for (size_t i = 0; i < edge.owners; ++i) one.add_member("Active", true, "Owner");
    one.put_config(edge.threshold);
    const std::string error =
        one.transact([&](kv::Tx& tx) { return refresh_recovery_shares(tx, one.surroundings, {}); });
    const std::string name = std::to_string(edge.participants) + "+" + std::to_string(edge.owners) +
                             "/" + std::to_string(edge.threshold);
    if (edge.error.empty()) {
      EXPECT_EQ(error, "") << name;
      EXPECT_EQ(one.shares().encrypted_shares.size(), edge.participants + edge.owners) << name;
    } else {
      EXPECT_NE(error.find(edge.error), std::string::npos) << name << ": " << error;
      EXPECT_EQ(one.written_at(tables::recovery_shares), 0u) << name;
    }
  }
}

TEST_F(RecoverySharesTest, a_key_that_is_none_is_named) {
  const auto& member = service.add_member("Active", true);
  service.put(tables::members_encryption_keys, member.id(), "not a key");
  EXPECT_NE(refresh().find("m[" + member.id() + "]"), std::string::npos);
}

// ---------------------------------------------------------------------------- when, and what for

struct Written {
  uint64_t shares, history, broadcast;
  bool operator==(const Written&) const = default;
};

TEST_F(RecoverySharesTest, which_event_writes_which_tables) {
  service.add_member("Active", true);
  const auto written = [&] {
    const uint64_t last = service.last_commit.seqno.value;
    return Written{service.written_at(tables::recovery_shares) == last,
                   service.written_at(tables::historical_encrypted_ledger_secret) == last,
                   service.written_at(tables::encrypted_ledger_secrets) == last};
  };
  ASSERT_EQ(open(), "");
  EXPECT_EQ(written(), (Written{1, 1, 0}));
  ASSERT_EQ(rekey(), "");
  EXPECT_EQ(written(), (Written{1, 1, 1}));
  service.take_up_secrets();
  ASSERT_EQ(refresh(), "");
  EXPECT_EQ(written(), (Written{1, 0, 0}));

  const auto activate = [&](const TestMember& member) {
    ASSERT_EQ(service.transact([&](kv::Tx& tx) {
      return refresh_for_new_member(tx, service.surroundings, member.id());
    }),
              "");
  };
  activate(service.add_member("Active", false));
  EXPECT_EQ(written().shares, 0u);
  activate(service.add_member("Active", true));
  EXPECT_EQ(written(), (Written{1, 0, 0}));
  EXPECT_EQ(service.shares().encrypted_shares.size(), 2u);
}

TEST_F(RecoverySharesTest, a_member_that_becomes_active_before_the_opening_changes_nothing) {
  const auto& member = service.add_member("Active", true);
  ASSERT_EQ(service.transact([&](kv::Tx& tx) {
    return refresh_for_new_member(tx, service.surroundings, member.id());
  }),
            "");
  EXPECT_EQ(service.written_at(tables::recovery_shares), 0u);
}

TEST_F(RecoverySharesTest, every_issue_makes_all_shares_new) {
  service.add_member("Active", true);
  service.add_member("Active", true, "Owner");
  ASSERT_EQ(refresh(), "");
  const auto participant = service.share_of(service.members[0])->encode();
  const auto owner = service.share_of(service.members[1])->encode();
  ASSERT_EQ(refresh(), "");
  EXPECT_NE(service.share_of(service.members[0])->encode(), participant);
  EXPECT_NE(service.share_of(service.members[1])->encode(), owner);
}

TEST_F(RecoverySharesTest, members_keep_their_shares_while_the_service_recovers) {
  service.add_member("Active", true);
  ASSERT_EQ(refresh(), "");
  const Bytes before = service.raw_unit(tables::recovery_shares);
  for (const char* status : {"Recovering", "WaitingForRecoveryShares"}) {
    service.put_info(status);
    EXPECT_NE(refresh().find("cannot be made anew"), std::string::npos) << status;
  }
  EXPECT_EQ(service.raw_unit(tables::recovery_shares), before);
}

TEST_F(RecoverySharesTest, a_node_without_the_secret_in_force_makes_none) {
  service.add_member("Active", true);
  ASSERT_EQ(open(), "");
  ASSERT_EQ(rekey(), "");
  // The tables say that there is a newer secret, which this node has not taken up yet.
  EXPECT_NE(refresh().find("try again"), std::string::npos);
  EXPECT_NE(rekey().find("try again"), std::string::npos);
  service.take_up_secrets();
  EXPECT_EQ(refresh(), "");
  service.secrets = nullptr;
  EXPECT_NE(refresh().find("does not have the ledger secret"), std::string::npos);
}

// --------------------------------------------------------------------------------------- rekeying

TEST_F(RecoverySharesTest, a_rekey_needs_an_open_service_and_a_node_that_is_part_of_it) {
  service.add_member("Active", true);
  for (const char* status : {"Opening", "Recovering", "WaitingForRecoveryShares"}) {
    service.put_info(status);
    EXPECT_NE(rekey().find("not open"), std::string::npos) << status;
  }
  service.put_info("Open");
  for (const Stage stage : {Stage::outside, Stage::public_only, Stage::reading_private}) {
    service.stage = stage;
    EXPECT_NE(rekey().find("not open"), std::string::npos);
  }
  service.stage = Stage::part_of_network;
  EXPECT_EQ(rekey(), "");
}

TEST_F(RecoverySharesTest, a_rekey_reaches_every_node_that_takes_part) {
  service.add_member("Active", true);
  ASSERT_EQ(open(), "");
  using S = test::EffectsService;
  service.add_node(S::id_of('b'), "Pending", 101);
  service.add_node(S::id_of('c'), "Retired", 101);
  service.add_node(S::id_of('d'), "Retired", 101, {{"retired_committed", true}});
  service.store.compact(service.store.last().seqno);
  service.add_node(S::id_of('e'), "Retired", 101, {{"retired_committed", true}});
  service.add_node(S::id_of('f'), "Trusted", 101);
  ASSERT_EQ(rekey(), "");
  const auto nodes = service.broadcast().nodes;
  std::string reached;
  for (const auto& [id, items] : nodes) {
    reached += id.value[0];
    ASSERT_EQ(items.size(), 1u);
    EXPECT_FALSE(items[0].version.has_value());
  }
  // Of 'd' it is globally committed that it is gone, of 'e' not yet.
  EXPECT_EQ(reached, "acef");
  const auto same = [&](char digit, size_t key) {
    return *ledger::open_ledger_secret(nodes.at(NodeId{S::id_of(digit)})[0].sealed,
                                       test::encryption_key(key));
  };
  EXPECT_EQ(same('a', 100), same('f', 101));
  EXPECT_EQ(same('a', 100), *service.unwrap({&service.members[0]}, 1));
  EXPECT_FALSE(same('a', 100) == service.secrets->latest()->key);
}

TEST_F(RecoverySharesTest, a_node_with_a_broken_key_stops_the_rekey_by_name) {
  service.add_member("Active", true);
  ASSERT_EQ(open(), "");
  service.put(tables::nodes_info, test::EffectsService::id_of('b'),
              R"({"status":"Trusted","encryption_pub_key":"no key"})");
  EXPECT_NE(rekey().find(test::EffectsService::id_of('b')), std::string::npos);
  EXPECT_EQ(service.written_at(tables::encrypted_ledger_secrets), 0u);
}

TEST_F(RecoverySharesTest, the_chain_of_secrets_leads_back_to_the_first) {
  service.add_member("Active", true);
  std::map<uint64_t, Bytes> history;
  const auto note = [&] {
    const auto table = tables::historical_encrypted_ledger_secret;
    history[service.written_at(table)] = service.raw_unit(table);
  };
  ASSERT_EQ(open(), "");
  note();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(rekey(), "");
    note();
    service.take_up_secrets();
    ASSERT_EQ(refresh(), "");
  }
  const auto newest = std::prev(history.end());
  const auto recovered = ledger::recover_ledger_secrets(
      {*service.unwrap({&service.members[0]}, 1), *ledger::parse_historical_secret(newest->second),
       SeqNo{newest->first}},
      [&](SeqNo seqno) -> Result<ledger::HistoricalSecret> {
        if (!history.contains(seqno.value)) return Error{"nothing written there"};
        return ledger::parse_historical_secret(history[seqno.value]);
      });
  ASSERT_TRUE(recovered.ok()) << recovered.error().message;
  ASSERT_EQ(recovered->all().size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(recovered->all()[i].start, service.secrets->all()[i].start);
    EXPECT_EQ(recovered->all()[i].key, service.secrets->all()[i].key);
  }
  EXPECT_EQ(service.shares().previous_secret_stored_version, SeqNo{newest->first});
}

TEST_F(RecoverySharesTest, what_follows_a_rekey_in_one_transaction_counts_with_the_new_secret) {
  service.add_member("Active", true);
  ASSERT_EQ(open(), "");
  Requests own;
  ASSERT_EQ(service.transact([&](kv::Tx& tx) -> Result<void> {
    const Surroundings& s = service.surroundings;
    if (auto done = rekey_ledger(tx, s, own); !done) return done;
    if (auto done = refresh_recovery_shares(tx, s, own); !done) return done;
    const auto seqno = latest_ledger_secret_seqno(tx, s, own);
    EXPECT_FALSE(seqno.ok());
    return rekey_ledger(tx, s, own);
  }),
            "");
  service.take_up_secrets();
  EXPECT_TRUE(is_newest(service.unwrap({&service.members[0]}, 1)));
  EXPECT_EQ(service.secrets->all().size(), 2u);
}

TEST_F(RecoverySharesTest, opening_and_rekey_in_one_transaction) {
  service.add_member("Active", true);
  Requests own;
  ASSERT_EQ(service.transact([&](kv::Tx& tx) -> Result<void> {
    const Surroundings& s = service.surroundings;
    if (auto done =
            transition_service_to_open(tx, s, own, std::nullopt, service.service_certificate.pem());
        !done) {
      return done;
    }
    return rekey_ledger(tx, s, own);
  }),
            "");
  service.take_up_secrets();
  EXPECT_TRUE(is_newest(service.unwrap({&service.members[0]}, 1)));
  EXPECT_EQ(refresh(), "");
}

TEST_F(RecoverySharesTest, trusting_a_node_conflicts_with_a_rekey) {
  service.add_member("Active", true);
  ASSERT_EQ(open(), "");
  kv::Tx trust = service.store.begin(kv::Context::framework);
  const auto seqno = latest_ledger_secret_seqno(trust, service.surroundings, {});
  ASSERT_TRUE(seqno.ok());
  EXPECT_EQ(*seqno, SeqNo{1});
  trust.wo("public:ccf.gov.nodes.info").put(as_bytes("x"), as_bytes("{}"));
  ASSERT_EQ(rekey(), "");
  EXPECT_EQ(service.store.commit(trust).status, kv::CommitStatus::conflict);
}

}  // namespace
}  // namespace entente::gov
