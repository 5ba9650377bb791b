#include "net/link_connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/assert.h"
#include "net/link_address.h"

namespace entente::net {

LinkPoll::LinkPoll() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  ENTENTE_ASSERT(epoll_ >= 0);
}

LinkPoll::~LinkPoll() {
  ::close(epoll_);
}

uint64_t LinkPoll::add(LinkTarget& target) {
  targets_.emplace(next_, &target);
  return next_++;
}

bool LinkPoll::watch(int socket, uint64_t number, uint32_t now, uint32_t wanted) {
  if (now == wanted) return true;
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = number;
  const int operation = now == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return epoll_ctl(epoll_, operation, socket, &event) == 0;
}

void LinkPoll::wait(int milliseconds) {
  const int ready =
      epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), milliseconds);
  ENTENTE_ASSERT(ready >= 0 || errno == EINTR);
  ready_ = ready > 0 ? static_cast<size_t>(ready) : 0;
}

void LinkPoll::dispatch() {
  for (const epoll_event& event : std::span(events_).first(std::exchange(ready_, 0))) {
    const uint64_t number = event.data.u64;  // a copy: the struct is packed
    const auto found = targets_.find(number);
    if (found != targets_.end()) found->second->on_event(event.events);
  }
}

LinkConnection::LinkConnection(int socket, SSL_CTX* context, TlsChannel::Side side, LinkPoll& poll,
                               LinkTarget& target)
    : socket_(socket), poll_(poll), number_(poll.add(target)), tls_(context, out_, side) {}

LinkConnection::~LinkConnection() {
  poll_.remove(number_);
  ::close(socket_);
}

LinkConnection::Input LinkConnection::read(LinkBuffers& buffers) {
  using Status = Input::Status;
  const ssize_t got = ::recv(socket_, buffers.ciphertext.data(), buffers.ciphertext.size(), 0);
  if (got == 0) return {Status::closed, {}};
  if (got < 0) {
    const bool waits = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return {waits ? Status::open : Status::lost, {}};
  }
  const auto received = tls_.receive(BytesView(buffers.ciphertext).first(static_cast<size_t>(got)),
                                     buffers.plaintext);
  const BytesView plaintext = BytesView(buffers.plaintext).first(received.size);
  switch (received.status) {
    case TlsChannel::Status::open:
      return {Status::open, plaintext};
    case TlsChannel::Status::finished:
      return {Status::closed, plaintext};
    case TlsChannel::Status::failed:
      break;
  }
  return {Status::tls_error, plaintext};
}

void LinkConnection::begin_handshake(LinkBuffers& buffers) {
  tls_.receive({}, buffers.plaintext);
}

bool LinkConnection::flush() {
  while (unsent() > 0) {
    const ssize_t sent = ::send(socket_, out_.data() + sent_, unsent(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    sent_ += static_cast<size_t>(sent);
  }
  out_.clear();
  sent_ = 0;
  return true;
}

void LinkConnection::close_gracefully() {
  tls_.send_close();
  flush();
}

void LinkConnection::watch(bool input, bool output) {
  const uint32_t wanted = (input ? uint32_t{EPOLLIN} : 0) | (output ? uint32_t{EPOLLOUT} : 0);
  if (poll_.watch(socket_, number_, interest_, wanted)) interest_ = wanted;
}

std::string LinkConnection::peer_address() const {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getpeername(socket_, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
    return "an unknown address";
  }
  return address.address().text();
}

}  // namespace entente::net
