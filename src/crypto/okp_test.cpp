#include "crypto/okp.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "crypto/key.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

// RFC 8032 §7.1, tests 1 and 2.
TEST(Ed25519, VectorsOfTheRfc) {
  struct Vector {
    std::string_view secret, public_key, message, signature;
  };
  constexpr Vector vectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9"
       "b46bd25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "1"
       "1d8c387b2eaeb4302aeeb00d291612bb0c00"}};
  for (const Vector& vector : vectors) {
    const OctetKeyPair pair =
        OctetKeyPair::from_raw(OctetCurve::ed25519, hex(vector.secret)).value();
    EXPECT_EQ(pair.public_key().raw(), hex(vector.public_key));
    EXPECT_EQ(pair.raw(), hex(vector.secret));
    EXPECT_EQ(pair.sign(hex(vector.message)).value(), hex(vector.signature));
    const OctetPublicKey key =
        OctetPublicKey::from_raw(OctetCurve::ed25519, hex(vector.public_key)).value();
    EXPECT_TRUE(key.verify(hex(vector.message), hex(vector.signature)));
    for (size_t bit = 0; bit < 512; bit += 7) {
      EXPECT_FALSE(key.verify(hex(vector.message), flipped(hex(vector.signature), bit)));
    }
    EXPECT_FALSE(key.verify(as_bytes("other"), hex(vector.signature)));
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// Made with the Python package `cryptography`, secret 00 01 … 1f.
TEST(OctetKeys, PemOfAnotherImplementationIsReproduced) {
  constexpr std::string_view private_pem = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
)";
  constexpr std::string_view public_pem = R"(-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=
-----END PUBLIC KEY-----
)";
  const auto pair = OctetKeyPair::from_pem(private_pem);
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_EQ(pair->private_pem(), private_pem);
  EXPECT_EQ(pair->public_key().pem(), public_pem);
  const auto key = OctetPublicKey::from_pem(public_pem);
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key->der(), pair->public_key().der());
}

TEST(OctetKeys, GeneratedOnesRoundTrip) {
  for (const OctetCurve curve : {OctetCurve::ed25519, OctetCurve::x25519}) {
    const OctetKeyPair pair = OctetKeyPair::generate(curve);
    EXPECT_EQ(pair.curve(), curve);
    EXPECT_NE(pair.raw(), OctetKeyPair::generate(curve).raw());
    const auto again = OctetKeyPair::from_pem(pair.private_pem());
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(again->raw(), pair.raw());
    EXPECT_EQ(again->curve(), curve);
    const auto key = OctetPublicKey::from_pem(pair.public_key().pem());
    ASSERT_TRUE(key.ok());
    EXPECT_EQ(key->raw(), pair.public_key().raw());
    EXPECT_EQ(key->curve(), curve);
  }
}

RC_GTEST_PROP(Ed25519, SignsForItselfOnly, (const Bytes& message)) {
  static const OctetKeyPair pair = OctetKeyPair::generate(OctetCurve::ed25519);
  static const OctetKeyPair other = OctetKeyPair::generate(OctetCurve::ed25519);
  const Bytes signature = pair.sign(message).value();
  RC_ASSERT(signature.size() == ed25519_signature_size);
  RC_ASSERT(pair.public_key().verify(message, signature));
  RC_ASSERT(!other.public_key().verify(message, signature));
}

TEST(OctetKeys, WhatIsNotOneIsRefused) {
  EXPECT_FALSE(OctetKeyPair::generate(OctetCurve::x25519).sign(as_bytes("m")).ok());
  const OctetPublicKey agreeing = OctetKeyPair::generate(OctetCurve::x25519).public_key();
  EXPECT_FALSE(agreeing.verify(as_bytes("m"), Bytes(64)));
  const OctetKeyPair signing = OctetKeyPair::generate(OctetCurve::ed25519);
  EXPECT_FALSE(signing.public_key().verify(as_bytes("m"), {}));
  EXPECT_FALSE(signing.public_key().verify(as_bytes("m"), Bytes(65)));
  for (const size_t size : {0u, 31u, 33u, 64u}) {
    EXPECT_FALSE(OctetPublicKey::from_raw(OctetCurve::ed25519, Bytes(size)).ok());
    EXPECT_FALSE(OctetKeyPair::from_raw(OctetCurve::x25519, Bytes(size)).ok());
  }
  const KeyPair ec = KeyPair::generate(Curve::p256);
  EXPECT_FALSE(OctetPublicKey::from_der(ec.public_key().der()).ok());
  EXPECT_FALSE(OctetPublicKey::from_pem(ec.public_key().pem()).ok());
  EXPECT_FALSE(OctetKeyPair::from_pem(ec.private_pem()).ok());
  EXPECT_FALSE(KeyPair::from_pem(signing.private_pem()).ok());
  EXPECT_FALSE(PublicKey::from_pem(signing.public_key().pem()).ok());
  EXPECT_FALSE(OctetKeyPair::from_pem("").ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace entente::crypto
