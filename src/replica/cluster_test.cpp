// Several replicas: replication, elections, joining, leaving, catching up.

#include <rapidcheck.h>

#include <thread>

#include "replica/arrival.h"
#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A service of so many nodes, all trusted, all up to date.
struct Service : TestCluster {
  explicit Service(
      size_t count, std::function<void(ReplicaOptions&)> configure_nodes = [](ReplicaOptions&) {})
      : TestCluster(std::move(configure_nodes)) {
    for (size_t i = 1; i < count; ++i) {
      add_node();
      EXPECT_TRUE(commit(set_status({i}, "Trusted")));
    }
  }
  void expect_agreement() {
    for (const auto& node : nodes) expect_same_ledgers(*nodes[0], *node);
  }
};

TEST(Cluster, WritesOfThePrimaryReachEveryLedgerAndStore) {
  Service service(3);
  TxId last;
  for (int i = 0; i < 100; ++i) last = *service.leader()->write("k" + std::to_string(i), "v");
  ASSERT_TRUE(service.commit(last));
  for (const auto& node : service.nodes) {
    EXPECT_EQ(node->read("k99"), "v");
    EXPECT_EQ(node->replica->primary(), service.nodes[0]->id);
    EXPECT_EQ(node->peers.size(), 2u);
    EXPECT_EQ(node->replica->view_starts(), service.nodes[0]->replica->view_starts());
  }
  service.expect_agreement();
}

TEST(Cluster, BackupsRefuseWrites) {
  Service service(3);
  EXPECT_EQ(service.nodes[1]->write("k", "v"), std::nullopt);
}

TEST(Cluster, WhenThePrimaryDiesAnotherOneTakesOverWithEverythingCommitted) {
  Service service(3);
  const TxId before = *service.leader()->write("k", "before");
  ASSERT_TRUE(service.commit(before));
  service.nodes[0]->alive = false;
  ASSERT_TRUE(service.until([&] { return service.leader() != nullptr; }));
  auto& leader = *service.leader();
  EXPECT_GT(leader.replica->view(), before.view);
  EXPECT_EQ(leader.read("k"), "before");
  const TxId after = *leader.write("k", "after");
  ASSERT_TRUE(service.commit(after));
  EXPECT_EQ(leader.replica->status(before), TxStatus::committed);
  TestCluster::expect_same_ledgers(*service.nodes[1], *service.nodes[2]);
}

TEST(Cluster, WhatAPrimaryWroteWhileItWasCutOffIsInvalidEverywhere) {
  Service service(3);
  auto& old = *service.nodes[0];
  service.lost = [&](const TestCluster::Mail& letter) {
    return letter.from == old.id || letter.to == old.id;
  };
  const TxId lost = *old.write("k", "lost");
  std::optional<TxStatus> answer;
  old.replica->when_final(lost, service.clock.time + seconds(100),
                          [&](TxStatus status) { answer = status; });
  service.rounds(20);
  EXPECT_EQ(old.read("k"), "lost");
  ASSERT_TRUE(
      service.until([&] { return service.leader() != nullptr && service.leader() != &old; }));
  const TxId kept = *service.leader()->write("k", "kept");
  ASSERT_TRUE(service.until([&] {
    return service.nodes[1]->replica->status(kept) == TxStatus::committed &&
           service.nodes[2]->replica->status(kept) == TxStatus::committed;
  }));
  // Without a quorum it does not go on leading, and never says Committed or Invalid.
  EXPECT_TRUE(service.until([&] { return !old.leads(); }));
  EXPECT_EQ(old.replica->status(lost), TxStatus::pending);
  EXPECT_FALSE(answer);
  EXPECT_EQ(old.write("k", "more"), std::nullopt);

  service.lost = [](const TestCluster::Mail&) { return false; };
  ASSERT_TRUE(service.commit(kept));
  EXPECT_EQ(old.read("k"), "kept");
  for (const auto& node : service.nodes) {
    EXPECT_EQ(node->replica->status(lost), TxStatus::invalid);
  }
  EXPECT_EQ(answer, TxStatus::invalid);
  service.expect_agreement();
}

TEST(Cluster, ANodeThatJoinsLateReadsWhatItLacksFromTheLedger) {
  Service service(1, [](ReplicaOptions& options) { options.chunk_size = 20'000; });
  TxId last;
  for (int i = 0; i < 3000; ++i) {
    last = *service.leader()->write("k" + std::to_string(i % 7), std::string(50, 'v'));
    if (i % 100 == 0) service.rounds(1, milliseconds(20));
  }
  ASSERT_TRUE(service.commit(last));
  service.add_node();
  const TxId trusted = service.set_status({1}, "Trusted");
  ASSERT_TRUE(service.commit(trusted));
  EXPECT_EQ(service.nodes[1]->replica->status(last), TxStatus::committed);
  service.expect_agreement();
}

TEST(Cluster, ALeavingPrimaryHandsOverAndIsNamedAsRetired) {
  Service service(3);
  const TxId removal = service.set_status({0}, "Retired");
  ASSERT_TRUE(service.until([&] {
    return service.nodes[1]->replica->details().phase == consensus::MembershipPhase::active &&
           service.leader() != nullptr && service.leader() != service.nodes[0].get();
  }));
  const TxId after = *service.leader()->write("k", "v");
  ASSERT_TRUE(service.until([&] {
    return service.nodes[1]->replica->status(after) == TxStatus::committed &&
           service.nodes[2]->replica->status(after) == TxStatus::committed;
  }));
  EXPECT_EQ(service.nodes[1]->replica->status(removal), TxStatus::committed);
  auto tx = service.nodes[1]->store.begin_read_only();
  const auto row = tx.ro(nodes_info_map).get(as_bytes(service.nodes[0]->id.value));
  ASSERT_TRUE(row);
  EXPECT_TRUE(parse_node_row(*row)->retired_committed);
  EXPECT_EQ(service.nodes[1]->peers.size(), 1u);
  TestCluster::expect_same_ledgers(*service.nodes[1], *service.nodes[2]);
}

TEST(Cluster, EveryNodeCanBeReplacedOneByOne) {
  Service service(3);
  for (size_t round = 0; round < 3; ++round) {
    const TxId before = *service.leader()->write("round" + std::to_string(round), "v");
    service.add_node();
    ASSERT_TRUE(service.commit(service.set_status({3 + round}, "Trusted")));
    ASSERT_TRUE(service.commit(before));
    service.set_status({round}, "Retired");
    const auto& leaving = *service.nodes[round];
    ASSERT_TRUE(service.until([&] {
      auto* leader = service.leader();
      if (leader == nullptr || leader == &leaving) return false;
      auto tx = leader->store.begin_read_only();
      const auto row = tx.ro(nodes_info_map).get(as_bytes(leaving.id.value));
      return row && parse_node_row(*row)->retired_committed &&
             leader->replica->committed().seqno == leader->replica->last().seqno;
    })) << round;
    service.nodes[round]->alive = false;
  }
  const TxId last = *service.leader()->write("last", "v");
  ASSERT_TRUE(service.commit(last));
  for (size_t i = 3; i < 6; ++i) {
    EXPECT_EQ(service.nodes[i]->read("round0"), "v");
    TestCluster::expect_same_ledgers(*service.nodes[3], *service.nodes[i]);
  }
}

/// It is cut off while all the others are replaced, and hears first of somebody it never heard of.
TEST(Cluster, ABackupThatMissedTheReplacementOfAllOthersCatchesUp) {
  Service service(3);
  const NodeId absent = service.nodes[1]->id;
  service.lost = [&](const TestCluster::Mail& letter) {
    return letter.from == absent || letter.to == absent;
  };
  const auto settled = [&] {
    auto* leader = service.leader();
    return leader != nullptr && leader->replica->details().configurations.size() == 1 &&
           leader->replica->committed().seqno == leader->replica->last().seqno;
  };
  for (const size_t leaving : {0, 2}) {
    service.add_node();
    service.set_status({service.nodes.size() - 1}, "Trusted");
    ASSERT_TRUE(service.until(settled));
    service.set_status({leaving}, "Retired");
    ASSERT_TRUE(service.until([&] {
      return settled() && service.leader() != service.nodes[leaving].get() &&
             service.leader()->replica->details().configurations.back().voters.size() == 3;
    }));
    service.rounds(100);
    service.nodes[leaving]->alive = false;
  }
  const TxId last = *service.leader()->write("k", "after");
  service.lost = [](const TestCluster::Mail&) { return false; };
  ASSERT_TRUE(service.commit(last));
  EXPECT_EQ(service.nodes[1]->read("k"), "after");
  EXPECT_EQ(service.nodes[1]->peers.size(), 2u);
  TestCluster::expect_same_ledgers(*service.nodes[1], *service.nodes[3]);
}

TEST(Cluster, DamagedEntriesAreRefusedAndSentAgain) {
  Service service(3);
  const NodeId victim = service.nodes[1]->id;
  size_t at = 60, damaged = 0;
  service.lost = [&](const TestCluster::Mail& letter) {
    if (letter.to != victim || letter.bytes.size() < 200 || damaged >= 15) return false;
    // Past the head: the entries. Links authenticate everything, a broken sender does not exist.
    Bytes bytes = letter.bytes;
    ++damaged;
    if (damaged % 4 == 0) {
      bytes.resize(at % bytes.size());
    } else {
      bytes[60 + at % (bytes.size() - 60)] ^= 0x40;
    }
    at += 37;
    service.nodes[1]->inbox.put(Incoming{letter.from, std::move(bytes)});
    return true;
  };
  TxId last;
  for (int i = 0; i < 300; ++i) {
    last = *service.leader()->write("k", std::string(100, 'v'));
    service.rounds(5);
  }
  EXPECT_EQ(damaged, 15u);
  EXPECT_GT(service.nodes[1]->replica->message_counts().refused, 0u);
  EXPECT_EQ(service.nodes[2]->replica->message_counts().refused, 0u);
  ASSERT_TRUE(service.commit(last));
  service.expect_agreement();
}

/// With a long way between the nodes, waiting for each commit before the next signature would make
/// every write wait twice.
TEST(Cluster, OverALongDistanceSignaturesDoNotWaitForEachOther) {
  for (const int delay_ms : {0, 20}) {
    Service service(3);
    std::deque<std::pair<MonotonicTime, TestCluster::Mail>> under_way;
    service.lost = [&](const TestCluster::Mail& letter) {
      if (delay_ms == 0) return false;
      under_way.push_back({service.clock.time + milliseconds(delay_ms), letter});
      return true;
    };
    const auto pass_a_millisecond = [&] {
      while (!under_way.empty() && under_way.front().first <= service.clock.time) {
        auto& letter = under_way.front().second;
        service.find(letter.to)->inbox.put(Incoming{letter.from, std::move(letter.bytes)});
        under_way.pop_front();
      }
      service.rounds(1);
    };
    for (int i = 0; i < 11'000; ++i) pass_a_millisecond();  // forget how near they were
    size_t most_in_flight = 0;
    for (int i = 0; i < 1000; ++i) {
      ASSERT_TRUE(service.leader()->write("k", std::string(2000, 'v')));
      pass_a_millisecond();
      size_t in_flight = 0;
      auto& primary = *service.leader();
      for (SeqNo seqno = primary.replica->committed().seqno + 1;
           seqno <= primary.replica->last_signed(); ++seqno) {
        const auto bytes = primary.writer->read(seqno);
        const auto entry = bytes.ok() ? ledger::parse_entry(*bytes) : Error{"not written yet"};
        in_flight += entry.ok() && entry->private_domain.empty() ? 1 : 0;
      }
      if (i > 500) most_in_flight = std::max(most_in_flight, in_flight);
    }
    if (delay_ms == 0) {
      EXPECT_LE(most_in_flight, 1u);
    } else {
      EXPECT_GE(most_in_flight, 4u);
      EXPECT_LE(most_in_flight, 8u);
    }
  }
}

/// The others could commit without it for ever, and all would pile up in its memory.
TEST(Cluster, APrimaryWhoseDiskDoesNotFollowTurnsWritesAwayAndGivesWay) {
  Service service(3, [](ReplicaOptions& options) { options.max_uncommitted_bytes = 0; });
  auto& slow = *service.leader();
  slow.sink->hold = true;
  const std::string value(4 << 20, 'v');
  TxId last;
  int written = 0;
  for (; slow.leads() && !slow.replica->over_limit() && written < 100; ++written) {
    last = *slow.write("k", value);
    service.rounds(10);
  }
  EXPECT_GE(written, 15);
  EXPECT_LE(written, 17);
  EXPECT_EQ(slow.replica->status(last), TxStatus::committed) << "by the others";
  ASSERT_TRUE(service.until([&] { return !slow.leads(); }));
  ASSERT_TRUE(service.until([&] { return service.leader() != nullptr; }));
  const TxId after = *service.leader()->write("k", "after");
  slow.sink->hold = false;
  slow.sink->release();
  ASSERT_TRUE(service.commit(after));
  EXPECT_FALSE(service.leader()->replica->over_limit());
}

TEST(Cluster, LeadershipIsConfirmedByAQuorumOnly) {
  Service service(3);
  auto& primary = *service.leader();
  const View view = primary.replica->view();
  std::vector<std::string> answers;
  const auto ask = [&](auto& node, View in, std::string name, milliseconds patience) {
    node.replica->confirm_leadership(in, service.clock.time + patience, [&, name](bool confirmed) {
      answers.push_back(name + (confirmed ? " yes" : " no"));
    });
  };
  using Answers = std::vector<std::string>;
  ask(*service.nodes[1], view, "backup", seconds(1));
  EXPECT_EQ(std::exchange(answers, {}), Answers{"backup no"});
  ask(primary, view, "first", seconds(1));
  ask(primary, view, "second", seconds(1));
  ask(primary, {view.value - 1}, "other view", seconds(1));
  primary.replica->step();
  EXPECT_EQ(std::exchange(answers, {}), Answers{"other view no"}) << "nobody has answered yet";
  service.rounds(5);
  EXPECT_EQ(std::exchange(answers, {}), (Answers{"first yes", "second yes"}));

  // Cut off it cannot know, whatever it was told before.
  service.lost = [&](const TestCluster::Mail& letter) {
    return letter.from == primary.id || letter.to == primary.id;
  };
  service.rounds(5);
  ask(primary, view, "impatient", milliseconds(50));
  ask(primary, view, "patient", seconds(1000));
  service.rounds(100);
  EXPECT_EQ(std::exchange(answers, {}), Answers{"impatient no"});
  ASSERT_TRUE(service.until([&] { return !primary.leads(); }));
  EXPECT_EQ(std::exchange(answers, {}), Answers{"patient no"});

  ASSERT_TRUE(service.until([&] { return service.leader() != nullptr; }));
  ask(*service.leader(), service.leader()->replica->view(), "at the end", seconds(1000));
  service.leader()->replica->answer_waiting();
  EXPECT_EQ(answers, Answers{"at the end no"});
}

/// A primary whose signatures are by another key than the service knows.
TEST(Cluster, SignaturesOfAnotherServiceAreRefused) {
  Service service(1);
  service.service = crypto::KeyPair::generate(crypto::Curve::p256);
  service.add_node();  // believes in another service key than the primary signs with
  const TxId trusted = service.set_status({1}, "Trusted");
  service.rounds(500);
  EXPECT_EQ(service.nodes[1]->replica->committed(), TxId{});
  EXPECT_NE(service.nodes[1]->replica->status(trusted), TxStatus::committed);
}

TEST(Cluster, WritersAreHeldUpBeforeTheyAreTurnedAway) {
  Service service(1, [](ReplicaOptions& options) { options.max_uncommitted_transactions = 10; });
  auto& node = *service.nodes[0];
  service.rounds(50);
  node.sink->hold = true;
  for (int i = 0; i < 6; ++i) node.write("k", "v");
  ASSERT_FALSE(node.replica->over_limit());
  EXPECT_TRUE(node.replica->brake());  // returns although nothing commits
  const TxId before = node.replica->committed();
  std::thread writer([&] { node.replica->brake(); });  // while commits move, or after that
  node.sink->hold = false;
  node.sink->release();
  service.rounds(50);
  writer.join();
  EXPECT_GT(node.replica->committed(), before);
  EXPECT_FALSE(node.replica->brake());  // nothing waits any more
}

TEST(Cluster, TheLargestTransactionReachesEveryNode) {
  Service service(3, [](ReplicaOptions& options) { options.max_uncommitted_bytes = 0; });
  auto& primary = *service.leader();
  const std::string value(4 << 20, 'v');
  auto tx = primary.store.begin();
  size_t written = 0;
  while (written + value.size() + 1100 < kv::max_transaction_size) {
    // Every other map with a name as long as names may be: that counts as well.
    std::string map = "m" + std::to_string(written);
    if (written % 2 == 0) map.resize(kv::max_map_name_size, 'm');
    tx.rw(map).put(as_bytes("k"), as_bytes(value));
    written += value.size() + map.size() + 100;
  }
  const auto result = primary.lane->commit(tx);
  ASSERT_EQ(result.status, kv::CommitStatus::committed);
  primary.lane->hand_over();
  size_t largest = 0;
  service.lost = [&](const TestCluster::Mail& letter) {
    largest = std::max(largest, letter.bytes.size());
    return false;
  };
  ASSERT_TRUE(service.commit(result.id));
  EXPECT_GT(largest, 60u << 20);
  EXPECT_LE(largest, max_message_size);
  EXPECT_EQ(service.nodes[2]->replica->message_counts().dropped, 0u);
}

TEST(Cluster, APrimaryShowsWhatItsPeersAcknowledged) {
  Service service(3);
  const TxId id = *service.leader()->write("k", "v");
  ASSERT_TRUE(service.commit(id));
  service.rounds(1, milliseconds(200));
  service.rounds(20);
  const auto details = service.leader()->replica->details();
  ASSERT_EQ(details.acks.size(), 2u);
  for (const auto& [node, ack] : details.acks) {
    EXPECT_EQ(ack.match, service.leader()->replica->last().seqno);
    EXPECT_LT(ack.last_heard, milliseconds(300));
  }
  EXPECT_TRUE(service.nodes[1]->replica->details().acks.empty());
}

/// Random faults: loss, cuts, pauses; then everything heals and all agree.
TEST(Cluster, AnyFaultsEndInAgreement) {
  EXPECT_TRUE(rc::check([] {
    Service service(3);
    std::vector<TxId> ids;
    const auto script = *rc::gen::container<std::vector<uint16_t>>(*rc::gen::inRange<size_t>(0, 60),
                                                                   rc::gen::arbitrary<uint16_t>());
    std::set<std::pair<NodeId, NodeId>> cut;
    uint64_t lots = 0;
    service.lost = [&](const TestCluster::Mail& letter) {
      return cut.contains({letter.from, letter.to}) || (lots != 0 && ++lots % 5 == 0);
    };
    for (const uint16_t action : script) {
      auto& node = *service.nodes[action / 8 % 3];
      auto& other = *service.nodes[action / 32 % 3];
      switch (action % 8) {
        case 0:
        case 1:
        case 2:
          if (const auto id = node.write(std::to_string(action), "v")) ids.push_back(*id);
          break;
        case 3:
          cut.insert({node.id, other.id});
          break;
        case 4:
          cut.clear();
          break;
        case 5:
          lots = lots == 0 ? 1 : 0;
          break;
        case 6:
          node.sink->hold = !node.sink->hold;
          if (!node.sink->hold) node.sink->release();
          break;
        case 7:
          service.rounds(40, milliseconds(100));
          break;
      }
      service.rounds(action / 64 % 8);
    }
    cut.clear();
    lots = 0;
    for (const auto& node : service.nodes) {
      node->sink->hold = false;
      node->sink->release();
    }
    std::optional<TxId> last;
    RC_ASSERT(service.until([&] {
      auto* leader = service.leader();
      if (leader != nullptr && !last) last = leader->write("last", "v");
      if (last && leader != nullptr && leader->replica->status(*last) == TxStatus::invalid)
        last.reset();
      return last && service.committed_everywhere(*last);
    }));
    service.expect_agreement();
    for (const TxId id : ids) {
      const TxStatus status = service.nodes[0]->replica->status(id);
      RC_ASSERT(status == TxStatus::committed || status == TxStatus::invalid);
      for (const auto& node : service.nodes) RC_ASSERT(node->replica->status(id) == status);
    }
  }));
}

}  // namespace
}  // namespace entente::replica
