#pragma once
// One whole node of a simulated service, as far as replication goes: store, ledger on a disk in
// memory, replica and lane, driven by whoever owns it instead of threads. Its clock is the world's
// at a rate of its own.

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/memory_disk.h"
#include "kv/store.h"
#include "ledger/ledger_writer.h"
#include "replica/inbox.h"
#include "replica/ledger_work.h"
#include "replica/replica.h"
#include "replica/transport.h"
#include "sim/replicas/replica_plan.h"

namespace entente::sim {

class SkewedClock final : public Clock {
 public:
  explicit SkewedClock(const uint64_t& world) : world_(&world), since_(world) {}
  MonotonicTime now() const override {
    return MonotonicTime(static_cast<int64_t>(passed_ + (*world_ - since_) * permille_ / 1000));
  }
  UnixTime unix_time() const override { return UnixTime(1'700'000'000); }
  void set_rate(uint64_t permille) {
    passed_ = static_cast<uint64_t>(now().count());
    since_ = *world_;
    permille_ = permille;
  }
  /// World microseconds until this clock shows `later`.
  uint64_t until(MonotonicTime later) const {
    const int64_t left = (later - now()).count();
    return left <= 0 ? 0 : static_cast<uint64_t>(left) * 1000 / permille_ + 1;
  }

 private:
  const uint64_t* world_;
  uint64_t since_;
  uint64_t passed_ = 1'000'000;
  uint64_t permille_ = 1000;
};

/// Takes what the replica asks of its ledger; work() does it.
class QueuedLedger final : public replica::LedgerSink {
 public:
  QueuedLedger(ledger::LedgerWriter& writer, replica::Inbox& inbox, const Clock& clock)
      : work_(writer, inbox, clock, MonotonicTime::max()) {}
  void append(consensus::Epoch epoch, SeqNo last, std::shared_ptr<const Bytes> entries) override {
    tasks_.push_back(replica::ledger_task::Append{epoch, last, std::move(entries)});
  }
  void commit(SeqNo seqno) override { tasks_.push_back(replica::ledger_task::Commit{seqno}); }
  void truncate(SeqNo last) override { tasks_.push_back(replica::ledger_task::Truncate{last}); }
  void read(replica::LedgerRead wanted) override { tasks_.push_back(std::move(wanted)); }

  bool idle() const { return tasks_.empty(); }
  /// False if the disk refused; the rest stays.
  bool work() { return !work_.perform(tasks_); }

 private:
  replica::LedgerWork work_;
  std::deque<replica::LedgerTask> tasks_;
};

class ReplicaNode final : public replica::Transport {
 public:
  /// What the nodes of one service have in common.
  struct Service {
    crypto::KeyPair key;
    std::shared_ptr<const ledger::LedgerSecrets> secrets;
  };
  using Post = std::function<void(ReplicaNode& from, replica::Letter letter)>;

  ReplicaNode(size_t index, const ReplicaPlan& plan, const Service& service, const uint64_t& world,
              Post post);
  void start();
  void join(const Service& service);

  void send(std::vector<replica::Letter> letters) override {
    for (replica::Letter& letter : letters) post_(*this, std::move(letter));
  }
  void set_peers(const std::map<NodeId, std::string>&) override {}

  bool leads() const { return replica->is_primary(); }
  /// Puts rows of nodes with this status into the table, if it leads.
  std::optional<TxId> set_status(const std::vector<const ReplicaNode*>& nodes,
                                 std::string_view status, bool learning = false);

  const size_t index;
  const ledger::Signer signer;
  NodeId id;
  std::string address;
  SkewedClock clock;
  MemoryDisk disk;
  std::unique_ptr<ledger::LedgerWriter> writer;
  kv::Store store;
  replica::Inbox inbox;
  std::unique_ptr<QueuedLedger> ledger;
  std::unique_ptr<replica::Replica> replica;
  std::unique_ptr<replica::Lane> lane;

  // What its host does to it.
  bool dead = false;
  bool paused = false;
  uint64_t disk_delay = 50;
  uint64_t step_delay = 20;
  uint64_t step_number = 0;  // of the step that is due; earlier ones are void
  bool disk_scheduled = false;
  uint64_t under_way = 0;  // bytes of messages to it
  bool asked_to_leave = false;

 private:
  Post post_;
};

}  // namespace entente::sim
