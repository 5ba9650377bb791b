// What a link costs: two nodes in one process over loopback. CPU is that of the whole process:
// sender, both link threads, receiver.

#include <benchmark/benchmark.h>
#include <time.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "base/log.h"
#include "crypto/x509_issue.h"
#include "net/links.h"

namespace entente::net {
namespace {

LinkIdentity make_identity() {
  auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  auto certificate = crypto::self_signed_ca(key, "CN=Node", {UnixTime(0), 1});
  return {std::move(key), std::move(*certificate)};
}

/// The lines about connections that end between measurements would stand in the table.
const bool quiet = (log::set_level(log::Level::fatal), true);

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Node {
  Node() : identity(make_identity()), id{identity.key.public_key().id()} {
    auto made = Links::listen({});
    if (!made) throw std::runtime_error(made.error().message);
    links = std::move(*made);
  }
  void start() {
    const auto started =
        links->start(identity, {.known = [](const NodeId&) { return true; },
                                .received =
                                    [this](const NodeId&, MessageKind, Bytes payload) {
                                      bytes += payload.size();
                                      ++messages;
                                      return Flow::go_on;
                                    },
                                .end_of_batch =
                                    [this] {
                                      received = messages;
                                      received.notify_one();
                                    }});
    if (!started) throw std::runtime_error(started.error().message);
  }
  void wait_for(uint64_t count) {
    for (uint64_t seen = received; seen < count; seen = received) received.wait(seen);
  }

  LinkIdentity identity;
  NodeId id;
  std::unique_ptr<Links> links;
  uint64_t messages = 0, bytes = 0;  ///< the link thread's
  std::atomic<uint64_t> received{0};
};

/// Batches of range(1) messages of range(0) bytes; at most `window` bytes are under way.
void one_way(benchmark::State& state) {
  constexpr uint64_t window = 4 << 20;
  const auto size = static_cast<size_t>(state.range(0));
  const auto batch = static_cast<size_t>(state.range(1));
  Node from, to;
  to.start();
  from.start();
  from.links->set_peers({{to.id, to.links->address()}});
  const uint64_t most = std::max<uint64_t>(batch, window / size);
  const Bytes payload(size, 'p');
  std::vector<LinkMessage> messages(batch);
  uint64_t sent = 0;
  const auto send = [&] {
    for (LinkMessage& message : messages) message = {&to.id, MessageKind::consensus, payload};
    sent += from.links->send(messages);
  };
  send();
  to.wait_for(sent);
  const uint64_t first = sent;
  const double before = cpu_seconds();
  for (auto _ : state) {
    send();
    if (sent > most) to.wait_for(sent - most);
  }
  to.wait_for(sent);
  const double used = cpu_seconds() - before;
  const auto count = static_cast<double>(sent - first);
  state.counters["cpu_us_per_message"] = used * 1e6 / count;
  state.counters["MB/s"] =
      benchmark::Counter(count * static_cast<double>(size) / 1e6, benchmark::Counter::kIsRate);
  state.counters["messages/s"] = benchmark::Counter(count, benchmark::Counter::kIsRate);
}
BENCHMARK(one_way)
    ->ArgNames({"bytes", "batch"})
    ->Args({200, 100})
    ->Args({200, 1})
    ->Args({100'000, 1})
    ->Args({1 << 20, 1})
    ->UseRealTime();

/// One message and its answer: the latency of two wake-ups on each side.
void round_trip(benchmark::State& state) {
  Node a, b;
  a.start();
  b.start();
  a.links->set_peers({{b.id, b.links->address()}});
  b.links->set_peers({{a.id, a.links->address()}});
  const Bytes payload(200, 'p');
  uint64_t sent = 0;
  const auto bounce = [&] {
    ++sent;
    a.links->send(b.id, MessageKind::consensus, payload);
    b.wait_for(sent);
    b.links->send(a.id, MessageKind::consensus, payload);
    a.wait_for(sent);
  };
  bounce();
  for (auto _ : state) bounce();
}
BENCHMARK(round_trip)->UseRealTime();

/// From taking the peer away to the first message over a new connection.
void connect(benchmark::State& state) {
  Node a, b;
  a.start();
  b.start();
  uint64_t sent = 0;
  const double before = cpu_seconds();
  for (auto _ : state) {
    a.links->set_peers({});
    a.links->set_peers({{b.id, b.links->address()}});
    a.links->send(b.id, MessageKind::consensus, Bytes(1));
    b.wait_for(++sent);
  }
  state.counters["cpu_us_per_connection"] =
      (cpu_seconds() - before) * 1e6 / static_cast<double>(state.iterations());
}
BENCHMARK(connect)->UseRealTime()->Iterations(90);  // within the rate of handshakes

}  // namespace
}  // namespace entente::net
