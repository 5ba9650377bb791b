#pragma once
// Several whole replicas in one thread, for tests: one clock, ledgers in memory, and a network that
// delivers what it is told to.

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/memory_disk.h"
#include "crypto/x509_issue.h"
#include "kv/store.h"
#include "ledger/ledger_writer.h"
#include "replica/inbox.h"
#include "replica/ledger_sink.h"
#include "replica/node_table.h"
#include "replica/replica.h"
#include "replica/transport.h"

namespace entente::replica {

class ManualClock final : public Clock {
 public:
  MonotonicTime now() const override { return time += tick; }
  UnixTime unix_time() const override { return UnixTime(1'700'000'000); }
  mutable MonotonicTime time{1'000'000};
  MonotonicTime tick{0};  ///< passes whenever somebody looks
};

/// Writes at once and says so at once, or holds that back.
class DirectSink final : public LedgerSink {
 public:
  DirectSink(ledger::LedgerWriter& writer, Inbox& inbox) : writer_(writer), inbox_(inbox) {}
  void append(consensus::Epoch epoch, SeqNo last, std::shared_ptr<const Bytes> entries) override {
    ASSERT_TRUE(writer_.append(*entries).ok());
    held_.push_back({epoch, last});
    if (!hold) release();
  }
  void commit(SeqNo seqno) override { ASSERT_TRUE(writer_.commit(seqno).ok()); }
  void truncate(SeqNo last) override { ASSERT_TRUE(writer_.truncate(last).ok()); }
  void read(LedgerRead wanted) override {
    if (hold_reads) return held_reads.push_back(std::move(wanted));
    const auto& append = std::get<consensus::message::AppendEntries>(wanted.message.body);
    wanted.last = append.prev.seqno;
    auto range = writer_.read_range(wanted.last + 1, append.end, 1 << 20);
    if (range.ok()) {
      wanted.entries = std::move(range->bytes);
      wanted.last = range->last;
    }
    inbox_.put(std::move(wanted));
  }
  void release() {
    for (const StableNotice& notice : held_) inbox_.put(notice);
    held_.clear();
  }
  void release_reads() {
    hold_reads = false;
    for (LedgerRead& wanted : std::exchange(held_reads, {})) read(std::move(wanted));
  }
  bool hold = false;
  bool hold_reads = false;
  std::vector<LedgerRead> held_reads;

 private:
  ledger::LedgerWriter& writer_;
  Inbox& inbox_;
  std::vector<StableNotice> held_;
};

inline std::shared_ptr<const ledger::LedgerSecrets> test_secrets() {
  auto secrets = std::make_shared<ledger::LedgerSecrets>();
  crypto::SymmetricKey key;
  std::fill(key.writable().begin(), key.writable().end(), uint8_t{7});
  EXPECT_TRUE(secrets->add(SeqNo{1}, key).ok());
  return secrets;
}

inline ledger::Signer test_signer(const crypto::KeyPair& service) {
  auto node = crypto::KeyPair::generate(crypto::Curve::p256);
  auto certificate = crypto::self_signed_ca(node, "CN=node", {UnixTime(1'700'000'000), 10});
  EXPECT_TRUE(certificate.ok());
  return {std::move(node), certificate->pem(), service, "issuer", "subject"};
}

class TestCluster {
 public:
  struct Mail {
    NodeId from, to;
    Bytes bytes;
  };

  class Node final : public Transport {
   public:
    explicit Node(TestCluster& cluster) : signer(test_signer(cluster.service)), cluster_(cluster) {
      ledger::LedgerConfig config;
      config.main = "ledger";
      auto opened = ledger::LedgerWriter::open(disk, config, ledger::StartUp::new_service);
      EXPECT_TRUE(opened.ok());
      writer = std::move(*opened);
      sink = std::make_unique<DirectSink>(*writer, inbox);
      ReplicaOptions options;
      cluster.configure(options);
      options.self = id = NodeId{signer.node_key.public_key().id()};
      options.address = "127.0.0.1:" + std::to_string(1 + cluster.nodes.size());
      address = options.address;
      if (cluster.nodes.empty()) {
        options.signer = signer;
        options.secrets = test_secrets();
      }
      options.seed = 1 + cluster.nodes.size();
      replica =
          std::make_unique<Replica>(std::move(options), store, inbox, *sink, *this, cluster.clock);
      lane = replica->make_lane();
    }
    void send(std::vector<Letter> sent) override {
      for (Letter& letter : sent) {
        cluster_.mail.push_back({id, std::move(letter.to), std::move(letter.bytes)});
      }
    }
    void set_peers(const std::map<NodeId, std::string>& addresses) override { peers = addresses; }

    /// Nullopt if this node does not accept writes.
    std::optional<TxId> write(std::string_view key, std::string_view value) {
      auto tx = store.begin();
      tx.rw("records").put(as_bytes(key), as_bytes(value));
      const auto result = lane->commit(tx);
      lane->hand_over();
      if (result.status != kv::CommitStatus::committed) return std::nullopt;
      return result.id;
    }
    std::string read(std::string_view key) {
      auto tx = store.begin_read_only();
      const auto value = tx.ro("records").get(as_bytes(key));
      return value ? to_text(*value) : "";
    }
    bool leads() const { return replica->is_primary(); }

    const ledger::Signer signer;
    NodeId id;
    std::string address;
    MemoryDisk disk;
    std::unique_ptr<ledger::LedgerWriter> writer;
    kv::Store store;
    Inbox inbox;
    std::unique_ptr<DirectSink> sink;
    std::unique_ptr<Replica> replica;
    std::unique_ptr<Lane> lane;
    std::map<NodeId, std::string> peers;
    bool alive = true;

   private:
    TestCluster& cluster_;
  };

  /// `configure` changes the options of every node.
  explicit TestCluster(std::function<void(ReplicaOptions&)> configure_nodes =
                           [](ReplicaOptions&) {})
      : configure(std::move(configure_nodes)) {
    nodes.push_back(std::make_unique<Node>(*this));
    nodes[0]->replica->start_service();
    set_status({0}, "Trusted");
  }

  Node& add_node() {
    nodes.push_back(std::make_unique<Node>(*this));
    const auto secrets = leader() != nullptr ? leader()->replica->secrets() : test_secrets();
    nodes.back()->replica->join_service(nodes.back()->signer, secrets);
    return *nodes.back();
  }

  /// One transaction that gives these nodes this status, by whoever leads.
  TxId set_status(const std::vector<size_t>& which, std::string_view status,
                  bool learning = false) {
    Node& primary = *leader();
    auto tx = primary.store.begin();
    auto table = tx.rw(nodes_info_map);
    for (const size_t i : which) {
      const std::string row = R"({"node_to_node_interface":{"published_address":")" +
                              nodes[i]->address + R"("},"status":")" + std::string(status) + "\"" +
                              (learning ? R"(,"learning":true})" : "}");
      table.put(as_bytes(nodes[i]->id.value), as_bytes(row));
    }
    const auto result = primary.lane->commit(tx, {.urgent = true});
    EXPECT_EQ(result.status, kv::CommitStatus::committed);
    primary.lane->hand_over();
    return result.id;
  }

  /// The living node that leads in the highest view, or null.
  Node* leader() {
    Node* found = nullptr;
    for (const auto& node : nodes) {
      if (!node->alive || !node->leads()) continue;
      if (found == nullptr || found->replica->view() < node->replica->view()) found = node.get();
    }
    return found;
  }
  Node* find(const NodeId& id) {
    for (const auto& node : nodes) {
      if (node->id == id) return node.get();
    }
    return nullptr;
  }

  /// One step of every living node, then everything sent is delivered, unless `lost` takes it.
  void round() {
    for (const auto& node : nodes) {
      if (node->alive) node->replica->step();
    }
    for (std::deque<Mail> now = std::exchange(mail, {}); Mail & letter : now) {
      Node* to = find(letter.to);
      if (to == nullptr || !to->alive || lost(letter)) continue;
      to->inbox.put(Incoming{letter.from, std::move(letter.bytes)});
    }
  }
  void rounds(int count, std::chrono::microseconds each = std::chrono::milliseconds(1)) {
    for (int i = 0; i < count; ++i) {
      round();
      clock.time += each;
    }
  }
  /// Rounds until the condition holds; false if it does not within so much time.
  template <typename Condition>
  bool until(const Condition& condition,
             std::chrono::microseconds patience = std::chrono::seconds(30)) {
    const auto end = clock.time + patience;
    while (!condition()) {
      if (clock.time > end) return false;
      rounds(1);
    }
    return true;
  }
  bool committed_everywhere(TxId id) {
    return std::all_of(nodes.begin(), nodes.end(), [&](const auto& node) {
      return !node->alive || node->replica->status(id) == TxStatus::committed;
    });
  }
  bool commit(TxId id) {
    return until([&] { return committed_everywhere(id); });
  }

  /// The ledgers agree byte for byte as far as both are committed.
  static void expect_same_ledgers(const Node& a, const Node& b) {
    const SeqNo last = std::min(a.replica->committed().seqno, b.replica->committed().seqno);
    for (SeqNo seqno{1}; seqno <= last; ++seqno) {
      const auto one = a.writer->read(seqno);
      const auto other = b.writer->read(seqno);
      ASSERT_TRUE(one.ok() && other.ok()) << seqno.value;
      ASSERT_EQ(*one, *other) << "entry " << seqno.value;
    }
  }

  ManualClock clock;
  crypto::KeyPair service = crypto::KeyPair::generate(crypto::Curve::p256);
  std::deque<Mail> mail;
  std::function<bool(const Mail&)> lost = [](const Mail&) { return false; };
  std::function<void(ReplicaOptions&)> configure;
  std::vector<std::unique_ptr<Node>> nodes;
};

}  // namespace entente::replica
