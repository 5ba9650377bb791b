#pragma once
// The first transaction of a service (2.1), as tables.
// Source: docs/ledger-format.md (transactions a writer must produce, built-in maps).

#include <map>
#include <string>

#include "node/identity.h"

namespace entente::node {

/// What a transaction writes: map name → key → value.
using Tables = std::map<std::string, std::map<Bytes, Bytes>>;

struct GenesisInput {
  const Configuration& configuration;
  const NodeIdentity& node;
  const ServiceIdentity& service;
  const crypto::Certificate& endorsed_certificate;
  /// The configured interface objects with bound ports and published addresses filled in.
  const json::object& rpc_interfaces;
  Address node_to_node_address;  ///< published
};

struct Genesis {
  Tables tables;
  std::string constitution;  ///< all its files, as one text
};

/// Reads the files that the configuration names (members, constitution, data). Errors name them.
Result<Genesis> make_genesis(const GenesisInput& input, Disk& disk);

}  // namespace entente::node
