// A node that lacks what only the ledger of the leader still has.

#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

TEST(CatchingUp, TheLedgerIsReadOnceAtATimeForEachNode) {
  TestCluster service;
  auto& first = *service.nodes[0];
  TxId last;
  for (int i = 0; i < 200; ++i) last = *first.write("k", std::string(50, 'v'));
  ASSERT_TRUE(service.commit(last));
  service.add_node();
  first.sink->hold_reads = true;
  const TxId trusted = service.set_status({1}, "Trusted");
  // Heartbeats and rounds of reads go on, and the leader goes on leading by their answers.
  for (int i = 0; i < 10; ++i) {
    first.replica->confirm_leadership(first.replica->view(),
                                      service.clock.time + std::chrono::seconds(100), [](bool) {});
    service.rounds(1000);
    ASSERT_TRUE(first.leads());
    ASSERT_EQ(first.sink->held_reads.size(), 1u);
  }
  EXPECT_EQ(service.nodes[1]->replica->tip().log.seqno, SeqNo{0});
  // What was read is lost on its way once.
  service.lost = [&](const TestCluster::Mail& letter) { return letter.bytes.size() > 5000; };
  first.sink->release_reads();
  service.rounds(2);
  EXPECT_EQ(service.nodes[1]->replica->tip().log.seqno, SeqNo{0});
  service.lost = [](const TestCluster::Mail&) { return false; };
  ASSERT_TRUE(service.commit(trusted));
  TestCluster::expect_same_ledgers(first, *service.nodes[1]);
}

}  // namespace
}  // namespace entente::replica
