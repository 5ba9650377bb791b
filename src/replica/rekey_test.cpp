// A new ledger secret, brought by a transaction: on the node that executes it, on those that
// receive it, rolled back, and for nodes that join later.

#include <future>

#include "ledger/entry_sealer.h"
#include "replica/secret_table.h"
#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

crypto::SymmetricKey key_of(uint8_t byte) {
  crypto::SymmetricKey key;
  std::fill(key.writable().begin(), key.writable().end(), byte);
  return key;
}

/// A cluster whose nodes have encryption keys, in the order of the nodes.
class RekeyedCluster : public ::testing::Test {
 protected:
  RekeyedCluster() {
    for (int i = 0; i < 2; ++i) cluster.add_node();
    EXPECT_TRUE(cluster.commit(cluster.set_status({1, 2}, "Trusted")));
  }

  /// A transaction of the leader that gives everybody a new secret.
  static TxId rekey(TestCluster::Node& primary, const std::vector<std::pair<NodeId, size_t>>& to,
                    const crypto::SymmetricKey& secret) {
    ledger::SecretBroadcast broadcast;
    for (const auto& [node, key] : to) {
      auto sealed = ledger::seal_ledger_secret(secret, keys()[key].public_key());
      EXPECT_TRUE(sealed.ok());
      broadcast.nodes[node].push_back({std::nullopt, *sealed, std::nullopt});
    }
    auto tx = primary.store.begin();
    tx.rw(ledger::maps::encrypted_ledger_secrets).put(Bytes(8, 0), as_bytes(broadcast.json()));
    const auto result = primary.lane->commit(tx, {.urgent = true});
    EXPECT_EQ(result.status, kv::CommitStatus::committed);
    primary.lane->hand_over();
    return result.id;
  }
  std::vector<std::pair<NodeId, size_t>> everybody() {
    std::vector<std::pair<NodeId, size_t>> all;
    for (size_t i = 0; i < cluster.nodes.size(); ++i) all.emplace_back(cluster.nodes[i]->id, i);
    return all;
  }

  /// Made once: four keys serve all tests.
  static const std::vector<crypto::RsaKeyPair>& keys() {
    static const std::vector<crypto::RsaKeyPair> made = [] {
      std::vector<crypto::RsaKeyPair> some;
      for (int i = 0; i < 4; ++i) some.push_back(crypto::RsaKeyPair::generate());
      return some;
    }();
    return made;
  }
  static bool opens(TestCluster::Node& node, SeqNo seqno, const ledger::LedgerSecrets& secrets) {
    const auto bytes = node.writer->read(seqno);
    EXPECT_TRUE(bytes.ok());
    const auto entry = ledger::parse_entry(*bytes);
    EXPECT_TRUE(entry.ok());
    Bytes plaintext;
    return ledger::EntrySealer(std::make_shared<ledger::LedgerSecrets>(secrets))
        .open(*entry, plaintext)
        .ok();
  }

  size_t next_key = 0;
  TestCluster cluster{
      [this](ReplicaOptions& options) { options.encryption_key = keys().at(next_key++); }};
};

TEST_F(RekeyedCluster, TheSecretAppliesFromTheNextEntryOnEveryNode) {
  TestCluster::Node& primary = *cluster.leader();
  const auto before = primary.write("before", "1");
  const TxId rekeyed = rekey(primary, everybody(), key_of(9));
  const auto after = primary.write("after", "2");
  ASSERT_TRUE(before && after);
  ASSERT_TRUE(cluster.commit(*after));
  for (const auto& node : cluster.nodes) {
    EXPECT_EQ(node->read("before") + node->read("after"), "12");
    const auto secrets = node->replica->secrets();
    ASSERT_EQ(secrets->all().size(), 2u);
    EXPECT_EQ(secrets->latest()->start, rekeyed.seqno + 1);
    EXPECT_TRUE(opens(*node, rekeyed.seqno, *test_secrets()));
    EXPECT_FALSE(opens(*node, after->seqno, *test_secrets()));
    EXPECT_TRUE(opens(*node, after->seqno, *secrets));
  }
}

TEST_F(RekeyedCluster, ARolledBackRekeyNeverWas) {
  TestCluster::Node& old = *cluster.leader();
  ASSERT_TRUE(cluster.commit(*old.write("first", "1")));
  cluster.lost = [&](const TestCluster::Mail& letter) {
    return letter.from == old.id || letter.to == old.id;
  };
  const TxId lost = rekey(old, everybody(), key_of(9));
  ASSERT_TRUE(old.write("lost", "x"));
  ASSERT_EQ(old.replica->secrets()->all().size(), 2u);
  ASSERT_TRUE(cluster.until([&] { return cluster.leader() != &old; }));
  TestCluster::Node& primary = *cluster.leader();
  ASSERT_TRUE(cluster.until([&] { return primary.write("second", "2").has_value(); }));
  cluster.lost = [](const TestCluster::Mail&) { return false; };
  ASSERT_TRUE(cluster.until([&] { return old.replica->status(lost) == TxStatus::invalid; }));
  EXPECT_EQ(old.replica->secrets()->all().size(), 1u);

  const TxId again = rekey(*cluster.leader(), everybody(), key_of(11));
  const auto after = cluster.leader()->write("third", "3");
  ASSERT_TRUE(after);
  ASSERT_TRUE(cluster.commit(*after));
  for (const auto& node : cluster.nodes) {
    EXPECT_EQ(node->read("second") + node->read("third") + node->read("lost"), "23");
    EXPECT_EQ(node->replica->secrets()->latest()->start, again.seqno + 1);
    EXPECT_EQ(node->replica->secrets()->latest()->key, key_of(11));
  }
}

TEST_F(RekeyedCluster, ANodeThatJoinsLaterReadsWhatIsUnderEitherSecret) {
  TestCluster::Node& primary = *cluster.leader();
  primary.write("before", "1");
  rekey(primary, everybody(), key_of(9));
  ASSERT_TRUE(cluster.commit(*primary.write("after", "2")));
  TestCluster::Node& late = cluster.add_node();
  ASSERT_TRUE(cluster.commit(cluster.set_status({3}, "Trusted")));
  EXPECT_EQ(late.read("before") + late.read("after"), "12");
}

TEST_F(RekeyedCluster, WhoGotNoSecretRefusesWhatFollowsAndTheOthersGoOn) {
  TestCluster::Node& primary = *cluster.leader();
  std::vector<std::pair<NodeId, size_t>> most;
  TestCluster::Node* left_out = nullptr;
  for (const auto& [id, key] : everybody()) {
    if (left_out == nullptr && id != primary.id) {
      left_out = cluster.find(id);
      most.emplace_back(id, 3);  // sealed for somebody else
    } else {
      most.emplace_back(id, key);
    }
  }
  const TxId rekeyed = rekey(primary, most, key_of(9));
  const auto after = primary.write("after", "2");
  ASSERT_TRUE(after);
  ASSERT_TRUE(
      cluster.until([&] { return primary.replica->status(*after) == TxStatus::committed; }));
  cluster.rounds(20);
  EXPECT_EQ(left_out->replica->last().seqno, rekeyed.seqno);
  EXPECT_EQ(left_out->read("after"), "");
}

/// Asked on another thread while this one steps the replicas.
Result<Digest> root_at(TestCluster& cluster, TestCluster::Node& node, TxId id) {
  auto answer = std::async(std::launch::async, [&] { return node.replica->root_at(id); });
  while (answer.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready) {
    cluster.rounds(1);
    std::this_thread::yield();
  }
  return answer.get();
}

TEST(RootAt, CoversTheEntriesUpToTheNamedOneOnEveryNode) {
  TestCluster cluster;
  cluster.add_node();
  ASSERT_TRUE(cluster.commit(cluster.set_status({1}, "Trusted")));
  TestCluster::Node& primary = *cluster.leader();
  ASSERT_TRUE(cluster.commit(*primary.write("a", "1")));
  for (const auto& node : cluster.nodes) {
    const Replica::Tip tip = node->replica->tip();
    const auto root = root_at(cluster, *node, tip.committed);
    ASSERT_TRUE(root.ok()) << root.error().message;
    EXPECT_EQ(*root, tip.root);
  }
}

TEST(RootAt, IsThereForAnEntryThatItsLaneStillHolds) {
  TestCluster cluster;
  TestCluster::Node& primary = *cluster.leader();
  auto tx = primary.store.begin();
  tx.rw("records").put(as_bytes("a"), as_bytes("1"));
  const auto result = primary.lane->commit(tx);  // and not handed over
  ASSERT_EQ(result.status, kv::CommitStatus::committed);
  EXPECT_TRUE(root_at(cluster, primary, result.id).ok());
}

TEST(RootAt, IsRefusedForWhatIsNotInTheLedger) {
  TestCluster cluster;
  TestCluster::Node& primary = *cluster.leader();
  const auto id = primary.write("a", "1");
  EXPECT_FALSE(root_at(cluster, primary, {id->view, id->seqno + 100}).ok());
  EXPECT_FALSE(root_at(cluster, primary, {{id->view.value + 1}, id->seqno}).ok());
}

TEST(SecretTable, WhatIsNotForThisNodeOrDoesNotParseChangesNothing) {
  const auto own = crypto::RsaKeyPair::generate();
  SecretTable table(NodeId{"own"}, own);
  table.give(test_secrets());
  const uint64_t before = table.generation();
  const Bytes unit(8, 0);
  for (const std::string text :
       {"", "[]", "{}", R"({"other":[{"version":null,"encrypted_secret":"AAAA"}]})",
        R"({"own":{}})", R"({"own":[{"encrypted_secret":5}]})"}) {
    table.write(SeqNo{5}, {{unit, as_bytes(text)}});
    EXPECT_EQ(table.generation(), before) << text;
  }
  table.write(SeqNo{5}, {{unit, as_bytes(R"({"own":[{"encrypted_secret":"AAAA"}]})")}});
  EXPECT_EQ(table.get()->all().size(), 1u);
}

TEST(SecretTable, WhatTheLedgerSaysCountsMoreThanWhatWasGiven) {
  const auto own = crypto::RsaKeyPair::generate();
  SecretTable table(NodeId{"own"}, own);
  auto given = std::make_shared<ledger::LedgerSecrets>(*test_secrets());
  ASSERT_TRUE(given->add(SeqNo{6}, key_of(1)).ok());
  table.give(given);
  ledger::SecretBroadcast broadcast;
  broadcast.nodes[NodeId{"own"}].push_back(
      {std::nullopt, *ledger::seal_ledger_secret(key_of(2), own.public_key()), std::nullopt});
  const std::string text = broadcast.json();
  const Bytes unit(8, 0);
  table.write(SeqNo{5}, {{unit, as_bytes(text)}});
  EXPECT_EQ(table.get()->find(SeqNo{6})->key, key_of(2));
  table.truncate(SeqNo{4});
  EXPECT_EQ(table.get()->find(SeqNo{6})->key, key_of(1));
}

}  // namespace
}  // namespace entente::replica
