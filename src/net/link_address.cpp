#include "net/link_address.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace entente::net {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

constexpr size_t longest_host = 253;

bool may_stand_in_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':' || c == '%';
}

/// null with a reason in `failure`.
Addresses ask(const std::string& host, const char* port, int flags, int& failure) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  failure = getaddrinfo(host.c_str(), port, &hints, &found);
  return Addresses(failure == 0 ? found : nullptr);
}

SocketAddress copy_of(const addrinfo& found) {
  SocketAddress address;
  std::memcpy(&address.storage, found.ai_addr, found.ai_addrlen);
  address.size = found.ai_addrlen;
  return address;
}

}  // namespace

Address SocketAddress::address() const {
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  if (getnameinfo(get(), size, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return {};
  }
  return {host, static_cast<uint16_t>(std::strtoul(port, nullptr, 10))};
}

Result<Address> parse_address(std::string_view text, std::optional<uint16_t> default_port) {
  const auto refuse = [&](std::string_view why) {
    return Error{fmt::format("'{}' is not an address: {}", text.substr(0, 300), why)};
  };
  std::string_view host, port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return refuse("no closing bracket");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    if (!port.empty() && port.front() != ':') return refuse("expected a port after the bracket");
  } else {
    const size_t colon = std::min(text.rfind(':'), text.size());
    host = text.substr(0, colon);
    port = text.substr(colon);
    if (host.find(':') != host.npos) return refuse("an IPv6 address stands in brackets");
  }
  if (host.empty()) return refuse("no host");
  if (host.size() > longest_host) return refuse("the host is too long");
  if (!std::all_of(host.begin(), host.end(), may_stand_in_host)) {
    return refuse("unexpected character in the host");
  }
  if (port.empty() && default_port) return Address{std::string(host), *default_port};
  if (port.size() < 2) return refuse("no port");
  uint16_t number = 0;
  const auto [end, failure] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
  if (failure != std::errc{} || end != port.data() + port.size()) {
    return refuse("the port is not a number up to 65535");
  }
  return Address{std::string(host), number};
}

std::optional<SocketAddress> numeric_address(const Address& address) {
  int failure = 0;
  const auto found = ask(address.host, std::to_string(address.port).c_str(),
                         AI_NUMERICHOST | AI_NUMERICSERV, failure);
  if (!found) return std::nullopt;
  return copy_of(*found);
}

Result<std::vector<std::string>> resolve_host(const std::string& name) {
  int failure = 0;
  const auto found = ask(name, nullptr, AI_ADDRCONFIG, failure);
  if (!found) return Error{gai_strerror(failure)}.at(name);
  constexpr size_t max_addresses = 16;
  std::vector<std::string> addresses;
  for (const addrinfo* one = found.get(); one != nullptr && addresses.size() < max_addresses;
       one = one->ai_next) {
    addresses.push_back(copy_of(*one).address().host);
  }
  return addresses;
}

}  // namespace entente::net
