#pragma once
// How a node of a service admits others: POST /node/join.
// Source: docs/node-operation.md (join), docs/http-api.md (POST /node/join).

#include <functional>
#include <memory>
#include <string>

#include "base/environment.h"
#include "entente/endpoint.h"
#include "node/identity.h"
#include "node/join_messages.h"
#include "node/node_endpoints.h"
#include "replica/node_table.h"
#include "replica/replica.h"

namespace entente::node {

/// What the endpoints need of this node. Everything is called on worker threads.
struct Admission {
  const NodeFacts& facts;
  const replica::Status& status;
  const Clock& clock;
  /// Null until this node is part of a service.
  std::function<const ServiceIdentity*()> service;
  std::function<std::shared_ptr<const ledger::LedgerSecrets>()> secrets;
  const std::string& cose_issuer;
  const std::string& cose_subject;
  /// Changes of who votes that are not committed yet.
  std::function<size_t()> pending_configurations;
  /// As of the last entry here, committed or not.
  std::function<replica::Standing(const NodeId&)> standing;
};

void install_admission(EndpointRegistry& registry, Admission admission);

}  // namespace entente::node
