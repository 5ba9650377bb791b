#pragma once
// What a node that wants to join says to a node of the service, and what it gets back.
// Source: docs/node-operation.md (join), docs/http-api.md (POST /node/join).

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "crypto/x509.h"
#include "ledger/secrets.h"
#include "node/config.h"
#include "node/identity.h"
#include "tee/evidence.h"

namespace entente::node {

struct JoinRequest {
  json::object node_info_network;  ///< known members only
  std::string address;             ///< published node-to-node address in it
  tee::Evidence evidence;
  std::string public_encryption_key;  ///< PEM
  std::optional<SeqNo> startup_seqno;
  crypto::CertificateRequest certificate_signing_request;
  std::optional<json::value> node_data;

  json::value to_json() const;
  /// Hostile input; errors name the JSON path.
  static Result<JoinRequest> from_json(const json::value& document);
};

/// What a trusted node gets. It holds the secrets of the whole service: only over TLS, and only to
/// the key that the evidence speaks of.
struct Welcome {
  ServiceIdentity service;
  std::shared_ptr<const ledger::LedgerSecrets> secrets;
  crypto::Certificate endorsed_certificate;
  std::string service_status;
  std::string cose_issuer;
  std::string cose_subject;

  json::object to_json() const;
  static Result<Welcome> from_json(const json::Reader& network_info);
};

struct JoinAnswer {
  std::string node_status;  ///< `Pending`, `Trusted`, `Retired`
  std::optional<Welcome> welcome;
  static Result<JoinAnswer> from_json(const json::value& document);
};

}  // namespace entente::node
