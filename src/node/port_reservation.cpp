#include "node/port_reservation.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace entente::node {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<Address> local_address(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  char host[NI_MAXHOST], port[NI_MAXSERV];
  if (getsockname(descriptor, address, &size) != 0 ||
      getnameinfo(address, size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return Error{"cannot read back the bound address"};
  }
  return Address{host, static_cast<uint16_t>(std::strtoul(port, nullptr, 10))};
}

}  // namespace

Result<PortReservation> PortReservation::make(const Address& address) {
  const auto refuse = [&](const std::string& why) {
    return Error{"network.node_to_node_interface.bind_address: cannot listen on " +
                 address.text() + ": " + why};
  };
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  if (const int error = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found)) {
    return refuse(gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  const int descriptor =
      ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, found->ai_protocol);
  if (descriptor < 0) return refuse(std::strerror(errno));
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 || ::listen(descriptor, 1) != 0) {
    const std::string why = std::strerror(errno);
    ::close(descriptor);
    return refuse(why);
  }
  auto bound = local_address(descriptor);
  if (!bound) {
    ::close(descriptor);
    return refuse(bound.error().message);
  }
  return PortReservation(descriptor, std::move(*bound));
}

PortReservation::PortReservation(PortReservation&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), bound_(std::move(other.bound_)) {}

PortReservation::~PortReservation() {
  if (fd_ >= 0) ::close(fd_);
}

Address PortReservation::published(const Address& configured) const {
  Address address = configured;
  if (address.port == 0) address.port = bound_.port;
  return address;
}

}  // namespace entente::node
