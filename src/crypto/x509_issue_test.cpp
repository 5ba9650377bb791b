#include "crypto/x509_issue.h"

#include <openssl/x509v3.h>

#include <set>

#include "crypto/openssl.h"
#include "crypto/test_data.h"

namespace entente::crypto {
namespace {

constexpr UnixTime start(1700000000);
constexpr Validity ninety_days{start, 90};

SubjectAltName alt(std::string_view text) {
  return SubjectAltName::parse(text).value();
}

/// A service with one endorsed node.
struct Fixture {
  explicit Fixture(Curve curve)
      : service_key(KeyPair::generate(curve)),
        service(self_signed_ca(service_key, "CN=CCF Service", ninety_days).value()),
        node_key(KeyPair::generate(curve)),
        request(make_request(node_key, "CN=CCF Node", alt_names).value()),
        node(issue_from_request(request, service_key, service, {start, 30}).value()) {}

  std::vector<SubjectAltName> alt_names = {alt("iPAddress:127.0.0.1"), alt("dNSName:localhost")};
  KeyPair service_key;
  Certificate service;
  KeyPair node_key;
  CertificateRequest request;
  Certificate node;
};

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_free(stack);
}

/// OpenSSL's path validation with every RFC 5280 strictness that it knows; X509_V_OK if it passes.
int strict_path_error(const Certificate& leaf, const Certificate& trusted,
                      const std::vector<Certificate>& between_them = {}) {
  const std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), trusted.native_handle());
  const std::unique_ptr<STACK_OF(X509), FreeWith<free_stack>> chain(sk_X509_new_null());
  for (const Certificate& one : between_them) sk_X509_push(chain.get(), one.native_handle());
  const std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>> context(
      X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), leaf.native_handle(), chain.get());
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_STORE_CTX_set_time(context.get(), 0, start.count() + 100);
  X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_SERVER);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

bool is_critical(const Certificate& certificate, int nid) {
  const int at = X509_get_ext_by_NID(certificate.native_handle(), nid, -1);
  return at >= 0 && X509_EXTENSION_get_critical(X509_get_ext(certificate.native_handle(), at)) == 1;
}

bool has(const Certificate& certificate, int nid) {
  return X509_get_ext_by_NID(certificate.native_handle(), nid, -1) >= 0;
}

TEST(Issue, ServiceCertificateHasTheDocumentedFields) {
  const Fixture f(Curve::p384);
  EXPECT_TRUE(f.service.is_ca());
  EXPECT_EQ(f.service.path_length(), 1u);
  EXPECT_TRUE(is_critical(f.service, NID_basic_constraints));
  EXPECT_TRUE(is_critical(f.service, NID_key_usage));
  EXPECT_EQ(X509_get_key_usage(f.service.native_handle()),
            static_cast<uint32_t>(KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN));
  EXPECT_TRUE(has(f.service, NID_subject_key_identifier));
  EXPECT_TRUE(has(f.service, NID_authority_key_identifier));
  EXPECT_FALSE(has(f.service, NID_subject_alt_name));
  EXPECT_EQ(X509_get_signature_nid(f.service.native_handle()), NID_ecdsa_with_SHA384);
  EXPECT_EQ(X509_get_version(f.service.native_handle()), 2);
  EXPECT_TRUE(f.service.signed_by(f.service));
}

TEST(Issue, NodeCertificateHasTheDocumentedFields) {
  const Fixture f(Curve::p256);
  EXPECT_EQ(f.node.subject(), "CN=CCF Node");
  EXPECT_EQ(f.node.issuer(), "CN=CCF Service");
  EXPECT_FALSE(f.node.is_ca());
  EXPECT_TRUE(is_critical(f.node, NID_basic_constraints));
  EXPECT_TRUE(has(f.node, NID_subject_key_identifier));
  EXPECT_TRUE(has(f.node, NID_authority_key_identifier));
  EXPECT_EQ(f.node.alt_names(), f.alt_names);
  EXPECT_FALSE(is_critical(f.node, NID_subject_alt_name));
  EXPECT_EQ(f.node.not_after(), start + UnixTime(30 * 86400 - 1));
  EXPECT_TRUE(f.node.public_key().value() == f.node_key.public_key());
  EXPECT_EQ(X509_get_signature_nid(f.node.native_handle()), NID_ecdsa_with_SHA256);
  EXPECT_TRUE(f.node.signed_by(f.service));
  EXPECT_FALSE(f.service.signed_by(f.node));
  EXPECT_FALSE(f.node.signed_by(f.node));
}

TEST(Issue, StrictPathValidationAcceptsNodeUnderService) {
  for (const Curve curve : {Curve::p256, Curve::p384, Curve::p521}) {
    const Fixture f(curve);
    EXPECT_EQ(strict_path_error(f.node, f.service), X509_V_OK);
    const Fixture other(curve);  // same names, other keys
    EXPECT_NE(strict_path_error(f.node, other.service), X509_V_OK);
    EXPECT_FALSE(f.node.signed_by(other.service));
  }
}

TEST(Issue, SerialsAreFresh) {
  const KeyPair key = KeyPair::generate(Curve::p256);
  std::set<Bytes> serials;
  for (int i = 0; i < 20; ++i) {
    serials.insert(self_signed_ca(key, "CN=x", ninety_days)->serial());
  }
  EXPECT_EQ(serials.size(), 20u);
}

TEST(Issue, EndorsementLetsOldNodesVerifyUnderTheNewService) {
  const Fixture older(Curve::p256);
  const Fixture newer(Curve::p384);
  const auto endorsement = endorse_service(older.service_key.public_key(), older.service.subject(),
                                           newer.service_key, newer.service, ninety_days);
  ASSERT_TRUE(endorsement.ok()) << endorsement.error().message;
  EXPECT_TRUE(endorsement->is_ca());
  EXPECT_EQ(endorsement->path_length(), 1u);
  EXPECT_TRUE(endorsement->signed_by(newer.service));
  EXPECT_TRUE(older.node.signed_by(*endorsement));
  EXPECT_FALSE(older.node.signed_by(newer.service));
  EXPECT_EQ(strict_path_error(older.node, newer.service, {*endorsement}), X509_V_OK);
}

TEST(Issue, UserIdentityIsAnEndEntity) {
  const KeyPair key = KeyPair::generate(Curve::p384);
  const auto user = self_signed_identity(key, "CN=user0", ninety_days);
  ASSERT_TRUE(user.ok()) << user.error().message;
  EXPECT_EQ(user->subject(), "CN=user0");
  EXPECT_FALSE(user->is_ca());
  EXPECT_EQ(X509_get_key_usage(user->native_handle()), static_cast<uint32_t>(KU_DIGITAL_SIGNATURE));
  EXPECT_TRUE(user->public_key().value() == key.public_key());
}

TEST(Issue, TheIssuerMustBeACaWithItsOwnKey) {
  const Fixture f(Curve::p256);
  EXPECT_FALSE(issue_from_request(f.request, f.node_key, f.service, ninety_days).ok());
  EXPECT_FALSE(issue_from_request(f.request, f.node_key, f.node, ninety_days).ok());
}

TEST(Issue, ImpossibleValiditiesAndSubjectsAreErrors) {
  const KeyPair key = KeyPair::generate(Curve::p256);
  const Validity bad_validities[] = {
      {start, 0}, {start, 4000000000}, {UnixTime(-700000000), 10}, {UnixTime(253402300800), 1}};
  for (const Validity& validity : bad_validities) {
    EXPECT_FALSE(self_signed_ca(key, "CN=x", validity).ok()) << validity.days;
  }
  for (const std::string_view subject : {"x", "CN", "NoSuchAttribute=x", "CN=x,,O=y", "=x"}) {
    EXPECT_FALSE(self_signed_ca(key, subject, ninety_days).ok()) << subject;
  }
  EXPECT_FALSE(self_signed_ca(key, "CN=" + std::string(100, 'x'), ninety_days).ok());
}

TEST(Issue, DatesBeyond2049KeepTheirMeaning) {
  const auto made =
      self_signed_ca(KeyPair::generate(Curve::p256), "CN=x", {UnixTime(2524608000), 365});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->not_before(), UnixTime(2524608000));  // 2050-01-01
  EXPECT_EQ(made->not_after(), UnixTime(2524608000 + 365 * 86400 - 1));
}

TEST(Issue, SubjectsSurviveUtf8AndEscapes) {
  for (const std::string_view subject : {"CN=Énergie,O=A\\,B", "CN=a\\+b", "O=x,CN=y"}) {
    const auto made = self_signed_ca(KeyPair::generate(Curve::p256), subject, ninety_days);
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made->subject(), subject);
  }
}

}  // namespace
}  // namespace entente::crypto
