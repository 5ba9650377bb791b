#pragma once
// The interfaces of a node as others see them, once their ports are known.

#include <string>
#include <vector>

#include "net/interface.h"
#include "net/server.h"
#include "node/config.h"
#include "rpc/interface.h"

namespace entente::node {

/// What the transport and the frontends need of one configured interface.
net::InterfaceConfig transport_of(const RpcInterface& configured,
                                  std::optional<std::chrono::microseconds> idle_timeout);
rpc::InterfaceRules rules_of(const RpcInterface& configured);

/// The configured object, with bound port and published address filled in and nothing else added.
json::object published_interface(const RpcInterface& configured, const net::Address& bound);

}  // namespace entente::node
