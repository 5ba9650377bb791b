#include "ledger/receipt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/encoding.h"
#include "ledger/test_service.h"

namespace entente::ledger {
namespace {

using testing::HasSubstr;

class Receipts : public testing::TestWithParam<crypto::Curve> {};
INSTANTIATE_TEST_SUITE_P(Curves, Receipts, tested_curves);

Receipt json_receipt(const TestLedger& ledger, uint64_t seqno) {
  return make_receipt(ledger.components(seqno), {seqno}, ledger.signed_tree(),
                      ledger.node_signature(), "");
}
Bytes cose_receipt(const TestLedger& ledger, uint64_t seqno) {
  return make_cose_receipt(ledger.components(seqno), {seqno}, ledger.signed_tree(),
                           ledger.cose_signature());
}
ReceiptTrust trust_in(const TestIdentity& identity) {
  return {.service = identity.service};
}
std::string text_of(const Receipt& receipt) {
  return json::dump(to_json(receipt));
}

std::string message_of(const Result<ReceiptReport>& result) {
  return result.ok() ? std::string() : result.error().message;
}

TEST_P(Receipts, OfEveryTransactionVerify) {
  const TestLedger ledger(GetParam());
  const ReceiptTrust trust = trust_in(ledger.identity);
  for (uint64_t seqno = 1; seqno < ledger.signature_txid.seqno.value; ++seqno) {
    const std::string text = text_of(json_receipt(ledger, seqno));
    const auto json_report = verify_receipt(as_bytes(text), trust);
    ASSERT_TRUE(json_report.ok()) << json_report.error().message;
    EXPECT_EQ(json_report->form, ReceiptReport::Form::json);
    EXPECT_EQ(json_report->txid, (TxId{{2}, {seqno}}));
    EXPECT_EQ(json_report->root, ledger.signed_tree().root());
    EXPECT_EQ(json_report->leaf, ledger.sealed[seqno - 1].leaf);
    EXPECT_EQ(json_report->signed_by, ledger.identity.node_key.public_key().id());
    EXPECT_EQ(json::dump(to_json(*parse_receipt(text))), text);

    const Bytes cose = cose_receipt(ledger, seqno);
    const auto cose_report = verify_receipt(cose, trust);
    ASSERT_TRUE(cose_report.ok()) << cose_report.error().message;
    EXPECT_EQ(cose_report->form, ReceiptReport::Form::cose);
    EXPECT_EQ(cose_report->txid, (TxId{{2}, {seqno}}));
    EXPECT_EQ(cose_report->signature_txid, ledger.signature_txid);
    EXPECT_EQ(cose_report->leaf, json_report->leaf);
  }
  const auto signature = make_signature_receipt(ledger.node_signature(), "");
  const auto report = verify_receipt(as_bytes(text_of(signature)), trust);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->signature_transaction);
  EXPECT_FALSE(report->txid.has_value());
}

TEST_P(Receipts, OfAnotherServiceAreRefused) {
  const TestLedger ledger(GetParam(), 3);
  const ReceiptTrust trust = trust_in(TestIdentity::make(GetParam()));
  EXPECT_THAT(message_of(verify(json_receipt(ledger, 2), trust)),
              HasSubstr("cert: is not signed by the trusted service certificate"));
  EXPECT_THAT(message_of(verify_receipt(cose_receipt(ledger, 2), trust)), HasSubstr("kid"));
  EXPECT_THAT(message_of(verify_receipt(cose_receipt(ledger, 2), "no certificate")),
              HasSubstr("service certificate"));
}

TEST(Receipt, AnyChangedFieldOfTheJsonFormFailsByName) {
  const TestLedger ledger(crypto::Curve::p256);
  const TestIdentity other = TestIdentity::make(crypto::Curve::p256);
  const ReceiptTrust trust = trust_in(ledger.identity);
  const std::pair<std::function<void(Receipt&)>, const char*> changes[] = {
      {[](Receipt& r) { r.components->write_set_digest.bytes[0] ^= 1; }, "signature:"},
      {[](Receipt& r) { r.components->claims_digest->bytes[0] ^= 1; }, "signature:"},
      {[](Receipt& r) { r.components->claims_digest.reset(); }, "signature:"},
      {[](Receipt& r) {
         char& digit = r.components->commit_evidence[7];
         digit = digit == '0' ? '1' : '0';
       },
       "signature:"},
      {[](Receipt& r) { r.components->commit_evidence = "ce"; }, "commit_evidence:"},
      {[](Receipt& r) { r.proof[0].sibling.bytes[5] ^= 1; }, "signature:"},
      {[](Receipt& r) { r.proof[0].left = !r.proof[0].left; }, "signature:"},
      {[](Receipt& r) { r.proof.pop_back(); }, "signature:"},
      {[](Receipt& r) { std::swap(r.proof[0], r.proof[1]); }, "signature:"},
      {[](Receipt& r) { r.proof.clear(); }, "proof: is empty"},
      {[](Receipt& r) { r.signature.back() ^= 1; }, "signature:"},
      {[](Receipt& r) { r.signature.clear(); }, "signature:"},
      {[&](Receipt& r) { r.node.value = other.node_key.public_key().id(); }, "node_id:"},
      {[&](Receipt& r) { r.certificate = other.node.pem(); }, "node_id:"},
      {[&](Receipt& r) {
         r.certificate = other.node.pem();
         r.node.value = other.node_key.public_key().id();
       },
       "signature:"},
      {[](Receipt& r) { r.certificate = "x"; }, "cert:"},
      {[&](Receipt& r) { r.service_endorsements = {other.service.pem()}; },
       "cert: is not signed by service_endorsements/0"},
      {[](Receipt& r) { r.service_endorsements = {"x"}; }, "service_endorsements/0:"},
      {[](Receipt& r) { r.leaf = Digest{}; }, "leaf:"},
      {[](Receipt& r) { r.components.reset(); }, "leaf:"},
  };
  for (size_t i = 0; i < std::size(changes); ++i) {
    Receipt receipt = json_receipt(ledger, 3);
    ASSERT_TRUE(verify(receipt, trust).ok());
    changes[i].first(receipt);
    EXPECT_THAT(message_of(verify(receipt, trust)), HasSubstr(changes[i].second)) << i;
  }
}

TEST(Receipt, ErrorsOfTheJsonFormNameTheField) {
  const TestLedger ledger(crypto::Curve::p256, 3);
  const std::string text = text_of(json_receipt(ledger, 2));
  const auto with = [&](const std::function<void(json::object&)>& change) {
    json::value document = *json::parse(text);
    change(document.as_object());
    return json::dump(document);
  };
  const std::string hex = std::string(64, 'a');
  const std::pair<std::string, const char*> cases[] = {
      {"", "invalid JSON"},
      {"[]", "At #"},
      {with([](auto& o) { o.erase("leaf_components"); }), "leaf_components or leaf"},
      {with([&](auto& o) { o["leaf"] = hex; }), "leaf_components or leaf"},
      {with([](auto& o) { o["leaf_components"] = 3; }), "At #/leaf_components"},
      {with([](auto& o) { o["leaf_components"].as_object().erase("write_set_digest"); }),
       "'write_set_digest'"},
      {with([](auto& o) { o["leaf_components"].as_object()["claims_digest"] = "00"; }),
       "At #/leaf_components/claims_digest"},
      {with([](auto& o) { o["leaf_components"].as_object()["commit_evidence"] = 1; }),
       "At #/leaf_components/commit_evidence"},
      {with([](auto& o) { o.erase("proof"); }), "'proof'"},
      {with([](auto& o) { o["proof"] = 1; }), "At #/proof"},
      {with([](auto& o) { o["proof"].as_array()[1] = json::object{}; }), "At #/proof/1"},
      {with([&](auto& o) {
         o["proof"].as_array()[1] = json::object{{"left", hex}, {"right", hex}};
       }),
       "At #/proof/1: Expected either left or right"},
      {with([](auto& o) {
         o["proof"].as_array()[0] = json::object{{"left", "g"}};
       }),
       "At #/proof/0/left"},
      {with([&](auto& o) {
         o["proof"] = json::array(64, json::object{{"left", hex}});
       }),
       "At #/proof: Longer"},
      {with([](auto& o) { o["signature"] = "?"; }), "At #/signature"},
      {with([](auto& o) { o["node_id"] = "?"; }), "At #/node_id"},
      {with([](auto& o) { o.erase("cert"); }), "'cert'"},
      {with([](auto& o) { o["is_signature_transaction"] = true; }),
       "At #/is_signature_transaction"},
      {with([](auto& o) { o["is_signature_transaction"] = "no"; }),
       "At #/is_signature_transaction"},
      {with([](auto& o) { o["service_endorsements"] = 1; }), "At #/service_endorsements"},
      {with([](auto& o) { o["service_endorsements"] = json::array(101, "x"); }), "Too many"},
  };
  for (const auto& [damaged, message] : cases) {
    const auto receipt = parse_receipt(damaged);
    ASSERT_FALSE(receipt.ok()) << message;
    EXPECT_THAT(receipt.error().message, HasSubstr(message));
  }
  EXPECT_THAT(
      message_of(verify_receipt(Bytes(max_receipt_size + 1), ledger.identity.service.pem())),
      HasSubstr("larger than the limit"));
}

TEST(Receipt, TheTypedFormIsReadToo) {
  const TestLedger ledger(crypto::Curve::p256, 3);
  const ReceiptTrust trust = trust_in(ledger.identity);
  json::value ordinary = to_json(json_receipt(ledger, 2));
  ordinary.as_object()["is_signature_transaction"] = false;
  EXPECT_TRUE(verify_receipt(as_bytes(json::dump(ordinary)), trust).ok());

  json::value signature = to_json(make_signature_receipt(ledger.node_signature(), ""));
  json::object& fields = signature.as_object();
  fields["root_hex"] = fields["leaf"];
  fields.erase("leaf");
  fields.erase("proof");
  fields["is_signature_transaction"] = true;
  const auto report = verify_receipt(as_bytes(json::dump(signature)), trust);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->signature_transaction);
}

TEST(Receipt, TheVerifierMaySupplyTheClaims) {
  const TestLedger ledger(crypto::Curve::p256);
  Receipt receipt = json_receipt(ledger, 3);
  ReceiptTrust trust = trust_in(ledger.identity);
  trust.claims_digest = crypto::sha256(as_bytes("claims"));
  EXPECT_FALSE(verify(receipt, trust)->claims_supplied);
  receipt.components->claims_digest.reset();
  const auto report = verify(receipt, trust);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->claims_supplied);
  EXPECT_EQ(report->claims_digest, trust.claims_digest);

  trust.claims_digest = crypto::sha256(as_bytes("other claims"));
  EXPECT_THAT(message_of(verify(receipt, trust)), HasSubstr("signature:"));
  EXPECT_THAT(message_of(verify(json_receipt(ledger, 3), trust)), HasSubstr("claims_digest"));
  EXPECT_THAT(message_of(verify_receipt(cose_receipt(ledger, 3), trust)),
              HasSubstr("claims_digest"));
  EXPECT_THAT(message_of(verify(make_signature_receipt(ledger.node_signature(), ""), trust)),
              HasSubstr("says nothing about claims"));
}

TEST(Receipt, OfAnEarlierIdentityNeedsTheEndorsements) {
  const TestLedger ledger(crypto::Curve::p256, 4);
  const TestIdentity second = TestIdentity::make(crypto::Curve::p256);
  const TestIdentity third = TestIdentity::make(crypto::Curve::p384);
  const crypto::Validity validity{UnixTime(1700000000), 30};
  const auto by_second =
      crypto::endorse_service(ledger.identity.service_key.public_key(), "CN=Test service",
                              second.service_key, second.service, validity);
  const auto by_third = crypto::endorse_service(second.service_key.public_key(), "CN=Test service",
                                                third.service_key, third.service, validity);
  ASSERT_TRUE(by_second.ok() && by_third.ok());
  Receipt receipt = json_receipt(ledger, 2);
  EXPECT_FALSE(verify(receipt, trust_in(third)).ok());
  receipt.service_endorsements = {by_second->pem(), by_third->pem()};
  const auto report = verify_receipt(as_bytes(text_of(receipt)), trust_in(third));
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->endorsements, 2u);
  receipt.service_endorsements = {by_second->pem()};
  EXPECT_TRUE(verify(receipt, trust_in(second)).ok());
  EXPECT_THAT(message_of(verify(receipt, trust_in(third))),
              HasSubstr("service_endorsements/0: is not signed by the trusted"));
  receipt.service_endorsements = {by_third->pem(), by_second->pem()};
  EXPECT_FALSE(verify(receipt, trust_in(third)).ok());

  ReceiptTrust trust = trust_in(second);
  const auto self = make_self_endorsement(ledger.identity.service_key, {{2}, {1}}, UnixTime(1));
  const auto endorsement = make_endorsement(second.service_key, {{4}, {6}},
                                            {self, {3}, ledger.signed_tree().root()}, UnixTime(2));
  EXPECT_FALSE(verify_receipt(cose_receipt(ledger, 2), trust).ok());
  trust.cose_endorsements = {endorsement.endorsement};
  EXPECT_TRUE(verify_receipt(cose_receipt(ledger, 2), trust).ok());
}

TEST(CoseReceipts, EveryChangedByteFails) {
  const TestLedger ledger(crypto::Curve::p256, 5);
  const ReceiptTrust trust = trust_in(ledger.identity);
  const Bytes receipt = cose_receipt(ledger, 2);
  ASSERT_TRUE(verify_receipt(receipt, trust).ok());
  for (size_t at = 0; at < receipt.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes damaged = receipt;
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      EXPECT_FALSE(verify_receipt(damaged, trust).ok()) << "byte " << at << " bit " << bit;
    }
  }
  for (size_t size = 0; size < receipt.size(); ++size) {
    EXPECT_FALSE(verify_receipt(BytesView(receipt).first(size), trust).ok()) << size;
  }
}

/// A COSE receipt with other proofs under the same signature.
Bytes with_proofs(const TestLedger& ledger, const std::function<void(crypto::cbor::Writer&)>& put) {
  crypto::cbor::Writer unprotected;
  put(unprotected);
  auto message = ledger.cose_signature().message;
  message.unprotected_header = *crypto::cbor::parse(unprotected.encoded());
  return message.encode();
}

TEST(CoseReceipts, ErrorsNameThePlace) {
  const TestLedger ledger(crypto::Curve::p256, 5);
  const ReceiptTrust trust = trust_in(ledger.identity);
  const MerklePath path = ledger.signed_tree().path(2, ledger.signature_txid.seqno.value);
  const Bytes proof = make_inclusion_proof(ledger.components(2), path);
  using crypto::cbor::Writer;
  const auto array_of = [](std::initializer_list<Bytes> proofs) {
    return [proofs = std::vector<Bytes>(proofs)](Writer& w) {
      w.map(1).integer(396).map(1).integer(-1).array(proofs.size());
      for (const Bytes& one : proofs) w.bytes(one);
    };
  };
  const auto proof_with = [&](const std::function<void(Writer&)>& leaf,
                              const std::function<void(Writer&)>& steps) {
    Writer w;
    w.map(2).integer(1);
    leaf(w);
    w.integer(2);
    steps(w);
    return w.take();
  };
  const auto good_leaf = [&](Writer& w) {
    w.array(3).bytes(Digest{}).text(ledger.components(2).commit_evidence).bytes(Digest{});
  };
  const auto good_path = [](Writer& w) { w.array(1).array(2).boolean(true).bytes(Digest{}); };
  MerklePath endless(max_path_length + 1);
  LeafComponents later = ledger.components(2);
  later.commit_evidence = "ce:2.6:" + std::string(64, 'a');

  EXPECT_TRUE(verify_receipt(with_proofs(ledger, array_of({proof, proof})), trust).ok());
  const std::pair<Bytes, const char*> cases[] = {
      {with_proofs(ledger, [](Writer& w) { w.map(0); }), "396"},
      {with_proofs(ledger, [](Writer& w) { w.map(1).integer(396).integer(1); }),
       "396: expected -1"},
      {with_proofs(ledger, [](Writer& w) { w.map(1).integer(396).map(0); }), "396: expected -1"},
      {with_proofs(ledger, array_of({})), "expected an array of 1"},
      {with_proofs(ledger, array_of({proof, to_bytes("x")})), "inclusion proof 1"},
      {with_proofs(ledger, array_of({proof_with([](Writer& w) { w.array(0); }, good_path)})),
       "inclusion proof 0: leaf: not an array of three"},
      {with_proofs(ledger,
                   array_of({proof_with(
                       [](Writer& w) { w.array(3).bytes(as_bytes("x")).text("t").bytes(Digest{}); },
                       good_path)})),
       "write set digest: not 32 bytes"},
      {with_proofs(ledger,
                   array_of({proof_with(
                       [](Writer& w) { w.array(3).bytes(Digest{}).text("").bytes(Digest{}); },
                       good_path)})),
       "commit evidence: not a text"},
      {with_proofs(ledger, array_of({proof_with(
                               [](Writer& w) { w.array(3).bytes(Digest{}).text("t").text("t"); },
                               good_path)})),
       "claims digest: not 32 bytes"},
      {with_proofs(ledger, array_of({proof_with(good_leaf, [](Writer& w) { w.array(0); })})),
       "path: not an array of at least one"},
      {with_proofs(ledger, array_of({make_inclusion_proof(ledger.components(2), endless)})),
       "path: longer"},
      {with_proofs(ledger, array_of({proof_with(
                               good_leaf, [](Writer& w) { w.array(1).array(1).boolean(true); })})),
       "path/0: not an array of two"},
      {with_proofs(ledger, array_of({proof_with(good_leaf,
                                                [](Writer& w) {
                                                  w.array(1).array(2).integer(1).bytes(Digest{});
                                                })})),
       "path/0: side is not a boolean"},
      {with_proofs(ledger, array_of({make_inclusion_proof(later, path)})),
       "inclusion proof 0: commit evidence: names 2.6"},
      {with_proofs(ledger, array_of({proof, proof_with(good_leaf, good_path)})),
       "inclusion proof 1: COSE signature"},
  };
  for (const auto& [receipt, message] : cases) {
    EXPECT_THAT(message_of(verify_receipt(receipt, trust)), HasSubstr(message));
  }
  EXPECT_THAT(message_of(verify_receipt(Bytes{}, trust)), HasSubstr("is empty"));
}

}  // namespace
}  // namespace entente::ledger
