#pragma once
// Governance of one node: what the composition root makes. Source: docs/governance.md.

#include <utility>

#include "entente/endpoint.h"
#include "gov/scripts.h"
#include "gov/surroundings.h"

namespace entente::gov {

class Governance {
 public:
  explicit Governance(Surroundings surroundings)
      : surroundings_(std::move(surroundings)), scripts_(surroundings_) {}
  Governance(const Governance&) = delete;
  Governance& operator=(const Governance&) = delete;

  /// Everything below /gov that needs an api-version. The endpoints that every frontend has are
  /// installed apart, with gov::api_documents(). Must outlive the registry.
  void install(EndpointRegistry& registry);

  const Surroundings& surroundings() const { return surroundings_; }

 private:
  Surroundings surroundings_;
  Scripts scripts_;
};

}  // namespace entente::gov
