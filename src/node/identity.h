#pragma once
// The keys and certificates with which a node and a new service begin. All keys are made afresh at
// every start of the process: a restarted node is a new node. Source: docs/node-operation.md.

#include "crypto/x509.h"
#include "crypto/x509_issue.h"
#include "node/config.h"
#include "tee/evidence.h"

namespace entente::node {

struct NodeIdentity {
  crypto::KeyPair key;
  NodeId id;                           ///< hex SHA-256 of the public key
  crypto::RsaKeyPair encryption_key;   ///< ledger secrets are sent under it
  crypto::Certificate self_signed;     ///< shown by `Node` interfaces
  crypto::CertificateRequest request;  ///< the service issues the endorsed certificate from it
  Digest host_data;                    ///< of the program file
  tee::Evidence evidence;              ///< binds the key to the code
};

struct ServiceIdentity {
  crypto::KeyPair key;
  crypto::Certificate certificate;  ///< self-signed CA
};

Result<NodeIdentity> make_node_identity(const Configuration& configuration, UnixTime now,
                                        Disk& disk);

/// For a new service, out of the `start` part of the configuration.
Result<ServiceIdentity> make_service_identity(const Configuration& configuration, UnixTime now);

/// The node's certificate under the service's identity, with the validity of its self-signed one
/// as far as the service allows.
Result<crypto::Certificate> endorse(const crypto::CertificateRequest& request,
                                    const crypto::Certificate& self_signed,
                                    const ServiceIdentity& service, unsigned longest_validity_days);

}  // namespace entente::node
