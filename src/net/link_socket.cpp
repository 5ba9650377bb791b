#include "net/link_socket.h"

#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace entente::net {
namespace {

constexpr int backlog = 128;
constexpr int keep_alive_seconds = 30;

/// Closes unless told otherwise.
class Socket {
 public:
  explicit Socket(int family)
      : fd_(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {}
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Error system_error(const char* what) {
  return Error{std::string(what) + ": " + std::strerror(errno)};
}

void set(int socket, int level, int option, int value) {
  setsockopt(socket, level, option, &value, sizeof value);
}

Result<int> listen_at(const SocketAddress& address) {
  Socket socket(address.family());
  if (socket.get() < 0) return system_error("cannot make a socket");
  set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(socket.get(), address.get(), address.size) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return system_error("cannot listen");
  }
  return socket.release();
}

}  // namespace

Result<int> listen_for_links(const Address& address) {
  if (const auto numeric = numeric_address(address)) return listen_at(*numeric);
  const auto hosts = resolve_host(address.host);
  if (!hosts) return hosts.error();
  Result<int> outcome = Error{"no address"};
  for (const std::string& host : *hosts) {
    if (const auto numeric = numeric_address({host, address.port})) outcome = listen_at(*numeric);
    if (outcome) break;
  }
  return outcome;
}

Address bound_address(int socket) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
    return {};
  }
  return address.address();
}

void set_link_options(int socket, std::chrono::milliseconds user_timeout) {
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, keep_alive_seconds);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, keep_alive_seconds);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout.count()));
}

Result<int> dial(const SocketAddress& to, const std::optional<SocketAddress>& source,
                 std::chrono::milliseconds user_timeout) {
  Socket socket(to.family());
  if (socket.get() < 0) return system_error("cannot make a socket");
  set_link_options(socket.get(), user_timeout);
  if (source) {
    // The port is then chosen when connecting, so that many links share one source address.
    set(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    if (::bind(socket.get(), source->get(), source->size) != 0) {
      return system_error("cannot use the source address");
    }
  }
  if (::connect(socket.get(), to.get(), to.size) != 0 && errno != EINPROGRESS) {
    return system_error("cannot connect");
  }
  return socket.release();
}

Result<void> dialled(int socket) {
  int failure = 0;
  socklen_t size = sizeof failure;
  if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) failure = errno;
  if (failure != 0) return Error{std::string("cannot connect: ") + std::strerror(failure)};
  return {};
}

}  // namespace entente::net
