#include "crypto/jwk.h"

#include <openssl/err.h>

#include <boost/json/value_from.hpp>

#include "base/encoding.h"
#include "crypto/test_data.h"
#include "crypto/x509.h"
#include "crypto/x509_issue.h"

namespace entente::crypto {
namespace {

json::object parsed(std::string_view text) {
  return json::parse(text).value().get_object();
}

template <typename T>
json::object with(json::object jwk, std::string_view name, const T& value) {
  jwk[name] = boost::json::value_from(value);
  return jwk;
}

json::object without(json::object jwk, std::string_view name) {
  jwk.erase(name);
  return jwk;
}

// RFC 7517 appendix A.2.
const json::object ec_of_rfc = parsed(R"({"kty":"EC","crv":"P-256",
  "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
  "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
  "d":"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"})");
// Made with the Python package `cryptography`; the scalar has leading zeros.
const json::object ec_384 = parsed(R"({"kty":"EC","crv":"P-384",
  "x":"0OTkMCUls4nJ7FOs6zLYPZSB1HXxA3_O4mkb0yS4innxuyr_o48K3-m07QD8jJea",
  "y":"TA3mMHq1C4XBXOyo7vuVR_VR3XFyqFgCiD46xUj9feMz-THnVwU2MtZcaKvmvpSS",
  "d":"AAAAAAAAAAAAAAAAAAAAAAABI0VniQq83vAAAAAAAAAAAAAAAAAAAAAAAAAAAAAH"})");
constexpr std::string_view ec_384_pem = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAAAAAAAAAAAAAAAAAA
AAAAAAEjRWeJCrze8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAehZANiAATQ5OQwJSWz
icnsU6zrMtg9lIHUdfEDf87iaRvTJLiKefG7Kv+jjwrf6bTtAPyMl5pMDeYwerUL
hcFc7Kju+5VH9VHdcXKoWAKIPjrFSP194zP5MedXBTYy1lxoq+a+lJI=
-----END PRIVATE KEY-----
)";
// RFC 8037 appendix A.1.
const json::object ed25519_of_rfc = parsed(R"({"kty":"OKP","crv":"Ed25519",
  "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
// The numbers of the throw-away key as the Python package `cryptography` sees them.
const json::object rsa_elsewhere = [] {
  const auto text = [](std::string_view part) { return json::value(part); };
  json::object jwk;
  jwk["kty"] = text("RSA");
  jwk["n"] = text(
      "uMfCjbr-ni3eo0Q-dSUJzklptIaWOAIvtLa3CRbct38YEEsOzreoTViFEyNHzkMoA6xo6Ej915nCECXzNWtH"
      "Ad7CJIMZy44nqxKy--D5jUDE12S4vl6D87HH5ZzRo2wabzeYHYr38TrsU2Ru4mKpUWBf3IRo-oWYYj5P7gtd"
      "VVL-FpstPHX43PcqaO-saULvoOMnFE9pU8lSTrJCzmwgAgo7jSmw4JtsVMIVLU0YR3ecv6V5tx2bj04G5Ap5"
      "qfCbDetSAFjYoY_jqAF61oZULTMYCsECiTLRCmuVeCNSyTOTS1gbkg1C0BFed_afsmoUJ2JA0IOCkqNqx3gn"
      "nZxLww");
  jwk["e"] = text("AQAB");
  jwk["d"] = text(
      "SkLJ_1DoFGUl5WK_YTAF_VhGua0fQRor1wpZjDcadEqJPr8Tj-OCqbcKIFNc_9nAgp1vOe9fyR67veaqlEzt"
      "aCSAzNC9dK_IZHnq4cycLncZxODvWF6-1BkeV7rLC80d4JWsti7MD7BZGvixkZ0KJDDBxeuXDxvSzqTxVZ9O"
      "nsPBbx7Drr0S66aH2X2ljzEPUhsRp1SbY-QGF_LDn689ImXMOrqmMJQ48-J7jcg30J6VnMopg4H7LFzsrJG4"
      "QHWkqZECjKY3OZnqbfYtGYl57LQwhbr3QYjOcMYlxVAJZ_7i4U9k2hmmzskQ7O4XugQJQzLBN3emVHMaKmHP"
      "biGG1Q");
  jwk["p"] = text(
      "4qxxoLgDRt0MGX5hjMeHSUZnT9U_H6zrTobZH4kPQMo-bH1B27DQNmVA3UwuElLTk1kGmGD_xoCg6q8M2mkY"
      "sJf8fz6I6DBimzQo_RYVdNRvhenSRONSv1r3rJ6bRfPSqCpcA-2BsAGSAVGg37wHYuCjr15LGRAm4oIostYZ"
      "kT0");
  jwk["q"] = text(
      "0K_JbIF8ZNkbuPLcUT4DdA2HoNAIsc1mx5Kie9OrQK4W3gey1R8NeA6acPcGy9L_T7Q74g3SdbMhj3yMKrLm"
      "M9d6LVUk-PQRzO6ZNgnRgVUAWGjVYeoMSybbeze-2h8BtNQNJNKWRBQRHftl_WOrl3uq4wLQwmKHboYNjd3B"
      "IP8");
  jwk["dp"] = text(
      "YRbpyKRoyuaNczH9yJYCLXGZeMlnM0MWutjpkSdcwCygVknEdrwiQtpV0TP7G-AcPaXJPGV3yOd5hWwbPkX7"
      "zFAdV8dKTuHCqqXJ1LWr1RHU_u_rH5Sa8dmd8nMxIOJR3bPfG9OUU_YoOqZjGNHp_AEqO0hRNFgFv8luc0Nf"
      "SiU");
  jwk["dq"] = text(
      "siPcxYsjLNNIHvDxsUhGmmKSTGxJf73e5q39lcZygZwaWR4pQlRnovyUSaoVWxiaaOdp1uYFqgNnupyO6kQc"
      "zlQ6L0hnbzyplU536vEmrkhpKw8SV6r7I4vf_6bufDPLuRjqv2wkaajXk8hun4bdi0o97dsRaV3CTk6Qc3HA"
      "0vE");
  jwk["qi"] = text(
      "sIFVjkMtUv9089N4sg9aAkPsplMU1-2IGIDM7cm-ho6HdmaHIKim35vOTBuvSbuHYDWZMhqJPH_i0r-FdDx3"
      "DVp2iedkHRCGEdq3HC4FLOTaGk7PjvMD_dQ3TLCE_3eg9sUSd0GHxaJPHNAe5MzXrko7OvBsJEjXRjl3nAbI"
      "uOk");
  return jwk;
}();

TEST(EcJwk, KeysOfOtherImplementations) {
  const auto pair = ec_key_pair_from_jwk(ec_of_rfc);
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_EQ(to_jwk(*pair), ec_of_rfc);
  EXPECT_EQ(to_jwk(pair->public_key()), without(ec_of_rfc, "d"));
  const auto larger = ec_key_pair_from_jwk(ec_384);
  ASSERT_TRUE(larger.ok()) << larger.error().message;
  EXPECT_EQ(to_jwk(*larger), ec_384);
  EXPECT_EQ(to_jwk(KeyPair::from_pem(ec_384_pem).value()), ec_384);
  const auto key = ec_public_key_from_jwk(ec_384);
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(*key == larger->public_key());
}

TEST(EcJwk, RoundTripsOnEveryCurve) {
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    for (int i = 0; i < 20; ++i) {
      const KeyPair pair = KeyPair::generate(curve);
      const auto again = ec_key_pair_from_jwk(to_jwk(pair));
      ASSERT_TRUE(again.ok()) << again.error().message;
      EXPECT_EQ(again->scalar(), pair.scalar());
      const auto key = ec_public_key_from_jwk(to_jwk(pair.public_key()));
      ASSERT_TRUE(key.ok());
      EXPECT_EQ(key->pem(), pair.public_key().pem());
    }
  }
}

TEST(EcJwk, NumbersWithoutTheirLeadingZeros) {
  Bytes d = *from_base64url(std::string_view(ec_384.at("d").get_string()));
  while (d.front() == 0) d.erase(d.begin());
  ASSERT_LT(d.size(), 48u);
  const auto pair = ec_key_pair_from_jwk(with(ec_384, "d", to_base64url(d)));
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_EQ(to_jwk(*pair), ec_384);
}

TEST(EcJwk, WhatIsWrongIsNamed) {
  const auto refused = [](const json::object& jwk, std::string_view member) {
    const auto pair = ec_key_pair_from_jwk(jwk);
    ASSERT_FALSE(pair.ok());
    EXPECT_NE(pair.error().message.find("`" + std::string(member) + "`"), std::string::npos)
        << pair.error().message;
  };
  for (const std::string_view name : {"kty", "crv", "x", "y", "d"}) {
    refused(without(ec_of_rfc, name), name);
    refused(with(ec_of_rfc, name, 5), name);
    refused(with(ec_of_rfc, name, nullptr), name);
    refused(with(ec_of_rfc, name, ""), name);
    refused(with(ec_of_rfc, name, "not base64url!"), name);
    refused(with(ec_of_rfc, name, std::string(100000, 'A')), name);
  }
  refused(with(ec_of_rfc, "kty", "RSA"), "kty");
  refused(with(ec_of_rfc, "crv", "secp256k1"), "crv");
  refused(with(ec_of_rfc, "crv", "P-384"), "x");  // another curve: not a point of it
  refused(with(ec_of_rfc, "x", to_base64url(Bytes(33, 1))), "x");
  refused(with(ec_of_rfc, "x", to_base64url(Bytes(32, 1))), "x");  // not on the curve
  refused(with(ec_of_rfc, "d", to_base64url(Bytes(32))), "d");
  refused(with(ec_of_rfc, "d", to_base64url(Bytes(32, 0xff))), "d");
  refused(with(ec_of_rfc, "d", to_base64url(Bytes(32, 1))), "d");  // of another key
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaJwk, KeysOfOtherImplementations) {
  const auto pair = rsa_key_pair_from_jwk(rsa_elsewhere);
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_EQ(to_jwk(*pair), rsa_elsewhere);
  const RsaKeyPair original = RsaKeyPair::from_pem(throw_away_rsa_key).value();
  EXPECT_EQ(to_jwk(original), rsa_elsewhere);
  EXPECT_EQ(pair->private_pem(), original.private_pem());
  const auto key = rsa_public_key_from_jwk(rsa_elsewhere);
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(key->der(), original.public_key().der());
  EXPECT_EQ(to_jwk(*key).size(), 3u);
}

TEST(RsaJwk, WhatIsWrongIsRefused) {
  for (const std::string_view name : {"kty", "n", "e", "d", "p", "q", "dp", "dq", "qi"}) {
    EXPECT_FALSE(rsa_key_pair_from_jwk(without(rsa_elsewhere, name)).ok()) << name;
    EXPECT_FALSE(rsa_key_pair_from_jwk(with(rsa_elsewhere, name, json::array{})).ok()) << name;
    EXPECT_FALSE(rsa_key_pair_from_jwk(with(rsa_elsewhere, name, "")).ok()) << name;
    EXPECT_FALSE(rsa_key_pair_from_jwk(with(rsa_elsewhere, name, "AQAD")).ok()) << name;
    const bool in_public = name == "kty" || name == "n" || name == "e";
    EXPECT_NE(rsa_public_key_from_jwk(without(rsa_elsewhere, name)).ok(), in_public) << name;
  }
  EXPECT_FALSE(rsa_key_pair_from_jwk(with(rsa_elsewhere, "oth", json::array{})).ok());
  EXPECT_FALSE(
      rsa_public_key_from_jwk(with(rsa_elsewhere, "n", to_base64url(Bytes(128, 0xff)))).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(OctetJwk, KeysOfOtherImplementations) {
  const auto pair = octet_key_pair_from_jwk(ed25519_of_rfc);
  ASSERT_TRUE(pair.ok()) << pair.error().message;
  EXPECT_EQ(to_jwk(*pair), ed25519_of_rfc);
  EXPECT_EQ(pair->public_key().raw(),
            hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));
  const OctetKeyPair agreeing = OctetKeyPair::generate(OctetCurve::x25519);
  EXPECT_EQ(to_jwk(agreeing.public_key()).at("crv"), "X25519");
  EXPECT_EQ(octet_key_pair_from_jwk(to_jwk(agreeing)).value().private_pem(),
            agreeing.private_pem());
}

TEST(OctetJwk, WhatIsWrongIsRefused) {
  for (const std::string_view name : {"kty", "crv", "x", "d"}) {
    EXPECT_FALSE(octet_key_pair_from_jwk(without(ed25519_of_rfc, name)).ok()) << name;
    EXPECT_FALSE(octet_key_pair_from_jwk(with(ed25519_of_rfc, name, true)).ok()) << name;
    EXPECT_FALSE(octet_key_pair_from_jwk(with(ed25519_of_rfc, name, "AAAA")).ok()) << name;
  }
  const Bytes other(32, 9);
  EXPECT_FALSE(octet_key_pair_from_jwk(with(ed25519_of_rfc, "d", to_base64url(other))).ok());
  EXPECT_FALSE(octet_key_pair_from_jwk(with(ed25519_of_rfc, "crv", "X25519")).ok());
}

// ---- elements of key sets

TEST(KeySetElement, TakesWhatItHasInOrder) {
  const KeyPair ec = KeyPair::generate(Curve::p384);
  const Certificate certificate =
      self_signed_identity(ec, "CN=issuer", {UnixTime(1700000000), 10}).value();
  const Bytes rsa_der = RsaKeyPair::from_pem(throw_away_rsa_key).value().public_key().der();
  json::object element{{"kid", "k"}, {"x5c", json::array{to_base64(certificate.der()), "junk"}}};
  EXPECT_EQ(spki_from_jwk(element).value(), ec.public_key().der());
  for (const auto& [name, value] : ec_of_rfc) element[name] = value;
  EXPECT_EQ(spki_from_jwk(element).value(), ec_public_key_from_jwk(ec_of_rfc).value().der());
  element["n"] = rsa_elsewhere.at("n");
  EXPECT_EQ(spki_from_jwk(element).value(), ec_public_key_from_jwk(ec_of_rfc).value().der());
  element["e"] = rsa_elsewhere.at("e");
  EXPECT_EQ(spki_from_jwk(element).value(), rsa_der);
}

TEST(KeySetElement, WhatIsWrongIsRefused) {
  const json::value wrong_chains[] = {nullptr,
                                      "text",
                                      json::array{},
                                      json::array{5},
                                      json::array{"not base64!"},
                                      json::array{"AAAA"}};
  for (const json::value& chain : wrong_chains) {
    EXPECT_FALSE(spki_from_jwk({{"x5c", chain}}).ok()) << json::dump(chain);
  }
  EXPECT_FALSE(spki_from_jwk({}).ok());
  EXPECT_FALSE(spki_from_jwk({{"kid", "k"}, {"kty", "RSA"}, {"n", "AQAB"}}).ok());
  EXPECT_FALSE(spki_from_jwk({{"n", "AQAB"}, {"e", "AQAB"}}).ok());  // too short
  EXPECT_FALSE(spki_from_jwk({{"x5c", json::array{boost::json::string(1 << 17, 'A')}}}).ok());
}

}  // namespace
}  // namespace entente::crypto
