#pragma once
// The first transactions of a service, as tables: genesis itself (2.1), and the opening that
// governance decides later or that the insecure development option does at once.
// Source: docs/ledger-format.md (transactions a writer must produce, built-in maps).

#include <map>
#include <string>

#include "crypto/secret.h"
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

struct OpeningInput {
  const Configuration& configuration;
  const ServiceIdentity& service;
  const crypto::SymmetricKey& ledger_secret;
  const Tables& genesis;
  TxId created;  ///< of genesis
  UnixTime now;
};

/// The opening of a service without any vote: members become active, recovery shares are issued,
/// users are registered. For development only (`development.insecure_open`).
Result<Tables> insecure_opening_tables(const OpeningInput& input, Disk& disk, RandomSource& random);

}  // namespace entente::node
