#pragma once
// For tests: a service small enough to make in a test, with real keys, certificates, entries and
// signatures.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/x509_issue.h"
#include "ledger/entry_sealer.h"
#include "ledger/receipt.h"
#include "ledger/signature.h"

namespace entente::ledger {

/// A service identity with one node.
struct TestIdentity {
  crypto::KeyPair service_key;
  crypto::Certificate service;
  crypto::KeyPair node_key;
  crypto::Certificate node;

  static TestIdentity make(crypto::Curve curve) {
    const crypto::Validity validity{UnixTime(1700000000), 30};
    auto service_key = crypto::KeyPair::generate(curve);
    auto service = *crypto::self_signed_ca(service_key, "CN=Test service", validity);
    auto node_key = crypto::KeyPair::generate(curve);
    const std::vector<crypto::SubjectAltName> names = {
        {crypto::SubjectAltName::Kind::ip, "127.0.0.1"}};
    const auto request = crypto::make_request(node_key, "CN=Test node", names);
    auto node = *crypto::issue_from_request(*request, service_key, service, validity);
    return {service_key, service, node_key, node};
  }

  Signer signer() const {
    return {.node_key = node_key,
            .node_certificate = node.pem(),
            .service_key = service_key,
            .issuer = "service.example.com",
            .subject = "ledger.signature"};
  }
};

/// A ledger of ordinary entries with a signature transaction at its end.
struct TestLedger {
  TestIdentity identity;
  std::shared_ptr<LedgerSecrets> secrets = std::make_shared<LedgerSecrets>();
  MerkleTree tree;
  std::vector<Bytes> entries;
  std::vector<SealedEntry> sealed;
  SignatureValues signature;
  TxId signature_txid;

  explicit TestLedger(crypto::Curve curve, uint64_t ordinary = 10)
      : identity(TestIdentity::make(curve)) {
    EXPECT_TRUE(secrets->add({1}, crypto::random_key()).ok());
    EntrySealer sealer(secrets);
    for (uint64_t seqno = 1; seqno <= ordinary; ++seqno) {
      const std::string key = "key " + std::to_string(seqno);
      append(sealer, {{"m", {{as_bytes(key), as_bytes("value")}}}}, claims(seqno));
    }
    signature_txid = {{2}, {ordinary + 1}};
    signature =
        sign_root(identity.signer(), signature_txid, tree, tree.first(), UnixTime(1700000123));
    append(sealer, signature.write_set(), Digest{});
  }

  static Digest claims(uint64_t seqno) {
    return seqno % 2 == 0 ? Digest{} : crypto::sha256(as_bytes("claims"));
  }

  LeafComponents components(uint64_t seqno) const {
    const TxId txid{{2}, {seqno}};
    return {sealed[seqno - 1].write_set_digest, commit_evidence(*secrets->find({seqno}), txid),
            claims(seqno)};
  }

  /// As it stood when the signature was made.
  MerkleTree signed_tree() const {
    MerkleTree copy = tree;
    copy.truncate(signature_txid.seqno.value);
    return copy;
  }

  NodeSignature node_signature() const {
    return *parse_node_signature(as_bytes(signature.node_signature));
  }
  CoseSignature cose_signature() const {
    return *parse_cose_signature_value(as_bytes(signature.cose_signature));
  }

 private:
  void append(EntrySealer& sealer, const kv::WriteSet& writes, const Digest& claims_digest) {
    const TxId txid{{2}, {entries.size() + 1}};
    entries.emplace_back();
    sealed.push_back(sealer.seal(writes, txid, claims_digest, 0, entries.back()));
    tree.append(sealed.back().leaf);
  }
};

inline const auto tested_curves = testing::Values(crypto::Curve::p256, crypto::Curve::p384);

}  // namespace entente::ledger
