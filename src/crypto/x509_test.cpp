#include "crypto/x509.h"

#include <openssl/err.h>

#include "crypto/pem.h"
#include "crypto/test_data.h"
#include "crypto/x509_issue.h"

namespace entente::crypto {
namespace {

constexpr UnixTime start(1700000000);

SubjectAltName alt(std::string_view text) {
  return SubjectAltName::parse(text).value();
}

TEST(SubjectAltNames, AreReadAsConfigurationsWriteThem) {
  EXPECT_EQ(alt("iPAddress:127.0.0.1").value, "127.0.0.1");
  EXPECT_EQ(alt("iPAddress:::1").kind, SubjectAltName::Kind::ip);
  EXPECT_EQ(alt("dNSName:*.example.com").kind, SubjectAltName::Kind::dns);
  EXPECT_EQ(alt("dNSName:localhost").text(), "dNSName:localhost");
  for (const std::string_view text :
       {"", "localhost", "dNSName:", "dNSName:a b", "dNSName:\xc3\xa9", "iPAddress:localhost",
        "iPAddress:1.2.3", "iPAddress:256.0.0.1", "iPAddress:", "IP:127.0.0.1"}) {
    EXPECT_FALSE(SubjectAltName::parse(text).ok()) << text;
  }
  EXPECT_FALSE(SubjectAltName::parse("dNSName:" + std::string(254, 'a')).ok());
}

TEST(Certificate, ReadsBackWhatWasIssued) {
  const KeyPair key = KeyPair::generate(Curve::p256);
  const std::vector<SubjectAltName> names = {
      alt("dNSName:node.example.com"), alt("iPAddress:10.0.0.1"), alt("iPAddress:2001:db8::1")};
  const auto made = self_signed_ca(key, "CN=CCF Node,O=Example\\, Inc", {start, 90}, names);
  ASSERT_TRUE(made.ok()) << made.error().message;
  for (const auto& read :
       {Certificate::from_pem(made->pem()), Certificate::from_der(made->der())}) {
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_TRUE(*read == *made);
    EXPECT_EQ(read->id(), sha256(made->der()).hex());
    EXPECT_EQ(read->subject(), "CN=CCF Node,O=Example\\, Inc");
    EXPECT_EQ(read->issuer(), read->subject());
    EXPECT_EQ(read->not_before(), start);
    EXPECT_EQ(read->not_after(), start + UnixTime(90 * 86400 - 1));
    EXPECT_EQ(read->alt_names(), names);
    EXPECT_TRUE(read->is_ca());
    EXPECT_EQ(read->path_length(), 1u);
    EXPECT_LE(read->serial().size(), 16u);
    EXPECT_TRUE(read->public_key().value() == key.public_key());
    EXPECT_EQ(read->spki(), key.public_key().der());
    EXPECT_FALSE(read->rsa_public_key().ok());
  }
}

TEST(Certificate, IsValidFromTheFirstToTheLastSecond) {
  const auto made = self_signed_ca(KeyPair::generate(Curve::p256), "CN=x", {start, 1});
  ASSERT_TRUE(made.ok());
  EXPECT_FALSE(made->valid_at(start - UnixTime(1)));
  EXPECT_TRUE(made->valid_at(start));
  EXPECT_TRUE(made->valid_at(start + UnixTime(86399)));
  EXPECT_FALSE(made->valid_at(start + UnixTime(86400)));
}

TEST(Certificate, EveryChangedBitIsRefusedOrBreaksTheSignature) {
  const KeyPair key = KeyPair::generate(Curve::p256);
  const auto made = self_signed_ca(key, "CN=Service", {start, 90});
  ASSERT_TRUE(made.ok());
  ASSERT_TRUE(made->signed_by(*made));
  for (size_t bit = 0; bit < 8 * made->der().size(); ++bit) {
    const auto changed = Certificate::from_der(flipped(made->der(), bit));
    if (changed.ok()) {
      EXPECT_FALSE(changed->signed_by(*made)) << bit;
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Certificate, MalformedInputIsAnError) {
  const auto made = self_signed_ca(KeyPair::generate(Curve::p256), "CN=x", {start, 1});
  ASSERT_TRUE(made.ok());
  Bytes trailing = made->der();
  trailing.push_back(0);
  EXPECT_FALSE(Certificate::from_der(trailing).ok());
  for (size_t size = 0; size < made->der().size(); ++size) {
    EXPECT_FALSE(Certificate::from_der(BytesView(made->der()).first(size)).ok()) << size;
  }
  EXPECT_FALSE(Certificate::from_der(Bytes(max_pem_size + 1)).ok());
  EXPECT_FALSE(Certificate::from_pem("").ok());
  EXPECT_FALSE(Certificate::from_pem(KeyPair::generate(Curve::p256).public_key().pem()).ok());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Certificate, BundlesAreReadWholeOrNotAtAll) {
  const auto a = self_signed_ca(KeyPair::generate(Curve::p256), "CN=a", {start, 1});
  const auto b = self_signed_ca(KeyPair::generate(Curve::p384), "CN=b", {start, 1});
  const auto bundle = Certificate::all_from_pem(a->pem() + b->pem());
  ASSERT_TRUE(bundle.ok());
  ASSERT_EQ(bundle->size(), 2u);
  EXPECT_TRUE(bundle->at(0) == *a);
  EXPECT_TRUE(bundle->at(1) == *b);
  EXPECT_FALSE(Certificate::all_from_pem("").ok());
  const auto bad = Certificate::all_from_pem(a->pem() + to_pem("CERTIFICATE", Bytes(3)));
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("PEM block 2"), std::string::npos);
  std::string many;
  for (int i = 0; i < 101; ++i) many += a->pem();
  EXPECT_FALSE(Certificate::all_from_pem(many).ok());
}

TEST(CertificateRequest, RoundTripsAndIsCheckedAgainstItsOwnKey) {
  const KeyPair key = KeyPair::generate(Curve::p384);
  const std::vector<SubjectAltName> names = {alt("iPAddress:127.0.0.1"), alt("dNSName:localhost")};
  const auto made = make_request(key, "CN=CCF Node", names);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const auto read = CertificateRequest::from_pem(made->pem());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->subject(), "CN=CCF Node");
  EXPECT_EQ(read->alt_names(), names);
  EXPECT_TRUE(read->public_key() == key.public_key());
  const Bytes der = parse_pem(made->pem(), "CERTIFICATE REQUEST").value();
  for (size_t bit = 0; bit < 8 * der.size(); bit += 3) {
    EXPECT_FALSE(CertificateRequest::from_der(flipped(der, bit)).ok()) << bit;
  }
  EXPECT_FALSE(CertificateRequest::from_pem("").ok());
}

TEST(CertificateRequest, NeedsNoAlternativeNames) {
  const auto made = make_request(KeyPair::generate(Curve::p256), "CN=x", {});
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(CertificateRequest::from_pem(made->pem())->alt_names().empty());
}

/// Every certificate in the clear bytes of a ledger chunk.
std::vector<Certificate> certificates_in(const std::string& bytes) {
  const std::string begin = "-----BEGIN CERTIFICATE-----\n", end = "-----END CERTIFICATE-----";
  std::vector<Certificate> out;
  for (size_t at = bytes.find(begin); at != std::string::npos; at = bytes.find(begin, at + 1)) {
    const std::string body = between(bytes, begin, end, at);
    if (body.find('\\') != std::string::npos) continue;  // inside JSON
    auto certificate = Certificate::from_pem(begin + body + end + "\n");
    EXPECT_TRUE(certificate.ok()) << certificate.error().message;
    if (certificate.ok()) out.push_back(std::move(*certificate));
  }
  return out;
}

TEST(Certificate, NodeCertificatesOfTheSampleLedgersAreSignedByTheirService) {
  struct Sample {
    std::string name, chunk, service_key_digest;
  };
  const Sample samples[] = {{"acme_containing_service", "ledger_1-2.committed",
                             "ad3f40d7da00c4be3c7580ab9b0fe91c7b4de9322e99b6680cece8e0629bd8ae"},
                            {"cose_flipflop_service", "ledger_1-14.committed",
                             "df77875da5452d5d4ebca2e90c644fbde9ff96b92bc655a899fdc9171641ffdb"}};
  for (const Sample& sample : samples) {
    ENTENTE_SAMPLE_OR_SKIP(folder, sample.name);
    const auto service = Certificate::from_pem(read_text(folder + "/common/service_cert.pem"));
    ASSERT_TRUE(service.ok()) << service.error().message;
    EXPECT_EQ(service->subject(), "CN=CCF Test Service");
    EXPECT_EQ(service->path_length(), 1u);
    EXPECT_TRUE(service->signed_by(*service));
    EXPECT_EQ(service->public_key()->id(), sample.service_key_digest);
    size_t nodes = 0;
    for (const Certificate& certificate :
         certificates_in(read_text(folder + "/ledger/" + sample.chunk))) {
      if (certificate.subject() != "CN=CCF Node") continue;
      ++nodes;
      EXPECT_TRUE(certificate.signed_by(*service));
      EXPECT_FALSE(certificate.is_ca());
      EXPECT_FALSE(certificate.alt_names().empty());
    }
    EXPECT_GT(nodes, 0u);
  }
}

TEST(Certificate, MemberIdsOfTheSampleLedger) {
  ENTENTE_SAMPLE_OR_SKIP(folder, "cose_flipflop_service");
  const auto member = Certificate::from_pem(read_text(folder + "/common/member0_cert.pem"));
  ASSERT_TRUE(member.ok()) << member.error().message;
  const std::string ledger = read_text(folder + "/ledger/ledger_1-14.committed");
  EXPECT_NE(ledger.find(member->id()), std::string::npos);
  const auto key = KeyPair::from_pem(read_text(folder + "/common/member0_privk.pem"));
  EXPECT_TRUE(member->public_key().value() == key->public_key());
}

}  // namespace
}  // namespace entente::crypto
