#pragma once
// The sockets of links: made, with the options that links want. Descriptors belong to the caller.

#include <chrono>
#include <optional>
#include <string>

#include "entente/result.h"
#include "net/link_address.h"

namespace entente::net {

/// A listening socket; resolves a host name, so it may block.
Result<int> listen_for_links(const Address& address);
/// The numeric address of a bound socket.
Address bound_address(int socket);

/// A socket on which a connection is under way: writable when it stands or has failed.
Result<int> dial(const SocketAddress& to, const std::optional<SocketAddress>& source,
                 std::chrono::milliseconds user_timeout);
/// How that went.
Result<void> dialled(int socket);

/// No delay, keep-alive, and an end after `user_timeout` without acknowledgement.
void set_link_options(int socket, std::chrono::milliseconds user_timeout);

}  // namespace entente::net
