#include <benchmark/benchmark.h>

#include "crypto/random.h"
#include "ledger/entry_sealer.h"

namespace entente::ledger {
namespace {

std::shared_ptr<LedgerSecrets> one_secret() {
  auto secrets = std::make_shared<LedgerSecrets>();
  if (!secrets->add({1}, crypto::random_key())) std::abort();
  return secrets;
}

/// One private map with so many keys of 20 bytes and values of 20 bytes.
struct Writes {
  std::vector<std::string> keys;
  std::string value = std::string(20, 'v');
  kv::WriteSet set{{"records", {}}};

  explicit Writes(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      std::string key = std::to_string(i);
      keys.push_back(std::string(20 - key.size(), '0') + key);
    }
    for (const std::string& key : keys) set[0].writes.push_back({as_bytes(key), as_bytes(value)});
  }
};

/// Encoding, encryption, write set digest, commit evidence and its digest, leaf. This is the
/// hottest path of the product; the buffer is reused as the replica does.
void seal(benchmark::State& state) {
  EntrySealer sealer(one_secret());
  const Writes writes(static_cast<size_t>(state.range(0)));
  Bytes out;
  uint64_t seqno = 1'000'000;
  for (auto _ : state) {
    if (out.size() > (1 << 20)) out.clear();
    benchmark::DoNotOptimize(sealer.seal(writes.set, {{2}, {++seqno}}, Digest{}, 0, out));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * sealed_size(writes.set)));
}
BENCHMARK(seal)->Arg(1)->Arg(10)->Arg(100);

void open_maps(benchmark::State& state) {
  EntrySealer sealer(one_secret());
  const Writes writes(static_cast<size_t>(state.range(0)));
  Bytes bytes;
  sealer.seal(writes.set, {{2}, {1'000'000}}, Digest{}, 0, bytes);
  Bytes plaintext;
  for (auto _ : state) {
    const auto entry = parse_entry(bytes);
    benchmark::DoNotOptimize(sealer.open_maps(*entry, plaintext));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(open_maps)->Arg(1)->Arg(100);

void evidence_digest(benchmark::State& state) {
  const auto secrets = one_secret();
  uint64_t seqno = 1'000'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        commit_evidence_digest(secrets->latest()->commit_secret, {{2}, {++seqno}}));
  }
}
BENCHMARK(evidence_digest);

}  // namespace
}  // namespace entente::ledger
