#include "crypto/cose.h"

#include <rapidcheck.h>

#include "crypto/test_data.h"
#include "crypto/x509.h"

namespace entente::crypto::cose {
namespace {

constexpr Curve curves[] = {Curve::p256, Curve::p384, Curve::p521};

Bytes protected_header(Curve curve, std::string_view kid = "kid") {
  return cbor::Writer()
      .map(2)
      .integer(label_alg)
      .integer(algorithm_of(curve))
      .integer(label_kid)
      .bytes(as_bytes(kid))
      .take();
}

// RFC 9052 appendix C.2.1: a Sign1 message, and the P-256 key "11" of appendix C.7.1.
constexpr std::string_view rfc9052_message =
    "d28443a10126a10442313154546869732069732074686520636f6e74656e742e"
    "58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e2af9a291aa32e14ab834dc56ed"
    "2a223444547e01f11d3b0916e5a4c345cacb36";

PublicKey rfc9052_key() {
  return PublicKey::from_coordinates(
             Curve::p256, hex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff"),
             hex("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e"))
      .value();
}

TEST(CoseSign1, ExampleOfRfc9052) {
  const auto message = Sign1::parse(hex(rfc9052_message));
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(message->algorithm(), es256);
  EXPECT_FALSE(message->kid());  // it is in the unprotected header there
  EXPECT_TRUE(equal(*message->unprotected_header.find(label_kid)->as_bytes(), as_bytes("11")));
  EXPECT_EQ(to_text(*message->payload), "This is the content.");
  EXPECT_TRUE(verify(*message, rfc9052_key()));
  EXPECT_EQ(message->encode(), hex(rfc9052_message));
  EXPECT_FALSE(verify(*message, KeyPair::generate(Curve::p256).public_key()));
  EXPECT_FALSE(verify_detached(*message, rfc9052_key(), *message->payload));
}

TEST(CoseSign1, SignedMessagesVerifyUnderEveryCurve) {
  for (const Curve curve : curves) {
    const KeyPair key = KeyPair::generate(curve);
    EXPECT_TRUE(rc::check([&](const Bytes& payload) {
      const Bytes header = protected_header(curve);
      const auto attached = Sign1::parse(sign(key, header, payload, Payload::attached));
      RC_ASSERT(attached.ok());
      RC_ASSERT(attached->payload == payload);
      RC_ASSERT(attached->protected_bytes == header);
      RC_ASSERT(equal(*attached->kid(), as_bytes("kid")));
      RC_ASSERT(verify(*attached, key.public_key()));

      const auto detached = Sign1::parse(sign(key, header, payload, Payload::detached));
      RC_ASSERT(detached.ok());
      RC_ASSERT(!detached->payload.has_value());
      RC_ASSERT(verify_detached(*detached, key.public_key(), payload));
      RC_ASSERT(!verify(*detached, key.public_key()));
      Bytes longer = payload;
      longer.push_back(0);
      RC_ASSERT(!verify_detached(*detached, key.public_key(), longer));
    }));
  }
}

TEST(CoseSign1, EveryChangedBitIsRefused) {
  const Bytes good = hex(rfc9052_message);
  const PublicKey key = rfc9052_key();
  size_t unprotected_changes = 0;
  for (size_t bit = 0; bit < 8 * good.size(); ++bit) {
    const auto message = Sign1::parse(flipped(good, bit));
    if (!message.ok() || !verify(*message, key)) continue;
    // Only the unprotected header is not covered by the signature.
    EXPECT_GE(bit / 8, 6u) << bit;
    EXPECT_LT(bit / 8, 11u) << bit;
    ++unprotected_changes;
  }
  EXPECT_GT(unprotected_changes, 0u);
}

TEST(CoseSign1, TheAlgorithmMustBeTheKeysOwn) {
  const KeyPair key = KeyPair::generate(Curve::p256);
  auto message = Sign1::parse(sign(key, protected_header(Curve::p256), {}, Payload::attached));
  ASSERT_TRUE(message.ok());
  message->protected_bytes = protected_header(Curve::p384);
  message->signature = key.sign_raw(sig_structure(message->protected_bytes, {}));
  const auto other = Sign1::parse(message->encode());
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->algorithm(), es384);
  EXPECT_FALSE(verify(*other, key.public_key()));
}

struct Refusal {
  std::string_view encoded, reason;
};

TEST(CoseSign1, MalformedMessagesAreErrors) {
  const Refusal refusals[] = {{"", "CBOR"},
                              {"8443a10126a04040", "tag 18"},            // no tag
                              {"d18443a10126a04040", "tag 18"},          // a MAC
                              {"d28343a10126a040", "array of four"},     // three parts
                              {"d2a0", "array of four"},                 // a map
                              {"d284a10126a04040", "protected header"},  // not wrapped
                              {"d28441ffa04040", "protected header"},    // not CBOR inside
                              {"d2844100a04040", "not a map"},           // an integer inside
                              {"d28443a10126804040", "not a map"},       // unprotected is an array
                              {"d28443a10126a00040", "payload"},         // payload is an integer
                              {"d28443a10126a040f6", "signature"},       // no signature
                              {"d28443a10126a1012640 40", "both headers"},  // alg twice
                              {"d28445a102810126a04040", "CBOR"},           // trailing bytes inside
                              {"d28444a1028126a04040", "critical"},         // crit
                              {"d28443a10126a0404000", "after the item"}};
  for (const Refusal& refusal : refusals) {
    const auto message = Sign1::parse(hex(refusal.encoded));
    ASSERT_FALSE(message.ok()) << refusal.encoded;
    EXPECT_NE(message.error().message.find(refusal.reason), std::string::npos)
        << refusal.encoded << ": " << message.error().message;
  }
  cbor::Writer wide;
  wide.map(65);
  for (int64_t i = 100; i < 165; ++i) wide.integer(i).null();
  EXPECT_FALSE(
      Sign1::parse(
          cbor::Writer().tag(18).array(4).bytes(wide.encoded()).map(0).null().bytes({}).encoded())
          .ok());
}

TEST(CoseSign1, AnEmptyProtectedHeaderMayBeAnEmptyString) {
  const auto message = Sign1::parse(hex("d28440a04040"));
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_FALSE(message->algorithm());
  EXPECT_FALSE(verify(*message, rfc9052_key()));
}

// The COSE signature of a real ledger's first signature transaction, over its Merkle root
// (docs/ledger-format.md, COSE signature).
TEST(CoseSign1, SignatureInTheSampleLedger) {
  ENTENTE_SAMPLE_OR_SKIP(folder, "acme_containing_service");
  const std::string chunk = read_text(folder + "/ledger/ledger_1-2.committed");
  const auto service = Certificate::from_pem(read_text(folder + "/common/service_cert.pem"));
  ASSERT_TRUE(service.ok());
  const PublicKey key = service->public_key().value();
  const Bytes encoded = from_base64(between(chunk, "\"0oR", "\"").insert(0, "0oR")).value();
  const auto message = Sign1::parse(encoded);
  ASSERT_TRUE(message.ok()) << message.error().message;
  EXPECT_EQ(message->algorithm(), es384);
  EXPECT_EQ(entente::as_text(*message->kid()), key.id());
  EXPECT_EQ(message->protected_header.find(label_vds)->as_integer(), 2);
  const cbor::Value* claims = message->protected_header.find(label_cwt_claims);
  ASSERT_NE(claims, nullptr);
  EXPECT_EQ(claims->find(claim_iss)->as_text(), "service.example.com");
  EXPECT_EQ(claims->find(claim_sub)->as_text(), "ledger.signature");
  EXPECT_EQ(message->protected_header.find("ccf.v1")->find("txid")->as_text(), "2.2");
  EXPECT_EQ(message->encode(), encoded);
  EXPECT_EQ(cbor::encode(message->protected_header), message->protected_bytes);

  const Bytes root = hex("8b2c93d1a2628ee8e5614d511e26fe83fef3b57f66560787c45ce4ada57878ec");
  EXPECT_TRUE(verify_detached(*message, key, root));
  EXPECT_FALSE(verify_detached(*message, key, flipped(root, 0)));
}

// The self-endorsement of a real service: payload inside, no kid.
TEST(CoseSign1, EndorsementInTheSampleLedger) {
  ENTENTE_SAMPLE_OR_SKIP(folder, "double_sealed_service");
  const std::string chunk = read_text(folder + "/ledger/ledger_17-19.committed");
  const Bytes encoded = from_base64(between(chunk, "{\"endorsement\":\"", "\"")).value();
  const Bytes endorsing = from_base64(between(chunk, "\"endorsing_key\":\"", "\"")).value();
  const auto message = Sign1::parse(encoded);
  ASSERT_TRUE(message.ok()) << message.error().message;
  const PublicKey key = PublicKey::from_der(endorsing).value();
  EXPECT_TRUE(verify(*message, key));
  EXPECT_EQ(message->payload, key.der());
  EXPECT_FALSE(message->kid());
}

// A JSON signature of the same ledger: DER over the root itself, under a P-384 node key.
TEST(NodeSignature, InTheSampleLedger) {
  ENTENTE_SAMPLE_OR_SKIP(folder, "acme_containing_service");
  const std::string chunk = read_text(folder + "/ledger/ledger_1-2.committed");
  const size_t start = chunk.rfind("{\"cert\":\"", chunk.find("\"commit_seqno\""));
  const std::string value = chunk.substr(start, chunk.find('}', start) - start);
  std::string pem = between(value, "{\"cert\":\"", "\"");
  for (size_t at; (at = pem.find("\\n")) != std::string::npos;) pem.replace(at, 2, "\n");
  const auto node = Certificate::from_pem(pem);
  ASSERT_TRUE(node.ok()) << node.error().message;
  const PublicKey key = node->public_key().value();
  EXPECT_EQ(key.id(), between(value, "\"node\":\"", "\""));
  const Bytes root = hex(between(value, "\"root\":\"", "\""));
  const Bytes signature = from_base64(between(value, "\"sig\":\"", "\"")).value();
  EXPECT_EQ(key.curve(), Curve::p384);
  EXPECT_TRUE(key.verify_digest(root, signature));
  EXPECT_FALSE(key.verify_digest(flipped(root, 77), signature));
  EXPECT_FALSE(key.verify(root, signature));
}

}  // namespace
}  // namespace entente::crypto::cose
