#include <benchmark/benchmark.h>

#include "crypto/key.h"
#include "crypto/rsa.h"
#include "crypto/x509_issue.h"

namespace entente::crypto {
namespace {

constexpr auto microseconds = benchmark::kMicrosecond;

void sign_digest(benchmark::State& state) {
  const KeyPair key = KeyPair::generate(static_cast<Curve>(state.range(0)));
  const Digest digest = sha256(as_bytes("root"));
  for (auto _ : state) benchmark::DoNotOptimize(key.sign_digest(digest));
}
BENCHMARK(sign_digest)->ArgName("curve")->DenseRange(0, 2)->Unit(microseconds);

void verify_digest(benchmark::State& state) {
  const KeyPair key = KeyPair::generate(static_cast<Curve>(state.range(0)));
  const Digest digest = sha256(as_bytes("root"));
  const Bytes signature = key.sign_digest(digest);
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.public_key().verify_digest(digest, signature));
  }
}
BENCHMARK(verify_digest)->ArgName("curve")->DenseRange(0, 2)->Unit(microseconds);

void generate(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(KeyPair::generate(Curve::p256));
}
BENCHMARK(generate)->Unit(microseconds);

void verify_rs256(benchmark::State& state) {
  const RsaKeyPair key = RsaKeyPair::generate();
  const Bytes signature = key.sign_rs256(as_bytes("token"));
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.public_key().verify_rs256(as_bytes("token"), signature));
  }
}
BENCHMARK(verify_rs256)->Unit(microseconds);

void certificate_from_der(benchmark::State& state) {
  const auto made = self_signed_ca(KeyPair::generate(Curve::p256), "CN=user", {UnixTime(0), 365});
  for (auto _ : state) benchmark::DoNotOptimize(Certificate::from_der(made->der()));
}
BENCHMARK(certificate_from_der)->Unit(microseconds);

void public_key_of_certificate(benchmark::State& state) {
  const auto made = self_signed_ca(KeyPair::generate(Curve::p256), "CN=user", {UnixTime(0), 365});
  for (auto _ : state) benchmark::DoNotOptimize(made->public_key());
}
BENCHMARK(public_key_of_certificate)->Unit(microseconds);

}  // namespace
}  // namespace entente::crypto
