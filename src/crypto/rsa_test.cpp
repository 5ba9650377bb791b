#include "crypto/rsa.h"

#include <openssl/err.h>
#include <rapidcheck.h>

#include "crypto/key.h"
#include "crypto/pem.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

// A throw-away PKCS#1 key made by `openssl genrsa -traditional 2048`, and OAEP ciphertexts made for
// it with the Python package `cryptography`.
constexpr std::string_view private_pem = R"(-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEAuMfCjbr+ni3eo0Q+dSUJzklptIaWOAIvtLa3CRbct38YEEsO
zreoTViFEyNHzkMoA6xo6Ej915nCECXzNWtHAd7CJIMZy44nqxKy++D5jUDE12S4
vl6D87HH5ZzRo2wabzeYHYr38TrsU2Ru4mKpUWBf3IRo+oWYYj5P7gtdVVL+Fpst
PHX43PcqaO+saULvoOMnFE9pU8lSTrJCzmwgAgo7jSmw4JtsVMIVLU0YR3ecv6V5
tx2bj04G5Ap5qfCbDetSAFjYoY/jqAF61oZULTMYCsECiTLRCmuVeCNSyTOTS1gb
kg1C0BFed/afsmoUJ2JA0IOCkqNqx3gnnZxLwwIDAQABAoIBAEpCyf9Q6BRlJeVi
v2EwBf1YRrmtH0EaK9cKWYw3GnRKiT6/E4/jgqm3CiBTXP/ZwIKdbznvX8keu73m
qpRM7WgkgMzQvXSvyGR56uHMnC53GcTg71hevtQZHle6ywvNHeCVrLYuzA+wWRr4
sZGdCiQwwcXrlw8b0s6k8VWfTp7DwW8ew669Euumh9l9pY8xD1IbEadUm2PkBhfy
w5+vPSJlzDq6pjCUOPPie43IN9CelZzKKYOB+yxc7KyRuEB1pKmRAoymNzmZ6m32
LRmJeey0MIW690GIznDGJcVQCWf+4uFPZNoZps7JEOzuF7oECUMywTd3plRzGiph
z24hhtUCgYEA4qxxoLgDRt0MGX5hjMeHSUZnT9U/H6zrTobZH4kPQMo+bH1B27DQ
NmVA3UwuElLTk1kGmGD/xoCg6q8M2mkYsJf8fz6I6DBimzQo/RYVdNRvhenSRONS
v1r3rJ6bRfPSqCpcA+2BsAGSAVGg37wHYuCjr15LGRAm4oIostYZkT0CgYEA0K/J
bIF8ZNkbuPLcUT4DdA2HoNAIsc1mx5Kie9OrQK4W3gey1R8NeA6acPcGy9L/T7Q7
4g3SdbMhj3yMKrLmM9d6LVUk+PQRzO6ZNgnRgVUAWGjVYeoMSybbeze+2h8BtNQN
JNKWRBQRHftl/WOrl3uq4wLQwmKHboYNjd3BIP8CgYBhFunIpGjK5o1zMf3IlgIt
cZl4yWczQxa62OmRJ1zALKBWScR2vCJC2lXRM/sb4Bw9pck8ZXfI53mFbBs+RfvM
UB1Xx0pO4cKqpcnUtavVEdT+7+sflJrx2Z3yczEg4lHds98b05RT9ig6pmMY0en8
ASo7SFE0WAW/yW5zQ19KJQKBgQCyI9zFiyMs00ge8PGxSEaaYpJMbEl/vd7mrf2V
xnKBnBpZHilCVGei/JRJqhVbGJpo52nW5gWqA2e6nI7qRBzOVDovSGdvPKmVTnfq
8SauSGkrDxJXqvsji9//pu58M8u5GOq/bCRpqNeTyG6fht2LSj3t2xFpXcJOTpBz
ccDS8QKBgQCwgVWOQy1S/3Tz03iyD1oCQ+ymUxTX7YgYgMztyb6Gjod2ZocgqKbf
m85MG69Ju4dgNZkyGok8f+LSv4V0PHcNWnaJ52QdEIYR2rccLgUs5NoaTs+O8wP9
1DdMsIT/d6D2xRJ3QYfFok8c0B7kzNeuSjs68GwkSNdGOXecBsi46Q==
-----END RSA PRIVATE KEY-----
)";
constexpr std::string_view oaep_sha256_ciphertext =
    "EivnlD2BFOMQS8rnXkSLeazIPTtCCpEQapUZSDNiaNddHiGRcU8dknErlMVzhqqgenaSMOlbwsMx+YOTtKzLWP3f6t"
    "EPUgG964P4S1cI4uUqW9M68G5w5sCI87yzeU7OzhjewaAzOIdZAED80FFHuIlC3zs3P1mUkwiTGEOdqnwnCd2AJuWB"
    "YymSE1T6mu94aaqcFC230NDk7J53FJsuXkdbdH2nvHroCPi6HwIjolqVnSLemEhyCtLJZfPmLu1VHy51caprPVKppb"
    "/hw7F370mDYnSlDvzZLS+ftfBOO+MVRPxPUENc7ZQUhcRnvxfMUTBXwAuQeVskd7zVb8rsEQ==";
constexpr std::string_view oaep_sha1_ciphertext =
    "aZmFEflMy1SbtoitBgywWtn9kXY/4oKxPaosr1RHpYxlsPdW2YbxYcmeLQouS73ueJXPeg0zJAF4H73H7EsdxHVHDw"
    "0r43f2sgIs8Eak/7qnTQH/zCQD/ZfbHbr/o/uN8I3eHbLaqmfZqoJdh7ArAYpp0S/g+VYXjKikc/a7JwfcZ/njdoPB"
    "BYWb6uHi3A777HnYcOkyx97AHqbd+nzMLtW7fBc18xlWTsQU6G4DQ/yqlwiBy5u8eEQAUoYnnd3M/maDmAuu4uvQBY"
    "kYACYOtwgqRyuTd1zy+OQCwWiY+8tg3uFTUE44VGmRXd6UBxmW/YdpqIif2lMlipqBvMYn6A==";

const RsaKeyPair& fixed_pair() {
  static const RsaKeyPair pair = RsaKeyPair::from_pem(private_pem).value();
  return pair;
}

TEST(RsaOaep, DecryptsWhatAnotherImplementationEncrypted) {
  const auto plaintext = fixed_pair().decrypt_oaep_sha256(*from_base64(oaep_sha256_ciphertext));
  ASSERT_TRUE(plaintext.ok()) << plaintext.error().message;
  EXPECT_EQ(to_text(*plaintext), "share of a secret");
  EXPECT_FALSE(fixed_pair().decrypt_oaep_sha256(*from_base64(oaep_sha1_ciphertext)).ok());
}

TEST(RsaOaep, RoundTripsUpToItsLimit) {
  const RsaPublicKey& key = fixed_pair().public_key();
  ASSERT_EQ(key.bits(), 2048u);
  const size_t most = key.bits() / 8 - 66;
  for (const size_t size : {size_t{1}, size_t{44}, most}) {
    const Bytes plaintext(size, 0x42);
    const auto ciphertext = key.encrypt_oaep_sha256(plaintext);
    ASSERT_TRUE(ciphertext.ok()) << ciphertext.error().message;
    EXPECT_EQ(*fixed_pair().decrypt_oaep_sha256(*ciphertext), plaintext);
    EXPECT_NE(*key.encrypt_oaep_sha256(plaintext), *ciphertext);  // randomised
  }
  EXPECT_FALSE(key.encrypt_oaep_sha256(Bytes(most + 1)).ok());
}

TEST(RsaOaep, ChangedCiphertextsAreRefusedAlike) {
  const Bytes good = *from_base64(oaep_sha256_ciphertext);
  const std::string message = fixed_pair().decrypt_oaep_sha256({}).error().message;
  for (size_t bit = 0; bit < 8 * good.size(); bit += 97) {
    const auto opened = fixed_pair().decrypt_oaep_sha256(flipped(good, bit));
    ASSERT_FALSE(opened.ok()) << bit;
    EXPECT_EQ(opened.error().message, message);
  }
  EXPECT_FALSE(fixed_pair().decrypt_oaep_sha256(BytesView(good).first(255)).ok());
  EXPECT_FALSE(fixed_pair().decrypt_oaep_sha256(Bytes(257)).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// RFC 7515 appendix A.2: a JSON web token signed RS256, key given as a JSON web key.
TEST(Rs256, JsonWebSignatureOfRfc7515) {
  const auto key = RsaPublicKey::from_components(
      *from_base64url(
          "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
          "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
          "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
          "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"),
      *from_base64url("AQAB"));
  ASSERT_TRUE(key.ok()) << key.error().message;
  const Bytes signature = *from_base64url(
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
      "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
      "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
      "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
  const BytesView message = as_bytes(
      "eyJhbGciOiJSUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
      "bS9pc19yb290Ijp0cnVlfQ");
  EXPECT_TRUE(key->verify_rs256(message, signature));
  EXPECT_FALSE(key->verify_rs256(message.first(message.size() - 1), signature));
  for (size_t bit = 0; bit < 8 * signature.size(); bit += 101) {
    EXPECT_FALSE(key->verify_rs256(message, flipped(signature, bit)));
  }
  EXPECT_FALSE(key->verify_rs256(message, {}));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Rs256, SignsForItself) {
  const Bytes signature = fixed_pair().sign_rs256(as_bytes("token"));
  EXPECT_TRUE(fixed_pair().public_key().verify_rs256(as_bytes("token"), signature));
  EXPECT_FALSE(fixed_pair().public_key().verify_rs256(as_bytes("other"), signature));
}

TEST(RsaKeys, RoundTripThroughPemAndDer) {
  const RsaKeyPair pair = RsaKeyPair::generate();
  const auto again = RsaKeyPair::from_pem(pair.private_pem());
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->public_key().der(), pair.public_key().der());
  const auto key = RsaPublicKey::from_pem(pair.public_key().pem());
  ASSERT_TRUE(key.ok());
  const auto ciphertext = key->encrypt_oaep_sha256(as_bytes("x"));
  ASSERT_TRUE(ciphertext.ok());
  EXPECT_EQ(to_text(again->decrypt_oaep_sha256(*ciphertext).value()), "x");
}

TEST(RsaKeys, UnsuitableKeysAreRefused) {
  const Bytes modulus_2048(256, 0xff);
  EXPECT_TRUE(RsaPublicKey::from_components(modulus_2048, hex("010001")).ok());
  EXPECT_FALSE(RsaPublicKey::from_components(Bytes(128, 0xff), hex("010001")).ok());
  EXPECT_FALSE(RsaPublicKey::from_components(Bytes(2048, 0xff), hex("010001")).ok());
  EXPECT_FALSE(RsaPublicKey::from_components(modulus_2048, hex("01")).ok());
  EXPECT_FALSE(RsaPublicKey::from_components(modulus_2048, hex("010000")).ok());
  EXPECT_FALSE(RsaPublicKey::from_components(modulus_2048, Bytes(9, 0xff)).ok());
  EXPECT_FALSE(RsaPublicKey::from_components({}, {}).ok());
  const KeyPair ec = KeyPair::generate(Curve::p256);
  EXPECT_FALSE(RsaPublicKey::from_der(ec.public_key().der()).ok());
  EXPECT_FALSE(RsaKeyPair::from_pem(ec.private_pem()).ok());
  EXPECT_FALSE(PublicKey::from_der(fixed_pair().public_key().der()).ok());
  EXPECT_FALSE(KeyPair::from_pem(private_pem).ok());
}

}  // namespace
}  // namespace entente::crypto
