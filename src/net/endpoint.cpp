#include "net/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace entente::net {
namespace {

Address address_of(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  getnameinfo(reinterpret_cast<sockaddr*>(&storage), size, host, sizeof host, port, sizeof port,
              NI_NUMERICHOST | NI_NUMERICSERV);
  return {host, static_cast<uint16_t>(std::strtoul(port, nullptr, 10))};
}

/// Listening socket, or -1 with errno.
int listen_on(const addrinfo& address) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, 4096) == 0) return fd;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  return -1;
}

}  // namespace

std::string Address::text() const {
  return host.find(':') == host.npos ? fmt::format("{}:{}", host, port)
                                     : fmt::format("[{}]:{}", host, port);
}

Endpoint::Endpoint(InterfaceConfig its_config, size_t its_index, int its_socket, Address its_bound,
                   ConnectionCount& total)
    : config(std::move(its_config)),
      index(its_index),
      bound(std::move(its_bound)),
      soft_cap(config.max_open_sessions_soft),
      hard_cap(config.max_open_sessions_hard),
      socket_(its_socket),
      total_(total) {}

Endpoint::~Endpoint() {
  stop_listening();
}

void Endpoint::stop_listening() {
  if (socket_ >= 0) ::close(std::exchange(socket_, -1));
}

Result<std::unique_ptr<Endpoint>> Endpoint::listen(InterfaceConfig config, size_t index,
                                                   ConnectionCount& total) {
  const std::string place =
      fmt::format("Interface '{}' at {}", config.name, Address{config.host, config.port}.text());
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(config.host.c_str(), std::to_string(config.port).c_str(), &hints, &found);
  if (failure != 0) return Error{gai_strerror(failure)}.at(place);
  int fd = -1;
  int reason = 0;
  for (const addrinfo* address = found; address != nullptr && fd < 0; address = address->ai_next) {
    fd = listen_on(*address);
    if (fd < 0) reason = errno;
  }
  freeaddrinfo(found);
  if (fd < 0) return Error{std::string("cannot listen: ") + std::strerror(reason)}.at(place);
  Address bound = address_of(fd);
  return std::unique_ptr<Endpoint>(
      new Endpoint(std::move(config), index, fd, std::move(bound), total));
}

std::shared_ptr<SSL_CTX> Endpoint::tls() const {
  const std::lock_guard guard(lock_);
  return tls_;
}

void Endpoint::set_tls(std::shared_ptr<SSL_CTX> context) {
  const std::lock_guard guard(lock_);
  tls_ = std::move(context);
}

}  // namespace entente::net
