// The store alone: no encoding, no cryptography, no network. "Put" is a whole transaction, from
// begin() to the end of commit(), with compaction in batches as under a running replica.

#include <benchmark/benchmark.h>
#include <mimalloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <thread>

#include "entente/kv.h"
#include "kv/btree.h"
#include "kv/store.h"

namespace entente::kv {
namespace {

// As the programs do (src/cli/large_pages.h).
const bool large_pages = [] {
  mi_option_set_enabled_default(mi_option_large_os_pages, true);
  return true;
}();

constexpr size_t million = 1'000'000;
constexpr uint64_t compaction_interval = 1024;

/// 20 bytes: 12 of text that all keys share, 8 digits.
struct Key {
  char text[24];
  explicit Key(uint64_t i) { std::snprintf(text, sizeof text, "account-0000%08u", unsigned(i)); }
  BytesView bytes() const { return as_bytes(std::string_view(text, 20)); }
};

constexpr std::string_view value_text = "12345678901234567890";

size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

void put_one(Store& store, BytesView key, BytesView value) {
  Tx tx = store.begin(Context::application);
  tx.wo("accounts").put(key, value);
  benchmark::DoNotOptimize(store.commit(tx));
}

void compact_sometimes(Store& store, uint64_t i) {
  if (i % compaction_interval == 0) store.compact(store.last().seqno);
}

/// A store with `count` keys in random order of insertion, as a service would grow.
std::unique_ptr<Store> filled_store(size_t count) {
  auto store = std::make_unique<Store>();
  store->set_primary(first_view, {1});
  std::vector<uint32_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = static_cast<uint32_t>(i);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  uint64_t done = 0;
  for (const uint32_t i : order) {
    put_one(*store, Key(i).bytes(), as_bytes(value_text));
    compact_sometimes(*store, ++done);
  }
  store->compact(store->last().seqno);
  return store;
}

/// The same for all benchmarks that only overwrite: filling takes longer than measuring.
Store& shared_store(size_t count) {
  static std::map<size_t, std::unique_ptr<Store>> known;
  std::unique_ptr<Store>& store = known[count];
  if (!store) store = filled_store(count);
  return *store;
}

/// Keys prepared beforehand, so that the benchmark measures the store and not snprintf.
const std::vector<Key>& random_keys(size_t range) {
  static std::map<size_t, std::vector<Key>> known;
  std::vector<Key>& keys = known[range];
  if (keys.empty()) {
    std::mt19937_64 random(7);
    for (size_t i = 0; i < million; ++i) keys.emplace_back(random() % range);
  }
  return keys;
}

/// First, before freed memory hides it: growth of the process by a million keys of 20 bytes with
/// values of 20 bytes.
void memory_of_a_million_keys(benchmark::State& state) {
  for (auto _ : state) {
    const size_t before = resident_bytes();
    const auto store = filled_store(million);
    state.counters["resident_MB"] = double(resident_bytes() - before) / 1e6;
  }
}
BENCHMARK(memory_of_a_million_keys)->Iterations(1)->Unit(benchmark::kMillisecond);

void put_random(benchmark::State& state) {
  const auto range = static_cast<size_t>(state.range(0));
  Store* const store = &shared_store(range);
  const auto& keys = random_keys(range);
  uint64_t i = 0;
  for (auto _ : state) {
    put_one(*store, keys[i % million].bytes(), as_bytes(value_text));
    compact_sometimes(*store, ++i);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(put_random)->Arg(1000)->Arg(million);

/// Every insertion makes a new key, in ascending order.
void put_ascending(benchmark::State& state) {
  Store store;
  store.set_primary(first_view, {1});
  uint64_t i = 0;
  for (auto _ : state) {
    put_one(store, Key(i).bytes(), as_bytes(value_text));
    compact_sometimes(store, ++i);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(put_ascending);

void get_random(benchmark::State& state) {
  const auto range = static_cast<size_t>(state.range(0));
  Store* const store = &shared_store(range);
  const auto& keys = random_keys(range);
  uint64_t i = 0;
  for (auto _ : state) {
    ReadOnlyTx tx = store->begin_read_only(Context::application);
    benchmark::DoNotOptimize(tx.ro("accounts").get(keys[i++ % million].bytes()));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(get_random)->Arg(1000)->Arg(million);

/// Reads two keys, writes both: a transfer.
void transfer(benchmark::State& state) {
  const auto range = static_cast<size_t>(state.range(0));
  Store* const store = &shared_store(range);
  const auto& keys = random_keys(range);
  uint64_t i = 0;
  for (auto _ : state) {
    Tx tx = store->begin(Context::application);
    auto accounts = tx.rw("accounts");
    const BytesView from = keys[i % million].bytes();
    const BytesView to = keys[(i + 1) % million].bytes();
    const auto a = accounts.get(from);
    const auto b = accounts.get(to);
    accounts.put(from, *b);
    accounts.put(to, *a);
    benchmark::DoNotOptimize(store->commit(tx));
    compact_sometimes(*store, ++i);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(transfer)->Arg(1000)->Arg(million);

/// Nine reads for one write, each a transaction of its own.
void mixed(benchmark::State& state) {
  Store* const store = &shared_store(million);
  const auto& keys = random_keys(million);
  uint64_t i = 0;
  for (auto _ : state) {
    const BytesView key = keys[i++ % million].bytes();
    if (i % 10 == 0) {
      put_one(*store, key, as_bytes(value_text));
      compact_sometimes(*store, i / 10);
    } else {
      ReadOnlyTx tx = store->begin_read_only(Context::application);
      benchmark::DoNotOptimize(tx.ro("accounts").get(key));
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(mixed);

/// A reader takes a new snapshot every so many writes: every path is copied once per snapshot.
void put_beside_snapshots(benchmark::State& state) {
  Store* const store = &shared_store(million);
  const auto& keys = random_keys(million);
  std::optional<Snapshot> held;
  uint64_t i = 0;
  for (auto _ : state) {
    if (i % static_cast<uint64_t>(state.range(0)) == 0) held.emplace(store->snapshot());
    put_one(*store, keys[i % million].bytes(), as_bytes(value_text));
    compact_sometimes(*store, ++i);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(put_beside_snapshots)->Arg(1)->Arg(100)->Arg(10000);

/// Another thread reads, with a snapshot each time, as fast as it can.
void put_beside_reader(benchmark::State& state) {
  Store* const store = &shared_store(million);
  const auto& keys = random_keys(million);
  std::atomic<bool> stop{false};
  uint64_t reads = 0;
  std::thread reader([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      ReadOnlyTx tx = store->begin_read_only(Context::application);
      benchmark::DoNotOptimize(tx.ro("accounts").get(keys[reads++ % million].bytes()));
    }
  });
  uint64_t i = 0;
  for (auto _ : state) {
    put_one(*store, keys[i % million].bytes(), as_bytes(value_text));
    compact_sometimes(*store, ++i);
  }
  stop = true;
  reader.join();
  state.SetItemsProcessed(state.iterations());
  state.counters["reads/s"] = benchmark::Counter(double(reads), benchmark::Counter::kIsRate);
}
BENCHMARK(put_beside_reader)->UseRealTime();

/// Two workers transfer concurrently.
void transfer_two_workers(benchmark::State& state) {
  static Store* store = nullptr;
  static const std::vector<Key>* known_keys = nullptr;
  if (state.thread_index() == 0) {  // all wait for each other before the first iteration
    store = &shared_store(million);
    known_keys = &random_keys(million);
  }
  uint64_t i = static_cast<uint64_t>(state.thread_index()) * 500'000;
  uint64_t conflicts = 0;
  for (auto _ : state) {
    const std::vector<Key>& keys = *known_keys;
    const BytesView from = keys[i % million].bytes();
    const BytesView to = keys[(i + 1) % million].bytes();
    while (true) {
      Tx tx = store->begin(Context::application);
      auto accounts = tx.rw("accounts");
      const auto a = accounts.get(from);
      const auto b = accounts.get(to);
      accounts.put(from, *b);
      accounts.put(to, *a);
      if (store->commit(tx).status == CommitStatus::committed) break;
      ++conflicts;
    }
    ++i;
    if (state.thread_index() == 0) compact_sometimes(*store, i);
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["conflicts"] = double(conflicts);
}
BENCHMARK(transfer_two_workers)->Threads(2)->UseRealTime();

void scan(benchmark::State& state) {
  Store* const store = &shared_store(million);
  for (auto _ : state) {
    ReadOnlyTx tx = store->begin_read_only(Context::application);
    size_t bytes = 0;
    tx.ro("accounts").foreach ([&](BytesView key, BytesView value) {
      bytes += key.size() + value.size();
      return true;
    });
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(million));
}
BENCHMARK(scan)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace entente::kv
