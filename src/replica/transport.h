#pragma once
// How a replica reaches the other nodes: the links of the net room, or the network of a simulator.

#include <map>
#include <string>
#include <vector>

#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::replica {

/// Calls come from the replica thread; none of them blocks.
struct Letter {
  NodeId to;
  Bytes bytes;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Takes the letters. They may be lost, late, repeated or out of order; they are never changed or
  /// from somebody else.
  virtual void send(std::vector<Letter> letters) = 0;
  /// All nodes to hold a link with, and where they listen (`host:port`).
  virtual void set_peers(const std::map<NodeId, std::string>& addresses) = 0;
};

/// For a service that has one node only.
class NoTransport final : public Transport {
 public:
  void send(std::vector<Letter>) override {}
  void set_peers(const std::map<NodeId, std::string>&) override {}
};

}  // namespace entente::replica
