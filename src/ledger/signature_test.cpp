#include "ledger/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/json.h"
#include "ledger/test_service.h"

namespace entente::ledger {
namespace {

class Signatures : public testing::TestWithParam<crypto::Curve> {};
INSTANTIATE_TEST_SUITE_P(Curves, Signatures, tested_curves);

TEST_P(Signatures, WhatIsSignedVerifies) {
  const TestLedger ledger(GetParam());
  const auto entry = parse_entry(ledger.entries.back());
  ASSERT_TRUE(entry.ok());
  EXPECT_TRUE(entry->private_domain.empty());
  const auto maps = read_maps(entry->public_maps);
  const auto signature = read_signature(*maps, entry->txid);
  ASSERT_TRUE(signature.ok()) << signature.error().message;
  ASSERT_TRUE(signature->has_value());
  const SignatureTransaction& read = **signature;
  EXPECT_EQ((*read_node_signature(*maps, entry->txid))->root, read.node.root);
  EXPECT_FALSE(read_node_signature(*maps, {entry->txid.view, entry->txid.seqno + 1}).ok());
  EXPECT_EQ(read.node.txid, ledger.signature_txid);
  EXPECT_EQ(read.node.root, ledger.signed_tree().root());
  EXPECT_EQ(read.node.certificate, ledger.identity.node.pem());
  EXPECT_EQ(read.tree->root(), read.node.root);
  EXPECT_EQ(read.cose->txid, ledger.signature_txid);
  EXPECT_EQ(read.cose->issuer, "service.example.com");
  EXPECT_EQ(read.cose->subject, "ledger.signature");
  EXPECT_EQ(read.cose->issued_at, UnixTime(1700000123));
  EXPECT_TRUE(verify_node_signature(read.node, ledger.identity.node_key.public_key()).ok());
  const auto service = ledger.identity.service_key.public_key();
  EXPECT_TRUE(verify_cose_signature(*read.cose, read.node.root, service).ok());
}

TEST_P(Signatures, OtherRootsAndKeysAreRefusedByName) {
  const TestLedger ledger(GetParam());
  const TestIdentity other = TestIdentity::make(GetParam());
  const CoseSignature cose = ledger.cose_signature();
  NodeSignature node = ledger.node_signature();
  const auto service = ledger.identity.service_key.public_key();

  const auto message = [](const Result<void>& result) {
    return result.ok() ? std::string() : result.error().message;
  };
  using testing::HasSubstr;
  EXPECT_THAT(message(verify_node_signature(node, other.node_key.public_key())),
              HasSubstr("node:"));
  EXPECT_THAT(message(verify_cose_signature(cose, node.root, other.service_key.public_key())),
              HasSubstr("kid"));
  Digest wrong = node.root;
  wrong.bytes[31] ^= 1;
  EXPECT_THAT(message(verify_cose_signature(cose, wrong, service)), HasSubstr("COSE signature"));
  node.root = wrong;
  EXPECT_THAT(message(verify_node_signature(node, ledger.identity.node_key.public_key())),
              HasSubstr("sig:"));

  CoseSignature claims_other_key = cose;
  claims_other_key.kid = other.service_key.public_key().id();
  EXPECT_THAT(message(verify_cose_signature(claims_other_key, ledger.node_signature().root,
                                            other.service_key.public_key())),
              HasSubstr("COSE signature"));
}

/// The values of a signature transaction with one map replaced.
struct Case {
  const char* what;
  std::string_view map;
  std::string value;
  const char* message;
};

TEST(SignatureTransactions, ErrorsNameMapAndField) {
  const TestLedger ledger(crypto::Curve::p256);
  const auto edited = [&](std::string_view field, const json::value& value) {
    json::value document = *json::parse(ledger.signature.node_signature);
    if (value.is_null()) {
      document.as_object().erase(field);
    } else {
      document.as_object()[field] = value;
    }
    return json::dump(document);
  };
  Bytes other_tree = ledger.signature.tree;
  other_tree[16 + 32] ^= 1;
  const Bytes shorter = MerkleTree().serialise();
  const auto cose_json = [](const CoseSignature& signature) {
    return json::dump(json::value(to_base64(signature.message.encode())));
  };
  CoseSignature with_payload = ledger.cose_signature();
  with_payload.message.payload = to_bytes("root");
  CoseSignature with_header = ledger.cose_signature();
  with_header.message.unprotected_header =
      *crypto::cbor::parse(crypto::cbor::Writer().map(1).integer(99).integer(2).encoded());
  const Case cases[] = {
      {"root", maps::signatures, edited("root", "12"), "signatures: At #/root"},
      {"upper case", maps::signatures, edited("root", json::value(std::string(64, 'A'))),
       "At #/root"},
      {"no root", maps::signatures, edited("root", nullptr), "Missing required field 'root'"},
      {"node", maps::signatures, edited("node", 3), "At #/node"},
      {"sig", maps::signatures, edited("sig", "***"), "At #/sig"},
      {"seqno 0", maps::signatures, edited("seqno", 0), "At #/seqno"},
      {"seqno", maps::signatures, edited("seqno", 10), "signatures: seqno: is 10, expected 11"},
      {"view", maps::signatures, edited("view", 3), "signatures: view: is 3, expected 2"},
      {"view 0", maps::signatures, edited("view", 0), "At #/view"},
      {"cert", maps::signatures, edited("cert", 1), "At #/cert"},
      {"no JSON", maps::signatures, "{", "signatures: invalid JSON"},
      {"cose no string", maps::cose_signatures, "{}", "cose_signatures: At #"},
      {"cose no base64", maps::cose_signatures, R"("*")", "cose_signatures: At #: Expected base64"},
      {"cose garbage", maps::cose_signatures, R"("AAAA")", "cose_signatures: "},
      {"cose payload", maps::cose_signatures, cose_json(with_payload), "payload: must be detached"},
      {"cose header", maps::cose_signatures, cose_json(with_header), "unprotected header"},
      {"tree bytes", maps::tree, "tree", "tree: shorter than its two counts"},
      {"tree size", maps::tree, to_text(shorter), "tree: number of leaves: is 1, expected 11"},
      {"tree root", maps::tree, to_text(other_tree), "tree: root"},
  };
  for (const Case& damage : cases) {
    kv::WriteSet writes = ledger.signature.write_set();
    for (kv::MapWrites& map : writes) {
      if (map.map == damage.map) map.writes[0].value = as_bytes(damage.value);
    }
    const auto read = read_signature(writes, ledger.signature_txid);
    ASSERT_FALSE(read.ok()) << damage.what;
    EXPECT_THAT(read.error().message, testing::HasSubstr(damage.message)) << damage.what;
  }
}

TEST(SignatureTransactions, HoldTheirMapsAndNothingElse) {
  const TestLedger ledger(crypto::Curve::p256);
  const kv::WriteSet good = ledger.signature.write_set();
  ASSERT_TRUE(read_signature(good, ledger.signature_txid).ok());

  kv::WriteSet ordinary = {good[0], good[2]};
  EXPECT_FALSE(read_signature(ordinary, ledger.signature_txid)->has_value());
  kv::WriteSet without_cose = {good[1], good[2]};
  EXPECT_FALSE((*read_signature(without_cose, ledger.signature_txid))->cose.has_value());

  kv::WriteSet more = good;
  more.push_back({"public:x", {{unit_key(), as_bytes("v")}}});
  EXPECT_FALSE(read_signature(more, ledger.signature_txid).ok());
  kv::WriteSet removed = good;
  removed[2].writes[0].value.reset();
  EXPECT_FALSE(read_signature(removed, ledger.signature_txid).ok());
  kv::WriteSet two_keys = good;
  two_keys[2].writes.push_back({as_bytes("k"), as_bytes("v")});
  EXPECT_FALSE(read_signature(two_keys, ledger.signature_txid).ok());
  EXPECT_FALSE(read_signature(good, {{3}, ledger.signature_txid.seqno}).ok());
}

}  // namespace
}  // namespace entente::ledger
