#include "net/acceptor.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/assert.h"

namespace entente::net {
namespace {

constexpr int accepts_per_turn = 64;
constexpr std::chrono::milliseconds exhaustion_pause{20};

int open_spare() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool exhausted(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/// The connection with which the hard cap would be reached is closed, so that the peak stays below
/// it; unless that would leave no room to answer 503 above the soft cap.
bool at_hard_cap(uint64_t open, const Endpoint& endpoint) {
  const uint64_t hard = endpoint.hard_cap;
  return open >= (hard > endpoint.soft_cap + 1 ? hard - 1 : hard);
}

}  // namespace

Acceptor::Acceptor(const std::vector<std::unique_ptr<Endpoint>>& endpoints,
                   const std::vector<std::unique_ptr<Worker>>& workers)
    : endpoints_(endpoints),
      workers_(workers),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      spare_(open_spare()) {
  ENTENTE_ASSERT(epoll_ >= 0 && wake_ >= 0);
  const auto watch = [this](int descriptor, uint64_t id) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = id;
    ENTENTE_ASSERT(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0);
  };
  for (const auto& endpoint : endpoints_) watch(endpoint->socket(), endpoint->index);
  watch(wake_, endpoints_.size());
}

Acceptor::~Acceptor() {
  stop();
  ::close(epoll_);
  ::close(wake_);
  if (spare_ >= 0) ::close(spare_);
}

void Acceptor::start() {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "net-accept");
}

void Acceptor::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  const uint64_t one = 1;
  ENTENTE_ASSERT(::write(wake_, &one, sizeof one) == sizeof one);
  thread_.join();
}

void Acceptor::run() {
  std::array<epoll_event, 16> events;
  while (!stopping_) {
    const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    ENTENTE_ASSERT(ready >= 0 || errno == EINTR);
    for (int i = 0; i < ready && !stopping_; ++i) {
      const uint64_t index = events[static_cast<size_t>(i)].data.u64;
      if (index >= endpoints_.size()) continue;
      if (accept_some(*endpoints_[index])) continue;
      refuse_one(*endpoints_[index]);
      std::this_thread::sleep_for(exhaustion_pause);
    }
  }
}

bool Acceptor::accept_some(Endpoint& endpoint) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    const int socket = ::accept4(endpoint.socket(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      hand_over(socket, endpoint);
    } else if (exhausted(errno)) {
      return false;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return true;
    }  // else that connection failed on its way in: take the next
  }
  return true;
}

void Acceptor::hand_over(int socket, Endpoint& endpoint) {
  const uint64_t open = endpoint.connections.active();
  std::shared_ptr<SSL_CTX> context = endpoint.config.tls ? endpoint.tls() : nullptr;
  const bool no_certificate = endpoint.config.tls && !context;
  if (at_hard_cap(open, endpoint) || no_certificate) {
    ::close(socket);
    return;
  }
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  Worker* least = nullptr;
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[(next_ + i) % workers_.size()];
    if (least == nullptr || worker.load() < least->load()) least = &worker;
  }
  ++next_;
  least->load().fetch_add(1, std::memory_order_relaxed);
  const bool refused = open >= endpoint.soft_cap;
  least->mailbox().post(AcceptedConnection(socket, endpoint, std::move(context), refused));
}

/// Without a free descriptor a connection can neither be accepted nor refused, and the listening
/// socket would stay ready for ever. The spare one makes room to refuse it.
void Acceptor::refuse_one(Endpoint& endpoint) {
  if (spare_ >= 0) ::close(spare_);
  const int socket = ::accept4(endpoint.socket(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket >= 0) ::close(socket);
  spare_ = open_spare();
}

}  // namespace entente::net
