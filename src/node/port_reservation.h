#pragma once
// Holds the node-to-node address of a node. A service of one node has nobody to talk to: whoever
// connects is disconnected by the kernel when the small backlog is full or the node ends.

#include "entente/result.h"
#include "node/config.h"

namespace entente::node {

class PortReservation {
 public:
  /// Binds and listens. The error names the address.
  static Result<PortReservation> make(const Address& address);
  PortReservation(PortReservation&& other) noexcept;
  PortReservation& operator=(PortReservation&&) = delete;
  ~PortReservation();

  const Address& bound() const { return bound_; }
  /// The configured published address, with the bound port where it says 0.
  Address published(const Address& configured) const;

 private:
  PortReservation(int descriptor, Address bound) : fd_(descriptor), bound_(std::move(bound)) {}
  int fd_;
  Address bound_;
};

}  // namespace entente::node
