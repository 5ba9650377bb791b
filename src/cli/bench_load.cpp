#include "cli/bench_load.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "cli/bench_connection.h"
#include "cli/bench_dialler.h"
#include "cli/bench_record.h"

namespace entente::cli {
namespace {

using Connections = std::vector<std::unique_ptr<BenchConnection>>;

/// The event loop of one thread and its connections.
class Loop {
 public:
  Loop(Connections connections, const LoadOptions& options, BenchDialler& dialler)
      : connections_(std::move(connections)),
        options_(options),
        dialler_(dialler),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    for (auto& connection : connections_) watch(*connection, EPOLL_CTL_ADD, EPOLLIN);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = nullptr;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event);
  }
  ~Loop() {
    ::close(epoll_);
    ::close(wake_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Connections& connections() { return connections_; }

  LoadResult run(std::optional<SteadyTime> deadline, const std::atomic<bool>& stop,
                 std::atomic<uint64_t>& answers) {
    LoadResult result;
    for (auto& connection : connections_) {
      connection->send(std::chrono::steady_clock::now(), result);
      settle(*connection);
    }
    bool stopping = false;
    while (!all_finished()) {
      std::array<epoll_event, 256> events;
      const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
      const SteadyTime now = std::chrono::steady_clock::now();
      if (!stopping && ((deadline && now >= *deadline) || stop.load(std::memory_order_relaxed))) {
        stopping = true;
        for (auto& connection : connections_) connection->stop();
      }
      uint64_t taken = 0;
      for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        if (event.data.ptr == nullptr) {
          take_arrivals(now, result);
        } else {
          taken += serve(*static_cast<BenchConnection*>(event.data.ptr), event.events, now, result);
        }
      }
      result.answers += taken;
      answers.fetch_add(taken, std::memory_order_relaxed);
      if (now - looked_ > check_interval) lose_the_silent(now, result);
    }
    if (options_.record != nullptr) options_.record->write(result.recorded);
    return result;
  }

 private:
  static constexpr std::chrono::milliseconds check_interval{100};

  struct Arrived {
    BenchConnection* connection;
    Result<TlsClient> client;
  };

  uint64_t serve(BenchConnection& connection, uint32_t events, SteadyTime now, LoadResult& result) {
    if (!connection.open()) return 0;
    uint64_t taken = 0;
    if ((events & EPOLLOUT) != 0) connection.flush(result);
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) taken = connection.receive(result);
    if (taken != 0) connection.send(now, result);
    settle(connection);
    return taken;
  }

  /// What follows from what just happened to a connection.
  void settle(BenchConnection& connection) {
    if (connection.wants_to_leave()) connection.leave();
    if (connection.waits()) return dial(connection);
    if (connection.open() && connection.watched_for_writing != connection.wants_to_write()) {
      connection.watched_for_writing = connection.wants_to_write();
      watch(connection, EPOLL_CTL_MOD,
            connection.watched_for_writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
  }

  void dial(BenchConnection& connection) {
    if (connection.dialled) return;
    connection.dialled = true;
    dialler_.dial([this, &connection](Result<TlsClient> client) {
      const std::lock_guard lock(mutex_);
      arrived_.push_back({&connection, std::move(client)});
      const uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    });
  }

  void take_arrivals(SteadyTime now, LoadResult& result) {
    uint64_t ignored = 0;
    [[maybe_unused]] const ssize_t read = ::read(wake_, &ignored, sizeof ignored);
    std::vector<Arrived> arrived;
    {
      const std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
    }
    for (Arrived& one : arrived) {
      BenchConnection& connection = *one.connection;
      connection.dialled = false;
      if (!one.client || !one.client->make_non_blocking()) {
        connection.abandon(one.client ? "a socket that blocks" : one.client.error().message,
                           result);
        continue;
      }
      connection.resume(std::move(*one.client));
      ++result.reconnections;
      watch(connection, EPOLL_CTL_ADD, EPOLLIN);
      connection.send(now, result);
      settle(connection);
    }
  }

  void lose_the_silent(SteadyTime now, LoadResult& result) {
    looked_ = now;
    for (auto& connection : connections_) {
      if (!connection->open() || !connection->silent_since(now - options_.silence)) continue;
      connection->lose("no answer for too long", result);
      settle(*connection);
    }
  }

  bool all_finished() const {
    return std::all_of(connections_.begin(), connections_.end(),
                       [](const auto& connection) { return connection->finished(); });
  }

  void watch(BenchConnection& connection, int operation, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    epoll_ctl(epoll_, operation, connection.socket(), &event);
  }

  Connections connections_;
  const LoadOptions& options_;
  BenchDialler& dialler_;
  int epoll_;
  int wake_;  ///< an eventfd, in the epoll set as the null pointer
  SteadyTime looked_{};
  std::mutex mutex_;
  std::vector<Arrived> arrived_;
};

}  // namespace

void AcknowledgementClock::tick(Time now) {
  const int64_t time = now.time_since_epoch().count();
  int64_t last = last_.load(std::memory_order_relaxed);
  while (last < time && !last_.compare_exchange_weak(last, time)) {
  }
  int64_t longest = longest_.load(std::memory_order_relaxed);
  while (longest < time - last && !longest_.compare_exchange_weak(longest, time - last)) {
  }
}

void LoadResult::merge(const LoadResult& other) {
  latencies.merge(other.latencies);
  for (size_t i = 0; i < statuses.size(); ++i) statuses[i] += other.statuses[i];
  answers += other.answers;
  preferences_applied += other.preferences_applied;
  unanswered += other.unanswered;
  sent_away += other.sent_away;
  lost_connections += other.lost_connections;
  reconnections += other.reconnections;
  abandoned += other.abandoned;
  writes.acknowledged += other.writes.acknowledged;
  writes.committed += other.writes.committed;
  writes.failed += other.writes.failed;
  writes.unknown += other.writes.unknown;
  for (const std::string& problem : other.problems) {
    if (problems.size() < most_problems) problems.push_back(problem);
  }
  elapsed = std::max(elapsed, other.elapsed);
}

struct LoadClient::Parts {
  LoadOptions options;
  std::unique_ptr<BenchDialler> dialler;
  std::vector<std::unique_ptr<Loop>> loops;
};

LoadClient::LoadClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LoadClient::LoadClient(LoadClient&&) noexcept = default;
LoadClient& LoadClient::operator=(LoadClient&&) noexcept = default;
LoadClient::~LoadClient() {
  if (parts_) parts_->dialler.reset();  // its thread calls the loops
}

uint32_t LoadClient::connections() const {
  return parts_->options.connections;
}

Result<LoadClient> LoadClient::open(const LoadOptions& options) {
  auto context = TlsContext::make(options.identity);
  if (!context) return context.error();
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  parts->dialler = std::make_unique<BenchDialler>(*context, options.addresses, options.patience);
  const uint32_t threads = std::min(options.threads, options.connections);
  std::vector<Connections> shares(threads);
  for (uint32_t i = 0; i < options.connections; ++i) {
    auto client = parts->dialler->connect();
    if (!client) return client.error();
    if (auto changed = client->make_non_blocking(); !changed) return changed.error();
    shares[i % threads].push_back(std::make_unique<BenchConnection>(std::move(*client), options));
  }
  for (Connections& share : shares) {
    parts->loops.push_back(
        std::make_unique<Loop>(std::move(share), parts->options, *parts->dialler));
  }
  return LoadClient(std::move(parts));
}

LoadResult LoadClient::run(const LoadPhase& wanted,
                           const std::function<void(uint64_t answers)>& progress,
                           const std::atomic<bool>* stop) {
  const size_t threads = parts_->loops.size();
  const uint64_t connections = parts_->options.connections;
  const SteadyTime begin = std::chrono::steady_clock::now();
  AcknowledgementClock clock(begin);
  LoadPhase phase = wanted;
  phase.clock = &clock;
  for (uint64_t i = 0; i < connections; ++i) {
    std::optional<uint64_t> share;
    if (phase.requests) {
      share = *phase.requests / connections + (i < *phase.requests % connections ? 1 : 0);
    }
    parts_->loops[i % threads]->connections()[i / threads]->start(phase.streams[i], phase, share);
  }
  std::optional<SteadyTime> deadline;
  if (phase.duration) deadline = begin + *phase.duration;
  std::atomic<uint64_t> answers{0};
  std::atomic<bool> never{false};
  std::mutex mutex;
  std::condition_variable ended;
  size_t running = threads;
  std::vector<LoadResult> results(threads);
  std::vector<std::thread> workers;
  for (size_t i = 0; i < threads; ++i) {
    workers.emplace_back([&, i] {
      results[i] = parts_->loops[i]->run(deadline, stop != nullptr ? *stop : never, answers);
      results[i].elapsed = std::chrono::steady_clock::now() - begin;
      const std::lock_guard lock(mutex);
      if (--running == 0) ended.notify_one();
    });
  }
  {
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, std::chrono::seconds(1), [&] { return running == 0; })) {
      if (progress) progress(answers.load(std::memory_order_relaxed));
    }
  }
  for (std::thread& worker : workers) worker.join();
  LoadResult total;
  for (const LoadResult& result : results) total.merge(result);
  if (total.writes.sent() != 0) {
    clock.tick(begin + total.elapsed);
    total.longest_gap = clock.longest_gap();
  }
  return total;
}

}  // namespace entente::cli
