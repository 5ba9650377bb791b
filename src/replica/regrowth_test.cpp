// A service that becomes small and grows again.

#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

// Found by simulation: what a primary wrote while nobody else was there was missing from the
// entries that it keeps for others, and the next one did not fit behind the gap.
TEST(Regrowth, APrimaryThatWasAloneForAWhileServesANewNode) {
  TestCluster service;
  service.add_node();
  ASSERT_TRUE(service.commit(service.set_status({1}, "Trusted")));
  service.set_status({1}, "Retired");
  auto& primary = *service.nodes[0];
  ASSERT_TRUE(service.until([&] { return primary.peers.empty(); }));
  service.nodes[1]->alive = false;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(service.commit(*primary.write("k", "alone")));
  }
  auto& joiner = service.add_node();
  ASSERT_TRUE(service.commit(service.set_status({2}, "Trusted")));
  ASSERT_TRUE(service.commit(*primary.write("k", "v")));
  EXPECT_EQ(joiner.read("k"), "v");
  TestCluster::expect_same_ledgers(primary, joiner);
}

}  // namespace
}  // namespace entente::replica
