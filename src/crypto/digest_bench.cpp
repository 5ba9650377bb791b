#include <benchmark/benchmark.h>

#include "crypto/digest.h"
#include "crypto/siphash.h"

namespace entente::crypto {
namespace {

void sha256_of_n_bytes(benchmark::State& state) {
  const Bytes data(static_cast<size_t>(state.range(0)), 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(sha256(data));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sha256_of_n_bytes)->Arg(32)->Arg(64)->Arg(96)->Arg(256)->Arg(1024)->Arg(16384);

void sha256_of_three_digests(benchmark::State& state) {
  Digest digest;
  for (auto _ : state) benchmark::DoNotOptimize(digest = sha256({digest, digest, digest}));
}
BENCHMARK(sha256_of_three_digests);

void merkle_node(benchmark::State& state) {
  Digest left, right;
  for (auto _ : state) benchmark::DoNotOptimize(left = sha256_pair(left, right));
}
BENCHMARK(merkle_node);

void hmac_of_8_bytes(benchmark::State& state) {
  const HmacSha256 hmac(Bytes(32, 1));
  const Bytes data(8, 2);
  for (auto _ : state) benchmark::DoNotOptimize(hmac.mac(data));
}
BENCHMARK(hmac_of_8_bytes);

void hmac_key_schedule(benchmark::State& state) {
  const Bytes key(32, 1);
  for (auto _ : state) benchmark::DoNotOptimize(HmacSha256(key));
}
BENCHMARK(hmac_key_schedule);

void siphash_of_32_bytes(benchmark::State& state) {
  const Bytes data(32, 7);
  for (auto _ : state) benchmark::DoNotOptimize(siphash24(data, 1, 2));
}
BENCHMARK(siphash_of_32_bytes);

}  // namespace
}  // namespace entente::crypto
