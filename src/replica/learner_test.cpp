// Nodes that learn before they vote.

#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

using std::chrono::milliseconds;

bool votes(const TestCluster::Node& at, const NodeId& node) {
  const auto configurations = at.replica->details().configurations;
  return configurations.size() == 1 && configurations[0].voters.contains(node);
}
std::optional<NodeRow> row_of(TestCluster::Node& at, const NodeId& node) {
  auto tx = at.store.begin_read_only();
  const auto text = tx.ro(nodes_info_map).get(as_bytes(node.value));
  if (!text) return std::nullopt;
  return *parse_node_row(*text);
}

TEST(Learner, DoesNotHoldUpCommitsWhileItIsNotThere) {
  TestCluster cluster;
  TestCluster::Node& joiner = cluster.add_node();
  joiner.alive = false;
  cluster.set_status({1}, "Trusted", true);
  const auto id = cluster.leader()->write("k", "v");
  ASSERT_TRUE(cluster.commit(*id));  // by the only voter
  cluster.rounds(200, milliseconds(20));
  EXPECT_FALSE(votes(*cluster.leader(), joiner.id));
  EXPECT_TRUE(row_of(*cluster.leader(), joiner.id)->learning);

  joiner.alive = true;
  ASSERT_TRUE(cluster.until([&] { return votes(joiner, joiner.id); }));
  EXPECT_FALSE(row_of(joiner, joiner.id)->learning);
  EXPECT_EQ(joiner.read("k"), "v");
}

TEST(Learner, VotesOnlyWhenItHasTheLedger) {
  TestCluster cluster([](ReplicaOptions& options) { options.chunk_size = 20'000; });
  TxId last;
  for (int i = 0; i < 12'000; ++i) {
    last = *cluster.leader()->write("k" + std::to_string(i % 7), "v");
    if (i % 500 == 0) cluster.rounds(2, milliseconds(20));
  }
  ASSERT_TRUE(cluster.commit(last));
  TestCluster::Node& joiner = cluster.add_node();
  cluster.set_status({1}, "Trusted", true);
  ASSERT_TRUE(cluster.until([&] { return votes(*cluster.leader(), joiner.id); }));
  EXPECT_GT(joiner.replica->last().seqno.value, 1'500u);
  ASSERT_TRUE(cluster.commit(last));
  TestCluster::expect_same_ledgers(*cluster.nodes[0], joiner);
}

TEST(Learner, IsPromotedByWhoeverLeadsThen) {
  TestCluster cluster;
  cluster.add_node();
  cluster.add_node();
  ASSERT_TRUE(cluster.commit(cluster.set_status({1, 2}, "Trusted")));
  TestCluster::Node& joiner = cluster.add_node();
  TestCluster::Node& first = *cluster.leader();
  cluster.lost = [&](const TestCluster::Mail& letter) { return letter.to == joiner.id; };
  ASSERT_TRUE(cluster.until([&, id = cluster.set_status({3}, "Trusted", true)] {
    return first.replica->status(id) == TxStatus::committed;
  }));
  first.alive = false;
  cluster.lost = [](const TestCluster::Mail&) { return false; };
  ASSERT_TRUE(cluster.until([&] {
    return cluster.leader() != nullptr && votes(*cluster.leader(), joiner.id) &&
           votes(joiner, joiner.id);
  }));
}

TEST(Learner, ThatLeavesBeforeItVotedMayBeDeletedOnceThatIsCommitted) {
  TestCluster cluster;
  TestCluster::Node& joiner = cluster.add_node();
  joiner.alive = false;
  cluster.set_status({1}, "Trusted", true);
  cluster.rounds(10);
  cluster.set_status({1}, "Retired", true);
  TestCluster::Node& primary = *cluster.leader();
  ASSERT_TRUE(cluster.until([&] { return row_of(primary, joiner.id)->retired_committed; }));
  ASSERT_TRUE(cluster.until(
      [&] { return primary.replica->committed().seqno == primary.replica->last().seqno; }));
  EXPECT_TRUE(primary.peers.empty());
  const SeqNo settled = primary.replica->last().seqno;
  cluster.rounds(100, milliseconds(20));
  EXPECT_EQ(primary.replica->last().seqno, settled);  // said once
}

TEST(Learner, TheLastVoterCannotBeTakenAway) {
  TestCluster cluster;
  cluster.add_node().alive = false;
  cluster.set_status({1}, "Trusted", true);
  cluster.set_status({0}, "Retired");
  const auto id = cluster.leader()->write("k", "v");
  ASSERT_TRUE(id);
  EXPECT_TRUE(cluster.commit(*id));
  EXPECT_TRUE(votes(*cluster.leader(), cluster.nodes[0]->id));
}

}  // namespace
}  // namespace entente::replica
