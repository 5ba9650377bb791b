// Many threads on one store. Run it under the thread and address sanitizers.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "entente/kv.h"
#include "kv/store.h"

namespace entente::kv {
namespace {

constexpr int accounts = 64;
constexpr int64_t initial = 1000;
constexpr int transfers_per_worker = 3000;

const RawCopySerialisedMap<uint32_t, int64_t> balances("balances");
const RawCopySerialisedMap<std::string, uint64_t> log_of_worker("log");

int64_t total(ReadOnlyTx& tx) {
  int64_t sum = 0;
  tx.ro(balances).foreach_value([&](int64_t balance) {
    sum += balance;
    return true;
  });
  return sum;
}

/// Moves money between two random accounts; false if the store was not primary at the time.
bool transfer(Store& store, std::mt19937& random, std::atomic<uint64_t>& conflicts) {
  const uint32_t from = random() % accounts;
  const uint32_t to = random() % accounts;
  const int64_t amount = static_cast<int64_t>(random() % 10);
  while (true) {
    Tx tx = store.begin(Context::application);
    auto handle = tx.rw(balances);
    handle.put(from, *handle.get(from) - amount);
    handle.put(to, *handle.get(to) + amount);
    const CommitResult result = store.commit(tx);
    if (result.status == CommitStatus::committed) {
      // As the replica does: outside the lock, after others may have gone on.
      size_t bytes = 0;
      for (const MapWrites& map : Store::write_set(tx)) {
        for (const Write& write : map.writes) bytes += write.key.size() + write.value->size();
      }
      EXPECT_EQ(bytes, from == to ? 12u : 24u);
      return true;
    }
    if (result.status != CommitStatus::conflict) return false;
    ++conflicts;
  }
}

TEST(Stress, WorkersReadersReplicaAndRollbacks) {
  Store store;
  store.set_primary(first_view, {1});
  {
    Tx tx = store.begin();
    auto handle = tx.wo(balances);
    for (uint32_t i = 0; i < accounts; ++i) handle.put(i, initial);
    ASSERT_EQ(store.commit(tx).status, CommitStatus::committed);
    store.compact({1});
  }
  std::atomic<bool> stop{false};
  std::atomic<int> working{3};
  std::atomic<uint64_t> conflicts{0};
  std::vector<std::thread> threads;
  for (uint32_t worker = 0; worker < 3; ++worker) {
    threads.emplace_back([&, worker] {
      std::mt19937 random(worker);
      for (int i = 0; i < transfers_per_worker; ++i) transfer(store, random, conflicts);
      --working;
    });
  }
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      std::optional<Snapshot> held;
      Digest then;
      for (int i = 0; !stop; ++i) {
        ReadOnlyTx tx = store.begin_read_only(Context::application);
        EXPECT_EQ(total(tx), accounts * initial);
        tx.ro(balances).get_globally_committed(static_cast<uint32_t>(i % accounts));
        if (held) {
          EXPECT_EQ(state_digest(*held), then) << "a snapshot changed";
        }
        if (i % 16 == 0) {
          held.emplace(store.snapshot());
          then = state_digest(*held);
        }
        std::this_thread::yield();
      }
    });
  }
  // The replica: signs, compacts, and loses its leadership now and then.
  threads.emplace_back([&] {
    std::mt19937 random(99);
    uint64_t epoch = 1;
    uint64_t view = first_view.value;
    const Bytes signature(100, 7);
    for (int i = 0; working > 0; ++i) {
      if (const auto reserved = store.reserve({epoch})) {
        std::this_thread::yield();
        const WriteSet writes = {
            {"public:ccf.internal.signatures", {{ZeroBlockUnit::bytes, signature}}}};
        EXPECT_TRUE(store.fill(*reserved, writes));
        if (random() % 4 != 0) store.compact(reserved->id.seqno);
      }
      if (i % 16 == 15) {
        if (random() % 2 == 0) {
          store.set_follower({++epoch});
          std::this_thread::yield();
        }
        // The last that the log kept: anything not compacted may go.
        const SeqNo kept = store.committed();
        store.rollback(kept, {++view}, {++epoch});
        store.set_primary({view}, {epoch});
      }
      const auto id = store.last();
      EXPECT_LE(id.view.value, view);
      store.uncommitted_bytes();
    }
  });
  for (size_t i = 0; i < 3; ++i) threads[i].join();
  stop = true;
  for (size_t i = 3; i < threads.size(); ++i) threads[i].join();

  ReadOnlyTx tx = store.begin_read_only();
  EXPECT_EQ(total(tx), accounts * initial);
  store.compact(store.last().seqno);
  EXPECT_EQ(store.uncommitted_transactions(), 0u);
  EXPECT_EQ(store.uncommitted_bytes(), 0u);
  EXPECT_EQ(state_digest(store.snapshot()), state_digest(store.committed_snapshot()));
}

/// A backup that applies what the primary's workers commit, handed over in order.
TEST(Stress, BackupFollows) {
  Store primary;
  Store backup;
  primary.set_primary(first_view, {1});
  struct Entry {
    TxId id;
    std::vector<std::pair<Bytes, Bytes>> writes;
  };
  std::mutex mutex;
  std::map<uint64_t, Entry> inbox;  // guarded by mutex
  constexpr uint64_t per_worker = 2000;
  std::vector<std::thread> threads;
  for (int worker = 0; worker < 2; ++worker) {
    threads.emplace_back([&, worker] {
      for (uint64_t i = 0; i < per_worker; ++i) {
        Tx tx = primary.begin();
        tx.wo(log_of_worker).put(std::to_string(worker) + "." + std::to_string(i % 100), i);
        const CommitResult result = primary.commit(tx);
        ASSERT_EQ(result.status, CommitStatus::committed);
        Entry entry{result.id, {}};
        for (const Write& write : Store::write_set(tx)[0].writes) {
          entry.writes.emplace_back(to_bytes(write.key), to_bytes(*write.value));
        }
        std::lock_guard lock(mutex);
        inbox.emplace(result.id.seqno.value, std::move(entry));
      }
    });
  }
  threads.emplace_back([&] {
    for (uint64_t next = 1; next <= 2 * per_worker;) {
      Entry entry;
      {
        std::lock_guard lock(mutex);
        if (inbox.empty() || inbox.begin()->first != next) continue;
        entry = std::move(inbox.begin()->second);
        inbox.erase(inbox.begin());
      }
      WriteSet writes = {{"log", {}}};
      for (const auto& [key, value] : entry.writes) writes[0].writes.push_back({key, value});
      ASSERT_TRUE(backup.apply(entry.id, writes).ok());
      if (++next % 100 == 0) {
        backup.compact({next - 1});
        primary.compact({next - 1});
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(state_digest(primary.snapshot()), state_digest(backup.snapshot()));
}

}  // namespace
}  // namespace entente::kv
