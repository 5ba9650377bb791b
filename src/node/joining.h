#pragma once
// Asking to be admitted, again and again, until the service says yes or no.
// Source: docs/node-operation.md (join).

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "node/config.h"
#include "node/join_messages.h"

namespace entente::node {

struct JoinParty {
  const Join& target;
  std::string service_certificate_pem;  ///< whom to trust
  std::string node_certificate_pem;     ///< self-signed; its key is the node's identity
  const crypto::KeyPair& node_key;
  NodeId id;
  std::chrono::microseconds patience{2'000'000};  ///< of one connection
};

/// Why the service will not have this node: asking again would not help.
struct JoinRefused {
  std::string message;
};
struct JoinInterrupted {};

using JoinOutcome = std::variant<Welcome, JoinRefused, JoinInterrupted>;

/// Blocks. `stop_asked` is called every few milliseconds.
JoinOutcome join(const JoinParty& party, const JoinRequest& request,
                 const std::function<bool()>& stop_asked);

}  // namespace entente::node
