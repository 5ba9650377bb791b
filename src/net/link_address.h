#pragma once
// Socket addresses of links: texts of configurations and numeric addresses. Whatever may block on
// the network is named resolve_host().

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/result.h"
#include "net/server.h"

namespace entente::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  /// Numeric.
  Address address() const;
};

/// `host:port` or `[IPv6]:port`; a host has at most 253 characters of names and numeric addresses.
/// Without port only if `default_port` is given.
Result<Address> parse_address(std::string_view text, std::optional<uint16_t> default_port = {});

/// Without asking anybody; nullopt if the host is a name.
std::optional<SocketAddress> numeric_address(const Address& address);

/// Numeric addresses of a name, in the system's order. May block for as long as the system's
/// resolver likes.
Result<std::vector<std::string>> resolve_host(const std::string& name);

}  // namespace entente::net
