// The pipeline of one copy, stepped by hand: manual clock, ledger in memory.
#include "replica/replica.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <thread>

#include "base/memory_disk.h"
#include "crypto/x509_issue.h"
#include "ledger/entry_sealer.h"
#include "ledger/ledger_writer.h"
#include "ledger/merkle.h"
#include "ledger/signature.h"
#include "replica/inbox.h"
#include "replica/ledger_sink.h"
#include "replica/ledger_thread.h"
#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

using std::chrono::microseconds;

struct Fixture {
  explicit Fixture(ReplicaOptions changed = {.signer = make_signer()}) {
    ledger::LedgerConfig config;
    config.main = "ledger";
    auto opened = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
    EXPECT_TRUE(opened.ok());
    writer = std::move(*opened);
    sink = std::make_unique<DirectSink>(*writer, inbox);
    changed.self = NodeId{changed.signer->node_key.public_key().id()};
    changed.address = "127.0.0.1:1";
    changed.secrets = test_secrets();
    replica = std::make_unique<Replica>(std::move(changed), store, inbox, *sink, transport, clock);
    replica->start_service();
    lane = replica->make_lane();
  }

  static ledger::Signer make_signer() {
    return test_signer(crypto::KeyPair::generate(crypto::Curve::p256));
  }

  TxId write(std::string_view key, std::string_view value, CommitOptions options = {}) {
    auto tx = store.begin();
    tx.rw("records").put(as_bytes(key), as_bytes(value));
    const auto result = lane->commit(tx, options);
    EXPECT_EQ(result.status, kv::CommitStatus::committed);
    return result.id;
  }

  /// Steps until nothing moves any more at this moment.
  void settle() {
    for (int i = 0; i < 8; ++i) replica->step();
  }

  ManualClock clock;
  MemoryDisk disk;
  std::unique_ptr<ledger::LedgerWriter> writer;
  kv::Store store;
  Inbox inbox;
  std::unique_ptr<DirectSink> sink;
  NoTransport transport;
  std::unique_ptr<Replica> replica;
  std::unique_ptr<Lane> lane;
};

TEST(Replica, AWriteIsPendingUntilASignatureCoversItAndThenCommitted) {
  Fixture fixture;
  const TxId id = fixture.write("a", "1");
  EXPECT_EQ(id, (TxId{first_view, {1}}));
  EXPECT_EQ(fixture.replica->status(id), TxStatus::pending);
  fixture.settle();
  EXPECT_EQ(fixture.replica->committed(), TxId{});  // still in the lane
  fixture.lane->hand_over();
  fixture.settle();
  EXPECT_EQ(fixture.replica->committed(), (TxId{first_view, {2}}));
  EXPECT_EQ(fixture.replica->status(id), TxStatus::committed);
  EXPECT_EQ(fixture.replica->last_signed(), SeqNo{2});
  EXPECT_EQ(fixture.writer->last(), SeqNo{2});
  EXPECT_EQ(fixture.store.committed(), SeqNo{2});
  EXPECT_EQ(fixture.replica->view_starts(), (std::vector<SeqNo>{{1}, {1}}));
}

TEST(Replica, CommitWaitsForTheLedger) {
  Fixture fixture;
  fixture.sink->hold = true;
  const TxId id = fixture.write("a", "1");
  fixture.lane->hand_over();
  fixture.settle();
  EXPECT_EQ(fixture.replica->last_signed(), SeqNo{2});
  EXPECT_EQ(fixture.replica->status(id), TxStatus::pending);
  fixture.sink->release();
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(id), TxStatus::committed);
}

TEST(Replica, ASignatureWaitsForAllEarlierEntriesAndHoldsUpNone) {
  Fixture fixture;
  const auto other = fixture.replica->make_lane();
  fixture.write("a", "1");  // seqno 1, stays in its lane
  auto tx = fixture.store.begin();
  tx.rw("records").put(as_bytes("b"), as_bytes("2"));
  EXPECT_EQ(other->commit(tx).id.seqno, SeqNo{2});
  other->hand_over();
  fixture.settle();
  EXPECT_EQ(fixture.replica->last_signed(), SeqNo{0});
  fixture.lane->hand_over();
  fixture.settle();
  EXPECT_EQ(fixture.replica->committed().seqno, SeqNo{3});
  EXPECT_EQ(fixture.store.last().seqno, SeqNo{3});
}

TEST(Replica, ALaneThatIsBusyHoldsUpTheOthersForAShortWhileOnly) {
  Fixture fixture;
  const auto other = fixture.replica->make_lane();
  const TxId first = fixture.write("a", "1");  // and now its thread runs something long
  auto tx = fixture.store.begin();
  tx.rw("records").put(as_bytes("b"), as_bytes("2"));
  const TxId second = other->commit(tx).id;
  other->hand_over();
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(second), TxStatus::pending);
  const auto again = fixture.replica->step();
  ASSERT_TRUE(again);
  EXPECT_LE(*again, fixture.clock.time + gap_patience);
  fixture.clock.time += gap_patience - microseconds(1);
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(second), TxStatus::pending);
  fixture.clock.time += microseconds(1);
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(first), TxStatus::committed);
  EXPECT_EQ(fixture.replica->status(second), TxStatus::committed);

  // The lane does not notice.
  fixture.lane->hand_over();
  const TxId third = fixture.write("c", "3");
  fixture.lane->hand_over();
  fixture.clock.time += microseconds(100'000);
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(third), TxStatus::committed);
}

TEST(Replica, ALaneThatIsBusyDoesNotHoldUpASignature) {
  Fixture fixture;
  fixture.write("a", "1", {.urgent = true});
  fixture.lane->hand_over();
  fixture.sink->hold = true;
  fixture.settle();
  const TxId kept = fixture.write("b", "2");  // stays in the lane; nobody else waits behind it
  fixture.clock.time += microseconds(2'000'000);
  fixture.sink->release();
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(kept), TxStatus::pending);
  const auto other = fixture.replica->make_lane();
  auto tx = fixture.store.begin();
  tx.rw("records").put(as_bytes("c"), as_bytes("3"));
  const TxId last = other->commit(tx).id;
  other->hand_over();
  for (int i = 0; i < 3; ++i) {
    fixture.clock.time += gap_patience;
    fixture.settle();
  }
  fixture.sink->hold = false;
  fixture.sink->release();
  fixture.settle();
  EXPECT_EQ(fixture.replica->status(last), TxStatus::committed);
}

/// Reads every entry back, rebuilds the tree and checks every signature's root.
void check_ledger(const Fixture& fixture) {
  ledger::MerkleTree tree;
  ledger::EntrySealer opener(test_secrets());
  SeqNo signatures{0};
  for (SeqNo seqno{1}; seqno <= fixture.writer->last(); ++seqno) {
    const auto bytes = fixture.writer->read(seqno);
    ASSERT_TRUE(bytes.ok());
    const auto entry = ledger::parse_entry(*bytes);
    ASSERT_TRUE(entry.ok());
    ASSERT_EQ(entry->txid, (TxId{first_view, seqno}));
    Bytes plaintext;
    const auto writes = opener.open_maps(*entry, plaintext);
    ASSERT_TRUE(writes.ok()) << writes.error().message;
    const auto signature = ledger::read_signature(*writes, entry->txid);
    ASSERT_TRUE(signature.ok());
    if (*signature) {
      ASSERT_EQ((*signature)->node.root, tree.root());
      signatures = seqno;
    }
    tree.append(ledger::entry_leaf(*entry, crypto::sha256(*bytes)));
  }
  EXPECT_EQ(signatures, fixture.replica->last_signed());
}

TEST(Replica, AnyInterleavingOfLanesGivesAValidLedger) {
  EXPECT_TRUE(rc::check([] {
    Fixture fixture;
    std::vector<std::unique_ptr<Lane>> lanes;
    for (int i = 0; i < 3; ++i) lanes.push_back(fixture.replica->make_lane());
    const auto actions = *rc::gen::container<std::vector<uint8_t>>(rc::gen::arbitrary<uint8_t>());
    for (const uint8_t action : actions) {
      Lane& lane = *lanes[action % 3];
      switch (action / 3 % 5) {
        case 0:
        case 1: {
          auto tx = fixture.store.begin();
          tx.rw(action & 1 ? "public:open" : "records").put(Bytes{action}, Bytes(action, action));
          RC_ASSERT(lane.commit(tx).status == kv::CommitStatus::committed);
          break;
        }
        case 2:
          lane.hand_over();
          break;
        case 3:
          fixture.replica->step();
          break;
        case 4:
          fixture.clock.time += microseconds(action * 100);
          break;
      }
    }
    for (const auto& lane : lanes) lane->hand_over();
    fixture.settle();
    fixture.clock.time += microseconds(100'000);
    fixture.settle();
    check_ledger(fixture);
    RC_ASSERT(fixture.replica->committed().seqno == fixture.store.last().seqno);
  }));
}

TEST(Replica, ChunksCloseAtTheConfiguredSizeAndOnRequest) {
  ReplicaOptions options{.signer = Fixture::make_signer()};
  options.chunk_size = 3000;
  Fixture fixture(std::move(options));
  for (int i = 0; i < 30; ++i) {
    fixture.write(std::to_string(i), std::string(500, 'x'));
    fixture.lane->hand_over();
    fixture.settle();
    fixture.clock.time += microseconds(20'000);
  }
  const auto files = fixture.disk.list("ledger");
  ASSERT_TRUE(files.ok());
  EXPECT_GT(files->size(), 3u);
  EXPECT_TRUE(files->front().ends_with(".committed")) << files->front();
}

TEST(Replica, ChunksCloseOnRequest) {
  Fixture fixture;
  for (int i = 0; i < 3; ++i) {
    if (i == 1) fixture.replica->request_chunk();
    fixture.write("k", "v");
    fixture.lane->hand_over();
    fixture.settle();
    fixture.clock.time += microseconds(20'000);
  }
  EXPECT_EQ(*fixture.disk.list("ledger"),
            (std::vector<std::string>{"ledger_1-4.committed", "ledger_5"}));
}

TEST(Replica, WaitersAreAnsweredAtCommitOrAtTheirDeadline) {
  Fixture fixture;
  std::vector<std::pair<TxId, TxStatus>> answers;
  const auto wait = [&](TxId id, microseconds patience) {
    fixture.replica->when_final(id, fixture.clock.time + patience, [&answers, id](TxStatus status) {
      answers.push_back({id, status});
    });
  };
  fixture.sink->hold = true;
  const TxId first = fixture.write("a", "1");
  fixture.lane->hand_over();
  wait(first, microseconds(5000));
  wait(first, microseconds(50'000));
  fixture.settle();
  EXPECT_TRUE(answers.empty());
  fixture.clock.time += microseconds(6000);
  fixture.settle();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second, TxStatus::pending);
  fixture.sink->release();
  fixture.settle();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[1].second, TxStatus::committed);
  wait(first, microseconds(1));  // final already: at once
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[2].second, TxStatus::committed);
  wait({{1}, {1}}, microseconds(1));
  EXPECT_EQ(answers[3].second, TxStatus::invalid);
}

TEST(Replica, RefusesMoreWhenTooMuchIsUncommitted) {
  ReplicaOptions options{.signer = Fixture::make_signer()};
  options.max_uncommitted_transactions = 4;
  Fixture fixture(std::move(options));
  fixture.sink->hold = true;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(fixture.replica->over_limit());
    fixture.write("a", "1");
  }
  EXPECT_TRUE(fixture.replica->over_limit());
  fixture.lane->hand_over();
  fixture.settle();
  fixture.sink->release();
  fixture.settle();
  EXPECT_FALSE(fixture.replica->over_limit());
}

TEST(Replica, RefusesMoreWhenTooManyBytesAreUncommitted) {
  for (const uint64_t most : {0u, 1000u}) {
    ReplicaOptions options{.signer = Fixture::make_signer()};
    options.max_uncommitted_bytes = most;
    Fixture fixture(std::move(options));
    fixture.sink->hold = true;
    fixture.write("a", std::string(1000, 'v'));
    EXPECT_EQ(fixture.replica->over_limit(), most != 0);
    fixture.lane->hand_over();
    fixture.settle();
    fixture.sink->release();
    fixture.settle();
    EXPECT_FALSE(fixture.replica->over_limit());
  }
}

TEST(LedgerThread, AFullDiskDelaysCommitAndLosesNothing) {
  MemoryDisk disk;
  ledger::LedgerConfig config;
  config.main = "ledger";
  auto writer = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
  ASSERT_TRUE(writer.ok());
  kv::Store store;
  Inbox inbox;
  ManualClock clock;
  NoTransport transport;
  auto thread = std::make_unique<LedgerThread>(**writer, inbox);
  ReplicaOptions options{.signer = Fixture::make_signer()};
  options.secrets = test_secrets();
  Replica replica(std::move(options), store, inbox, *thread, transport, clock);
  replica.start_service();
  const auto lane = replica.make_lane();
  disk.set_capacity(8);

  auto tx = store.begin();
  tx.rw("records").put(as_bytes("k"), as_bytes("v"));
  const TxId id = lane->commit(tx).id;
  lane->hand_over();
  for (int i = 0; i < 5; ++i) {
    replica.step();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(replica.status(id), TxStatus::pending);
  disk.set_capacity(1 << 20);
  while (replica.status(id) != TxStatus::committed) {
    inbox.wait_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
    replica.step();
  }
  EXPECT_EQ((*writer)->last(), SeqNo{2});
}

TEST(LedgerThread, GivesUpOnlyWhenTheNodeEndsAndSaysSo) {
  MemoryDisk disk;
  ledger::LedgerConfig config;
  config.main = "ledger";
  auto writer = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
  ASSERT_TRUE(writer.ok());
  Inbox inbox;
  ledger::EntrySealer sealer(test_secrets());
  LedgerThread thread(**writer, inbox);
  disk.set_capacity(8);
  for (uint64_t seqno = 1; seqno <= 3; ++seqno) {
    Bytes entry;
    sealer.seal({}, {first_view, {seqno}}, {}, 0, entry);
    thread.append({1}, {seqno}, std::make_shared<const Bytes>(std::move(entry)));
  }
  EXPECT_FALSE(thread.finish());
  EXPECT_FALSE(thread.finish());
  EXPECT_EQ((*writer)->last(), SeqNo{0});
  Inbox::Content content;
  inbox.take(content);
  EXPECT_TRUE(content.stable.empty());
}

TEST(LedgerThread, SlowWritesAreLogged) {
  for (const bool slow : {false, true}) {
    MemoryDisk disk;
    ledger::LedgerConfig config;
    config.main = "ledger";
    auto writer = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
    ASSERT_TRUE(writer.ok());
    Inbox inbox;
    ManualClock clock;
    clock.tick = microseconds(slow ? 10'000 : 9'999);  // what every write takes
    Bytes entry;
    ledger::EntrySealer(test_secrets()).seal({}, {first_view, {1}}, {}, 0, entry);
    testing::internal::CaptureStdout();
    LedgerThread thread(**writer, inbox, clock, microseconds(10'000));
    thread.append({1}, {1}, std::make_shared<const Bytes>(std::move(entry)));
    EXPECT_TRUE(thread.finish());
    const std::string log = testing::internal::GetCapturedStdout();
    EXPECT_EQ(log.find("Slow disk: 10000 us to write the ledger, up to 1") != log.npos, slow)
        << log;
  }
}

TEST(LedgerThread, EntriesThatDoNotFollowEndTheProcess) {
  MemoryDisk disk;
  ledger::LedgerConfig config;
  config.main = "ledger";
  auto writer = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
  ASSERT_TRUE(writer.ok());
  ledger::EntrySealer sealer(test_secrets());
  const auto write = [&](std::initializer_list<uint64_t> seqnos, bool cut) {
    Inbox inbox;
    LedgerThread thread(**writer, inbox);
    for (const uint64_t seqno : seqnos) {
      Bytes entry;
      sealer.seal({}, {first_view, {seqno}}, {}, 0, entry);
      if (cut) entry.pop_back();
      thread.append({1}, {seqno}, std::make_shared<const Bytes>(std::move(entry)));
    }
    thread.finish();
  };
  EXPECT_DEATH(write({1, 3}, false), "invariant broken");
  EXPECT_DEATH(write({1}, true), "invariant broken");
  // Nor does it matter whether the disk works: no amount of trying helps.
  Bytes first;
  sealer.seal({}, {first_view, {1}}, {}, 0, first);
  ASSERT_TRUE((*writer)->append(first).ok());
  disk.set_capacity(0);
  EXPECT_DEATH(write({3}, false), "invariant broken");
  write({2}, false);  // the disk alone: tried again until the node ends
  EXPECT_EQ((*writer)->last(), SeqNo{1});
}

TEST(Replica, ManyThreadsCommitAtOnce) {
  Fixture fixture;
  constexpr int threads = 3, writes = 400;
  fixture.clock.tick = gap_patience;  // lanes are looked into all the time
  std::thread pipeline([&] { fixture.replica->run(); });
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      const auto lane = fixture.replica->make_lane();
      for (int i = 0; i < writes; ++i) {
        for (;;) {
          auto tx = fixture.store.begin();
          auto counters = tx.rw("counter");
          const auto old = counters.get(as_bytes("n"));
          counters.put(
              as_bytes("n"),
              as_bytes(std::to_string(old ? std::stoi(std::string(as_text(*old))) + 1 : 1)));
          tx.rw("own").put(Bytes{static_cast<uint8_t>(t)}, Bytes{static_cast<uint8_t>(i)});
          if (lane->commit(tx).status == kv::CommitStatus::committed) break;
        }
        if (i % 7 == 0) lane->hand_over();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  fixture.replica->stop();
  pipeline.join();
  fixture.clock.time += microseconds(100'000);
  fixture.settle();
  auto tx = fixture.store.begin_read_only();
  EXPECT_EQ(as_text(*tx.ro("counter").get(as_bytes("n"))), std::to_string(threads * writes));
  check_ledger(fixture);
}

}  // namespace
}  // namespace entente::replica
