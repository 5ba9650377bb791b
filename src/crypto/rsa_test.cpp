#include "crypto/rsa.h"

#include <openssl/err.h>
#include <rapidcheck.h>

#include "crypto/key.h"
#include "crypto/pem.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

// OAEP ciphertexts made for the throw-away key with the Python package `cryptography`.
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
  static const RsaKeyPair pair = RsaKeyPair::from_pem(throw_away_rsa_key).value();
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
  EXPECT_FALSE(KeyPair::from_pem(throw_away_rsa_key).ok());
}

// ---- signatures with salt

// Over `signed elsewhere`, by the throw-away key, made with the Python package `cryptography`.
struct PssVector {
  Hash hash;
  size_t salt;
  std::string_view signature;
};
constexpr PssVector pss_vectors[] = {
    {Hash::sha256, 0,
     "ByhVJ3PBVB0ArRM0vl3T+CE/fp9cuLcJDfWgFUJl9JIuNmZ4+LuKwm9MuE3zMvqemYBQh7XZqhOgJZrNa00H"
     "TGpX9UTaexfy3HPdPg4Hc5gkx2tf/vm5gl88OhT48z5IUeFDGFH3ahOznkQX+aelAoBrdqJKpG/J40F3c+Ha"
     "sb/99gSKA8Ew4bvsBEu0tPWIhlimdRYERnSDHzBhgFvWd72ObI8v3TZop9YVdjFBWOPPdX9mXiAmGR89mXDx"
     "s7Xr1s+DaF4Busm2dFIZp8fmQFTgRwQH3tUHSOPapMyOvvmLmagvQzWZvB//m27+wURkOYassFpvOwSS34h7"
     "EGufKg=="},
    {Hash::sha256, 32,
     "Q1P3FhZ14f21pyOLigp2yINfGmUj5/rbNyiRiNq2RCihWvXt9wL+WmcuhKkiRA8M4/9BJ0qKzw6XTEyIBqjH"
     "f/1zyXxrGYhXovBDt5z6YCpHNo+2Ssa2JwXyfqRyoq+dIrW2MkzGEc6mtvVlgeBREg+LQwsjLiOP0mcKvhR8"
     "oF6y7PGkQYnTHFkEtI3p21vHoF7HBPQl3/tQk8Ey1bnes3LcBxW7NXCYPE3NULk3ypqRr4h0HEE4HMbnVLLT"
     "+61DD3J2JhFkFkCL7y6SkX7MIWjOsRNDsSnhMcWLyPtXqKu8V/9LLbUIHD6I33HQYOFUUcSoxSNGSKvOvAoY"
     "3Kj7zg=="},
    {Hash::sha512, 0,
     "Q9tGaPIx9k8nbqy6jaDBto8XNSedPmtW/sFLiR2MiVZOTKQbN9bN7HmSZwNK8e9zdiyCWzxWw2vnTQU+moKo"
     "VlS7S2VZFCPivbxbksdUYMM716sDndMwgTCsJtV0pyKeAkafQ7l2G/JLj3eOSqau8OTFRl5m+jeeCijYaDCF"
     "7N8fMTmykm8KFB+f5PTiNOFyj7LybUdq1IDRG9bJUKm9UFEStv97spGoNDn16HXgdSx0AhQCnBfZ2VqeVdpb"
     "+malkU0uP6cXlPYhodjT7B5vxIO/NuLo1rBdiqMKb5Tyy55+vnBr6FkpUEeD2DJNcza+Z3lZrQmKw4QYrNT6"
     "7FVYMA=="},
    {Hash::sha512, 32,
     "Q+7QkTyqXnjc6fA7kzmvkXIes/GW+qArh4SK5GqYpfTUCsJpdVO1h7dgwn/EE0zpboBfWAh0+Dptu7hO8AsS"
     "/ZIXpJyMFZiqT2LOOqn/GMBE5R2LiK/A4zD2AO87pVq6DV/yNEvyx09vxLqcBRD5N7WhPussg5T8i1Y9dMxi"
     "l+icdzhZ42PVSVuqfUv4BE4BgoNa9O+ZqFix70ycNN55WzO03wmAizk3CaEXTu8azRgAjmRjQWYjJoEZkqU1"
     "98NjDlubTjYff2EDbv0sHSoYHwVH/29EmFchQq/YSWuJVfMgq4cuV6E5UzLoSJdcjaCLCLjdyxDBza90G7Cn"
     "8nnL5w=="},
};

TEST(RsaPss, VerifiesWhatAnotherImplementationSigned) {
  const RsaPublicKey& key = fixed_pair().public_key();
  for (const PssVector& vector : pss_vectors) {
    const Bytes signature = *from_base64(vector.signature);
    EXPECT_TRUE(key.verify_pss(vector.hash, vector.salt, as_bytes("signed elsewhere"), signature));
    EXPECT_FALSE(key.verify_pss(vector.hash, vector.salt, as_bytes("signed Elsewhere"), signature));
    EXPECT_FALSE(
        key.verify_pss(vector.hash, 32 - vector.salt, as_bytes("signed elsewhere"), signature));
    EXPECT_FALSE(
        key.verify_pss(Hash::sha384, vector.salt, as_bytes("signed elsewhere"), signature));
    for (size_t bit = 0; bit < 8 * signature.size(); bit += 211) {
      EXPECT_FALSE(key.verify_pss(vector.hash, vector.salt, as_bytes("signed elsewhere"),
                                  flipped(signature, bit)));
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaPss, SaltsUpToWhatTheModulusHolds) {
  const RsaPublicKey& key = fixed_pair().public_key();
  for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) {
    const size_t most = 256 - digest_size(hash) - 2;
    for (const size_t salt : {size_t{0}, size_t{1}, digest_size(hash), most}) {
      const auto signature = fixed_pair().sign_pss(hash, salt, as_bytes("m"));
      ASSERT_TRUE(signature.ok()) << signature.error().message;
      EXPECT_TRUE(key.verify_pss(hash, salt, as_bytes("m"), *signature));
    }
    EXPECT_FALSE(fixed_pair().sign_pss(hash, most + 1, as_bytes("m")).ok());
    EXPECT_FALSE(fixed_pair().sign_pss(hash, SIZE_MAX, as_bytes("m")).ok());
    EXPECT_FALSE(key.verify_pss(hash, SIZE_MAX, as_bytes("m"), Bytes(256)));
  }
  EXPECT_EQ(*fixed_pair().sign_pss(Hash::sha256, 0, as_bytes("m")),
            *fixed_pair().sign_pss(Hash::sha256, 0, as_bytes("m")));  // nothing random in it
}

TEST(RsaPss, IsNotPkcs1) {
  const Bytes pkcs1 = fixed_pair().sign_rs256(as_bytes("m"));
  EXPECT_FALSE(fixed_pair().public_key().verify_pss(Hash::sha256, 0, as_bytes("m"), pkcs1));
  const Bytes pss = fixed_pair().sign_pss(Hash::sha256, 32, as_bytes("m")).value();
  EXPECT_FALSE(fixed_pair().public_key().verify_rs256(as_bytes("m"), pss));
}

TEST(RsaOaep, TheLabelMustBeTheSame) {
  const Bytes elsewhere = *from_base64(
      "nF6E4kE1XMKUWOrSIBSujleiv5NmHB7v2XDazz5I/PL6dhQmvs8J0Be17ixf00J7pCZJwASVOAKhCQKEeQIj"
      "OkxET51BWjsTXjM6N2EKXJQrAyMapK5PGMGdOHwA+ifFCR+flu28GfOTgGR6hHXZVaFHZ8SU5sP9EkjlB+yX"
      "AU9ADnPmcGwiQ+ltXMQfdr+RCsI95szRHc+T6sThJ+eN9biR4/N0WIea6A5kybx8qC33Yc9Jc5g+Y9QhWz34"
      "4k5pEy8IcYZPKwtMcM5dx5Y9aubnJu6AXu4MBiwCum9bs4aTE912sQwMVZmck7wBGK15BuKQsUrWZ80jNzO8"
      "iBfu4g==");
  const auto plaintext = fixed_pair().decrypt_oaep_sha256(elsewhere, as_bytes("label"));
  ASSERT_TRUE(plaintext.ok()) << plaintext.error().message;
  EXPECT_EQ(to_text(*plaintext), "share of a secret");
  EXPECT_FALSE(fixed_pair().decrypt_oaep_sha256(elsewhere, as_bytes("Label")).ok());
  EXPECT_FALSE(fixed_pair().decrypt_oaep_sha256(elsewhere).ok());
  const auto own = fixed_pair().public_key().encrypt_oaep_sha256(as_bytes("x"), as_bytes("label"));
  ASSERT_TRUE(own.ok());
  EXPECT_TRUE(fixed_pair().decrypt_oaep_sha256(*own, as_bytes("label")).ok());
  EXPECT_FALSE(
      fixed_pair().public_key().encrypt_oaep_sha256(as_bytes("x"), Bytes((1 << 20) + 1)).ok());
}

// ---- numbers

TEST(RsaNumbers, RoundTrip) {
  const RsaKeyPair::Numbers numbers = fixed_pair().numbers();
  EXPECT_EQ(numbers.e, hex("010001"));
  EXPECT_EQ(numbers.n, fixed_pair().public_key().numbers().n);
  const auto again = RsaKeyPair::from_numbers(numbers);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->private_pem(), fixed_pair().private_pem());
  EXPECT_EQ(again->sign_rs256(as_bytes("m")), fixed_pair().sign_rs256(as_bytes("m")));
}

// A private key whose numbers do not belong together would sign wrongly, or not at all.
TEST(RsaNumbers, ThatDoNotFitAreRefused) {
  using Numbers = RsaKeyPair::Numbers;
  constexpr Bytes Numbers::*all[] = {&Numbers::n, &Numbers::e,  &Numbers::d,  &Numbers::p,
                                     &Numbers::q, &Numbers::dp, &Numbers::dq, &Numbers::qi};
  for (const auto member : all) {
    const size_t size = (fixed_pair().numbers().*member).size();
    for (const size_t bit : {size_t{9}, 8 * size - 7}) {
      Numbers numbers = fixed_pair().numbers();
      numbers.*member = flipped(numbers.*member, bit);
      EXPECT_FALSE(RsaKeyPair::from_numbers(numbers).ok());
    }
    for (const Bytes& replaced : {Bytes{}, Bytes{0}, Bytes{1}, Bytes(256, 0xff), Bytes(5000, 1)}) {
      Numbers numbers = fixed_pair().numbers();
      numbers.*member = replaced;
      EXPECT_FALSE(RsaKeyPair::from_numbers(numbers).ok());
    }
  }
  Numbers swapped = fixed_pair().numbers();
  std::swap(swapped.p, swapped.q);
  EXPECT_FALSE(RsaKeyPair::from_numbers(swapped).ok());
}

TEST(RsaKeys, AreGeneratedWithAnyOddExponent) {
  const auto three = RsaKeyPair::generate(2048, 3, [] { return true; });
  ASSERT_TRUE(three.ok()) << three.error().message;
  EXPECT_EQ(three->numbers().e, hex("03"));
  EXPECT_EQ(three->public_key().bits(), 2048u);
  const std::pair<unsigned, uint64_t> refused[] = {{2047, 65537},
                                                   {8193, 65537},
                                                   {0, 65537},
                                                   {2048, 0},
                                                   {2048, 1},
                                                   {2048, 65536},
                                                   {2048, uint64_t{1} << 32 | 1}};
  for (const auto& [bits, exponent] : refused) {
    EXPECT_FALSE(RsaKeyPair::generate(bits, exponent, [] { return true; }).ok());
  }
}

TEST(RsaKeys, TheSearchForOneCanBeStopped) {
  int asked = 0;
  const auto key = RsaKeyPair::generate(8192, 65537, [&] { return ++asked < 3; });
  EXPECT_FALSE(key.ok());
  EXPECT_LT(asked, 20);  // where it asks between two primes it does not listen
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace entente::crypto
