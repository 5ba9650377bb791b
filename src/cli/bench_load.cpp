#include "cli/bench_load.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "cli/bench_response.h"

namespace entente::cli {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr std::chrono::seconds longest_silence{10};

/// One connection and what is in flight on it. Owned and used by one thread.
class Connection {
 public:
  Connection(TlsClient client, uint32_t depth)
      : client_(std::move(client)), depth_(depth), sent_at_(depth) {
    received_.resize(initial_buffer);
  }

  /// What the event loop was last told.
  bool watched_for_writing = false;

  int socket() const { return client_.socket(); }
  bool lost() const { return lost_; }
  bool wants_to_write() const { return written_ < out_.size(); }
  uint32_t in_flight() const { return in_flight_; }

  void start(RequestStream* stream, std::optional<uint64_t> requests) {
    stream_ = stream;
    left_ = requests;
  }
  void stop() { left_ = 0; }
  bool finished() const { return lost_ || (in_flight_ == 0 && left_ && *left_ == 0); }

  /// Sends as many new requests as fit into the depth, in one write.
  void send(SteadyTime now, LoadResult& result) {
    while (in_flight_ < depth_ && (!left_ || *left_ > 0)) {
      stream_->append_next(out_);
      sent_at_[(oldest_ + in_flight_) % depth_] = now;
      ++in_flight_;
      if (left_) --*left_;
    }
    flush(result);
  }

  void flush(LoadResult& result) {
    while (written_ < out_.size()) {
      ERR_clear_error();
      const int n = SSL_write(client_.native(), out_.data() + written_,
                              static_cast<int>(out_.size() - written_));
      if (n <= 0) {
        const int error = SSL_get_error(client_.native(), n);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
          lose("writing: " + (errno != 0 ? std::strerror(errno) : openssl_reason()), result);
        }
        return;
      }
      written_ += static_cast<size_t>(n);
    }
    out_.clear();
    written_ = 0;
  }

  /// Takes in everything that arrived. Returns the number of answers.
  uint64_t receive(LoadResult& result) {
    uint64_t answers = 0;
    while (!lost_) {
      if (filled_ == received_.size()) received_.resize(received_.size() * 2);
      ERR_clear_error();
      errno = 0;
      const size_t room = received_.size() - filled_;
      const int n = SSL_read(client_.native(), received_.data() + filled_, static_cast<int>(room));
      if (n <= 0) {
        const int error = SSL_get_error(client_.native(), n);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
        if (error == SSL_ERROR_ZERO_RETURN || (error == SSL_ERROR_SYSCALL && errno == 0)) {
          lose("the server closed the connection", result);
        } else {
          lose("reading: " + (errno != 0 ? std::strerror(errno) : openssl_reason()), result);
        }
        break;
      }
      filled_ += static_cast<size_t>(n);
      answers += take_answers(result);
      // A record may be waiting inside OpenSSL; the socket itself is watched by epoll.
      if (SSL_has_pending(client_.native()) == 0 && static_cast<size_t>(n) < room) break;
    }
    return answers;
  }

  void lose(const std::string& reason, LoadResult& result) {
    if (lost_) return;
    lost_ = true;
    result.unanswered += in_flight_;
    constexpr size_t most_problems = 10;
    if (result.problems.size() < most_problems) result.problems.push_back(reason);
  }

 private:
  static constexpr size_t initial_buffer = 64 << 10;
  static constexpr size_t longest_answer = 64 << 20;

  uint64_t take_answers(LoadResult& result) {
    uint64_t answers = 0;
    size_t used = 0;
    const SteadyTime now = std::chrono::steady_clock::now();
    while (used < filled_) {
      const std::string_view rest(received_.data() + used, filled_ - used);
      const auto frame = parse_response(rest);
      if (!frame) {
        lose(frame.error().message, result);
        break;
      }
      if (!*frame) break;
      const ResponseFrame& answer = **frame;
      if (answer.size() > longest_answer) {
        lose("an answer of " + std::to_string(answer.size()) + " bytes", result);
        break;
      }
      if (answer.size() > rest.size()) break;
      if (in_flight_ == 0) {
        lose("an answer without a request", result);
        break;
      }
      ++result.statuses[std::min<size_t>(static_cast<size_t>(answer.status),
                                         result.statuses.size() - 1)];
      result.latencies.record(now - sent_at_[oldest_]);
      result.preferences_applied += answer.preference_applied ? 1 : 0;
      oldest_ = oldest_ + 1 == depth_ ? 0 : oldest_ + 1;
      --in_flight_;
      ++answers;
      used += answer.size();
      if (answer.close) {
        lose("the server closes after status " + std::to_string(answer.status), result);
        break;
      }
    }
    filled_ -= used;
    if (filled_ != 0) std::memmove(received_.data(), received_.data() + used, filled_);
    return answers;
  }

  TlsClient client_;
  const uint32_t depth_;
  RequestStream* stream_ = nullptr;
  std::optional<uint64_t> left_;  ///< still to send; nullopt: no bound
  std::string out_;
  size_t written_ = 0;
  std::string received_;
  size_t filled_ = 0;
  std::vector<SteadyTime> sent_at_;  ///< ring of depth_
  uint32_t oldest_ = 0;
  uint32_t in_flight_ = 0;
  bool lost_ = false;
};

/// The event loop of one thread and its connections.
class Loop {
 public:
  explicit Loop(std::vector<std::unique_ptr<Connection>> connections)
      : connections_(std::move(connections)), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    for (auto& connection : connections_) watch(*connection, EPOLL_CTL_ADD, EPOLLIN);
  }
  ~Loop() { ::close(epoll_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  std::vector<std::unique_ptr<Connection>>& connections() { return connections_; }

  LoadResult run(std::optional<SteadyTime> deadline, const std::atomic<bool>& stop,
                 std::atomic<uint64_t>& answers) {
    LoadResult result;
    for (auto& connection : connections_) {
      if (!connection->lost()) connection->send(std::chrono::steady_clock::now(), result);
      update_watch(*connection);
    }
    SteadyTime last_answer = std::chrono::steady_clock::now();
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
        auto& connection = *static_cast<Connection*>(events[static_cast<size_t>(i)].data.ptr);
        taken += serve(connection, events[static_cast<size_t>(i)].events, now, result);
      }
      if (taken != 0) {
        last_answer = now;
        result.answers += taken;
        answers.fetch_add(taken, std::memory_order_relaxed);
      } else if (now - last_answer > longest_silence) {
        for (auto& connection : connections_) {
          if (!connection->finished()) connection->lose("no answer for 10 seconds", result);
        }
      }
    }
    return result;
  }

 private:
  uint64_t serve(Connection& connection, uint32_t events, SteadyTime now, LoadResult& result) {
    if (connection.lost()) return 0;
    uint64_t taken = 0;
    if ((events & EPOLLOUT) != 0) connection.flush(result);
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) taken = connection.receive(result);
    if (!connection.lost() && taken != 0) connection.send(now, result);
    update_watch(connection);
    return taken;
  }

  bool all_finished() const {
    return std::all_of(connections_.begin(), connections_.end(),
                       [](const auto& connection) { return connection->finished(); });
  }

  void watch(Connection& connection, int operation, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = &connection;
    epoll_ctl(epoll_, operation, connection.socket(), &event);
  }

  void update_watch(Connection& connection) {
    if (connection.lost()) return watch(connection, EPOLL_CTL_DEL, 0);
    if (connection.watched_for_writing == connection.wants_to_write()) return;
    connection.watched_for_writing = connection.wants_to_write();
    watch(connection, EPOLL_CTL_MOD, connection.watched_for_writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
  }

  std::vector<std::unique_ptr<Connection>> connections_;
  int epoll_;
};

}  // namespace

void LoadResult::merge(const LoadResult& other) {
  latencies.merge(other.latencies);
  for (size_t i = 0; i < statuses.size(); ++i) statuses[i] += other.statuses[i];
  answers += other.answers;
  preferences_applied += other.preferences_applied;
  unanswered += other.unanswered;
  constexpr size_t most_problems = 10;
  for (const std::string& problem : other.problems) {
    if (problems.size() < most_problems) problems.push_back(problem);
  }
  elapsed = std::max(elapsed, other.elapsed);
}

struct LoadClient::Parts {
  LoadOptions options;
  std::vector<std::unique_ptr<Loop>> loops;
};

LoadClient::LoadClient(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LoadClient::LoadClient(LoadClient&&) noexcept = default;
LoadClient& LoadClient::operator=(LoadClient&&) noexcept = default;
LoadClient::~LoadClient() = default;

uint32_t LoadClient::connections() const {
  return parts_->options.connections;
}

Result<LoadClient> LoadClient::open(const LoadOptions& options) {
  auto context = TlsContext::make(options.identity);
  if (!context) return context.error();
  const uint32_t threads = std::min(options.threads, options.connections);
  std::vector<std::vector<std::unique_ptr<Connection>>> shares(threads);
  for (uint32_t i = 0; i < options.connections; ++i) {
    auto client = TlsClient::connect(*context, options.address);
    if (!client) return client.error();
    if (auto changed = client->make_non_blocking(); !changed) return changed.error();
    shares[i % threads].push_back(std::make_unique<Connection>(std::move(*client), options.depth));
  }
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  for (auto& share : shares) parts->loops.push_back(std::make_unique<Loop>(std::move(share)));
  return LoadClient(std::move(parts));
}

LoadResult LoadClient::run(const LoadPhase& phase,
                           const std::function<void(uint64_t answers)>& progress,
                           const std::atomic<bool>* stop) {
  const size_t threads = parts_->loops.size();
  const uint64_t connections = parts_->options.connections;
  for (uint64_t i = 0; i < connections; ++i) {
    std::optional<uint64_t> share;
    if (phase.requests) {
      share = *phase.requests / connections + (i < *phase.requests % connections ? 1 : 0);
    }
    parts_->loops[i % threads]->connections()[i / threads]->start(phase.streams[i], share);
  }
  const SteadyTime begin = std::chrono::steady_clock::now();
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
  return total;
}

}  // namespace entente::cli
