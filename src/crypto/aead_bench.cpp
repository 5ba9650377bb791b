#include <benchmark/benchmark.h>

#include "crypto/aead.h"

namespace entente::crypto {
namespace {

void seal(benchmark::State& state) {
  Aes256Gcm cipher{SymmetricKey()};
  const Bytes aad(100, 1), plaintext(static_cast<size_t>(state.range(0)), 2);
  Bytes ciphertext(plaintext.size());
  GcmTag tag;
  GcmIv iv{};
  for (auto _ : state) {
    ++iv[0];
    cipher.seal(iv, aad, plaintext, ciphertext, tag);
    benchmark::DoNotOptimize(tag);
  }
}
BENCHMARK(seal)->Arg(0)->Arg(100)->Arg(1000)->Arg(100000);

void open(benchmark::State& state) {
  Aes256Gcm cipher{SymmetricKey()};
  const Bytes aad(100, 1), plaintext(static_cast<size_t>(state.range(0)), 2);
  Bytes ciphertext(plaintext.size()), opened(plaintext.size());
  GcmTag tag;
  const GcmIv iv{};
  cipher.seal(iv, aad, plaintext, ciphertext, tag);
  for (auto _ : state) benchmark::DoNotOptimize(cipher.open(iv, aad, ciphertext, tag, opened));
}
BENCHMARK(open)->Arg(100);

void key_set_up(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Aes256Gcm{SymmetricKey()});
}
BENCHMARK(key_set_up);

}  // namespace
}  // namespace entente::crypto
