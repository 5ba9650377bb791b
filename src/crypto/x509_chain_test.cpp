#include "crypto/x509_chain.h"

#include <openssl/err.h>

#include "crypto/test_data.h"
#include "crypto/x509_issue.h"

namespace entente::crypto {
namespace {

constexpr UnixTime start(1700000000);
constexpr UnixTime during = start + std::chrono::days(5);
constexpr Validity ten_days{start, 10};
constexpr Validity twenty_days{start, 20};

/// A root, a CA below it, and a leaf of each.
struct Family {
  KeyPair root_key = KeyPair::generate(Curve::p256);
  KeyPair middle_key = KeyPair::generate(Curve::p384);
  KeyPair leaf_key = KeyPair::generate(Curve::p256);
  Certificate root = self_signed_ca(root_key, "CN=Root", twenty_days).value();
  Certificate middle =
      endorse_service(middle_key.public_key(), "CN=Middle", root_key, root, ten_days).value();
  CertificateRequest request = make_request(leaf_key, "CN=Leaf", {}).value();
  Certificate near = issue_from_request(request, root_key, root, twenty_days).value();
  Certificate far = issue_from_request(request, middle_key, middle, twenty_days).value();
};

bool verifies(std::vector<Certificate> chain, std::vector<Certificate> anchors,
              UnixTime now = during) {
  const bool good = verify_chain(chain, anchors, now).ok();
  EXPECT_EQ(ERR_peek_error(), 0u);
  return good;
}

TEST(Chain, OfOneAndOfTwo) {
  const Family family;
  EXPECT_TRUE(verifies({family.near}, {family.root}));
  EXPECT_TRUE(verifies({family.far, family.middle}, {family.root}));
  EXPECT_TRUE(verifies({family.far, family.root, family.middle}, {family.root}));
  EXPECT_TRUE(verifies({family.root}, {family.root}));
  EXPECT_FALSE(verifies({family.far}, {family.root}));  // what is between is missing
  EXPECT_FALSE(verifies({family.middle, family.far}, {family.far}));
}

TEST(Chain, MayEndAtAnAnchorThatIsNotARoot) {
  const Family family;
  EXPECT_TRUE(verifies({family.far}, {family.middle}));
  EXPECT_TRUE(verifies({family.middle}, {family.middle}));
  const Family other;
  EXPECT_TRUE(verifies({family.far}, {other.root, family.middle, family.middle}));
}

TEST(Chain, OfOthersIsRefused) {
  const Family family;
  const Family other;  // the same names, other keys
  EXPECT_FALSE(verifies({family.near}, {other.root}));
  EXPECT_FALSE(verifies({family.far, other.middle}, {family.root}));
  EXPECT_FALSE(verifies({family.near}, {}));
  EXPECT_FALSE(verifies({}, {family.root}));
}

TEST(Chain, OnlyCasVouch) {
  const Family family;
  // The same key and name, once as a CA and once not.
  const KeyPair key = KeyPair::generate(Curve::p256);
  const Certificate authority = self_signed_ca(key, "CN=Nobody", twenty_days).value();
  const Certificate identity = self_signed_identity(key, "CN=Nobody", twenty_days).value();
  const Certificate under = issue_from_request(family.request, key, authority, ten_days).value();
  EXPECT_TRUE(verifies({under}, {authority}));
  EXPECT_FALSE(verifies({under}, {identity}));
  EXPECT_FALSE(verifies({identity}, {identity}));
  EXPECT_FALSE(verifies({family.near}, {family.near}));
  EXPECT_NE(verify_chain(std::vector{identity}, std::vector{identity}, during)
                .error()
                .message.find("not a CA"),
            std::string::npos);
}

TEST(Chain, AllMustBeValidNow) {
  const Family family;
  EXPECT_FALSE(verifies({family.near}, {family.root}, start - UnixTime(1)));
  EXPECT_TRUE(verifies({family.near}, {family.root}, start + std::chrono::days(15)));
  EXPECT_FALSE(verifies({family.near}, {family.root}, start + std::chrono::days(21)));
  EXPECT_FALSE(verifies({family.far, family.middle}, {family.root}, start + std::chrono::days(15)));
  const auto late = verify_chain(std::vector{family.far, family.middle}, std::vector{family.root},
                                 start + std::chrono::days(15));
  EXPECT_NE(late.error().message.find("certificate 2"), std::string::npos) << late.error().message;
  EXPECT_NE(late.error().message.find("expired"), std::string::npos) << late.error().message;
}

TEST(Chain, PathLengthsAreHonoured) {
  const Family family;  // a root that allows one CA below it
  const KeyPair key = KeyPair::generate(Curve::p256);
  const Certificate third =
      endorse_service(key.public_key(), "CN=Third", family.middle_key, family.middle, ten_days)
          .value();
  const Certificate leaf = issue_from_request(family.request, key, third, ten_days).value();
  EXPECT_FALSE(verifies({leaf, third, family.middle}, {family.root}));
  EXPECT_TRUE(verifies({leaf, third}, {family.middle}));
}

TEST(Bundle, OnlyTheFirstCertificateCounts) {
  const Family family;
  EXPECT_TRUE(is_certificate_bundle(""));
  EXPECT_TRUE(is_certificate_bundle(family.root.pem()));
  EXPECT_TRUE(is_certificate_bundle(family.root.pem() + family.near.pem()));
  EXPECT_TRUE(is_certificate_bundle("a comment\n" + family.root.pem() + "-----BEGIN junk"));
  EXPECT_TRUE(is_certificate_bundle(family.root_key.private_pem() + family.root.pem()));
  EXPECT_FALSE(is_certificate_bundle(" "));
  EXPECT_FALSE(is_certificate_bundle("-----BEGIN CERTIFICATE-----"));
  EXPECT_FALSE(is_certificate_bundle(family.root_key.private_pem()));
  EXPECT_FALSE(is_certificate_bundle(
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + family.root.pem()));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace entente::crypto
