#include "net/worker.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/assert.h"

namespace entente::net {
namespace {

/// An id is the place of the connection in its worker's table, the worker, and a number that is
/// never used again there: a stale event or answer finds no connection instead of a wrong one.
constexpr unsigned place_bits = 20, worker_bits = 8;
constexpr uint64_t mailbox_id = 0;

/// A round ends early when it holds this much, so that the first answers do not wait for long.
constexpr size_t round_bytes = 512 << 10;
constexpr size_t round_requests = 1024;

constexpr std::chrono::milliseconds sweep_interval{250};
constexpr size_t max_events = 256;

size_t place_of(uint64_t id) {
  return id & ((1u << place_bits) - 1);
}

}  // namespace

Worker::Worker(size_t index, const ServerOptions& options, RequestHandler& handler)
    : options_(options), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  ENTENTE_ASSERT(epoll_ >= 0);
  ENTENTE_ASSERT(index < 1u << worker_bits);
  context_.worker = index;
  context_.options = &options_;
  context_.handler = &handler;
  context_.mailbox = std::make_shared<Mailbox>();
  context_.now = std::chrono::steady_clock::now();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = mailbox_id;
  ENTENTE_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, mailbox().descriptor(), &event) == 0);
}

Worker::~Worker() {
  mailbox().close();
  ::close(epoll_);
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), ("net-" + std::to_string(context_.worker)).c_str());
}

void Worker::stop(SteadyTime deadline) {
  mailbox().post(std::function<void()>([this, deadline] {
    stopping_ = true;
    deadline_ = deadline;
    shut_down_all();
  }));
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

// --- the loop -----------------------------------------------------------------------------------

void Worker::run() {
  std::array<epoll_event, max_events> events;
  while (!may_end()) {
    const int ready = epoll_wait(epoll_, events.data(), max_events, wait_time());
    ENTENTE_ASSERT(ready >= 0 || errno == EINTR);
    context_.now = std::chrono::steady_clock::now();
    bool mail = false;
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.u64 == mailbox_id) {
        mail = true;
      } else {
        on_event(event.data.u64, event.events);
        end_round_if_large();
      }
    }
    if (mail) take_mail();
    resume_some();
    end_round();
    tick();
  }
  mailbox().close();
  for (auto& connection : connections_) {
    if (connection) bury(*connection);
  }
  dead_.clear();
}

int Worker::wait_time() const {
  if (!resumables_.empty()) return 0;
  SteadyTime next = next_sweep_;
  if (options_.tick_interval.count() > 0) next = std::min(next, next_tick_);
  if (stopping_) next = std::min(next, deadline_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - context_.now);
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1000));
}

void Worker::on_event(uint64_t id, uint32_t events) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    bury(*connection);
    return;
  }
  drive(*connection, [events](Connection& c) {
    if ((events & EPOLLOUT) != 0) c.write();
    if ((events & EPOLLIN) != 0 && c.wants_input()) c.read();
  });
}

template <typename Call>
void Worker::drive(Connection& connection, Call call) {
  const size_t begin = buffers_.round_out.size();
  call(connection);
  const size_t end = buffers_.round_out.size();
  if (connection.gone()) {
    bury(connection);
    return;
  }
  if (end != begin || connection.finishing()) {
    round_.push_back({&connection, begin, end});
    ++connection.in_round;
  } else {
    watch(connection);
  }
}

void Worker::end_round_if_large() {
  if (buffers_.round_out.size() > round_bytes || context_.handled > round_requests) end_round();
}

void Worker::end_round() {
  if (context_.handled > 0) {
    context_.handled = 0;
    context_.handler->end_of_batch(context_.worker);
  }
  for (const Range& range : round_) {
    Connection& connection = *range.connection;
    if (connection.gone()) continue;
    --connection.in_round;
    connection.flush(BytesView(buffers_.round_out).subspan(range.begin, range.end - range.begin));
    connection.gone() ? bury(connection) : watch(connection);
  }
  round_.clear();
  buffers_.round_out.clear();
  if (buffers_.round_out.capacity() > 4 * round_bytes) Bytes().swap(buffers_.round_out);
  dead_.clear();
}

void Worker::resume_some() {
  resuming_.swap(resumables_);
  for (const uint64_t id : resuming_) {
    Connection* connection = find(id);
    if (connection == nullptr) continue;
    connection->in_resumables = false;
    drive(*connection, [](Connection& c) { c.resume(); });
    end_round_if_large();
  }
  resuming_.clear();
}

void Worker::tick() {
  if (options_.tick_interval.count() > 0 && context_.now >= next_tick_) {
    next_tick_ = context_.now + options_.tick_interval;
    if (options_.on_tick) options_.on_tick(context_.worker);
  }
  if (context_.now < next_sweep_) return;
  next_sweep_ = context_.now + sweep_interval;
  for (auto& connection : connections_) {
    if (!connection) continue;
    connection->check_time();
    if (connection->gone()) bury(*connection);
  }
  dead_.clear();
}

// --- mail ---------------------------------------------------------------------------------------

void Worker::take_mail() {
  mailbox().take(mail_);
  for (Mailbox::Item& item : mail_) {
    if (auto* accepted = std::get_if<AcceptedConnection>(&item)) {
      accept(std::move(*accepted));
    } else if (auto* late = std::get_if<LateAnswer>(&item)) {
      if (Connection* connection = find(late->connection)) {
        drive(*connection,
              [late](Connection& c) { c.complete(late->slot, std::move(late->response)); });
        end_round_if_large();
      }
    } else {
      std::get<std::function<void()>>(item)();
    }
  }
  mail_.clear();
}

void Worker::accept(AcceptedConnection accepted) {
  if (stopping_) {
    load_.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  uint32_t place = 0;
  if (free_places_.empty()) {
    place = static_cast<uint32_t>(connections_.size());
    ENTENTE_ASSERT(place < 1u << place_bits);
    connections_.emplace_back();
  } else {
    place = free_places_.back();
    free_places_.pop_back();
  }
  const uint64_t id = next_number_++ << (place_bits + worker_bits) |
                      uint64_t{context_.worker} << place_bits | place;
  connections_[place] = std::make_unique<Connection>(id, std::move(accepted), context_, buffers_);
  ++open_;
  Connection& connection = *connections_[place];
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = id;
  connection.interest = event.events;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket(), &event) != 0) bury(connection);
}

void Worker::shut_down_all() {
  for (auto& connection : connections_) {
    if (!connection || connection->gone()) continue;
    drive(*connection, [](Connection& c) { c.shut_down(); });
  }
}

bool Worker::may_end() const {
  if (!stopping_) return false;
  if (context_.now >= deadline_) return true;
  return std::all_of(connections_.begin(), connections_.end(),
                     [](const auto& connection) { return !connection || connection->lingering(); });
}

// --- the table ----------------------------------------------------------------------------------

Connection* Worker::find(uint64_t id) {
  const size_t place = place_of(id);
  if (place >= connections_.size()) return nullptr;
  Connection* connection = connections_[place].get();
  return connection != nullptr && connection->id() == id ? connection : nullptr;
}

/// What epoll watches follows from what the connection can use.
void Worker::watch(Connection& connection) {
  if (connection.resumable() && !connection.in_resumables) {
    connection.in_resumables = true;
    resumables_.push_back(connection.id());
  }
  const uint32_t wanted = (connection.wants_input() ? uint32_t{EPOLLIN} : 0) |
                          (connection.wants_output() ? uint32_t{EPOLLOUT} : 0);
  if (wanted == connection.interest) return;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = connection.id();
  connection.interest = wanted;
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket(), &event) != 0) bury(connection);
}

void Worker::bury(Connection& connection) {
  const size_t place = place_of(connection.id());
  if (!connections_[place]) return;  // already
  connection.close();
  dead_.push_back(std::move(connections_[place]));
  free_places_.push_back(static_cast<uint32_t>(place));
  --open_;
  load_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace entente::net
