// Certificates that proposals ask for.

#include "gov/certificates.h"

#include <gtest/gtest.h>

#include "gov/effects_fixture.h"

namespace entente::gov {
namespace {

class CertificatesTest : public testing::Test {
 protected:
  Result<std::string> endorsed(std::string_view request_pem,
                               std::string_view from = "220101000000Z", uint64_t days = 10) {
    auto tx = service.store.begin_read_only(kv::Context::framework);
    return generate_endorsed_certificate(tx, service.surroundings, request_pem, from, days);
  }
  Result<std::string> network(std::string_view from = "220101000000Z", uint64_t days = 10) {
    auto tx = service.store.begin_read_only(kv::Context::framework);
    return generate_network_certificate(tx, service.surroundings, from, days);
  }

  test::EffectsService service;
  crypto::KeyPair node_key = crypto::KeyPair::generate(crypto::Curve::p384);
  std::vector<crypto::SubjectAltName> names = {{crypto::SubjectAltName::Kind::dns, "node.example"},
                                               {crypto::SubjectAltName::Kind::ip, "127.0.0.1"}};
  std::string request = crypto::make_request(node_key, "CN=A node", names)->pem();
};

TEST_F(CertificatesTest, of_a_node) {
  const auto pem = endorsed(request);
  ASSERT_TRUE(pem.ok()) << pem.error().message;
  const auto certificate = crypto::Certificate::from_pem(*pem);
  ASSERT_TRUE(certificate.ok());
  EXPECT_TRUE(certificate->signed_by(service.service_certificate));
  EXPECT_EQ(certificate->subject(), "CN=A node");
  EXPECT_EQ(certificate->issuer(), "CN=Test service");
  EXPECT_EQ(certificate->alt_names(), names);
  EXPECT_FALSE(certificate->is_ca());
  EXPECT_EQ(*certificate->public_key(), node_key.public_key());
  EXPECT_EQ(certificate->not_before().count(), 1640995200);
  EXPECT_EQ(certificate->not_after().count(), 1640995200 + 10 * 86400 - 1);
}

TEST_F(CertificatesTest, of_the_service) {
  const auto pem = network("2022-01-01 00:00:00+00:00", 3);
  ASSERT_TRUE(pem.ok()) << pem.error().message;
  const auto certificate = crypto::Certificate::from_pem(*pem);
  ASSERT_TRUE(certificate.ok());
  EXPECT_EQ(*certificate->public_key(), service.service_key.public_key());
  EXPECT_EQ(certificate->subject(), service.service_certificate.subject());
  EXPECT_TRUE(certificate->is_ca());
  EXPECT_EQ(certificate->path_length(), 1u);
  EXPECT_TRUE(certificate->alt_names().empty());
  EXPECT_EQ(certificate->not_after().count(), 1640995200 + 3 * 86400 - 1);
  EXPECT_FALSE(*certificate == service.service_certificate);
}

TEST_F(CertificatesTest, errors_name_what_is_wrong) {
  const auto message = [](const Result<std::string>& result) {
    return result.ok() ? std::string() : result.error().message;
  };
  EXPECT_NE(message(endorsed("no request")).find("certificate signing request"), std::string::npos);
  EXPECT_NE(message(endorsed(request, "soon")).find("'soon'"), std::string::npos);
  EXPECT_NE(message(endorsed(request, "220101000000Z", 0)).find("0 days"), std::string::npos);
  EXPECT_NE(message(network("99990101000000Z", 400)), "");
  service.has_service_key = false;
  EXPECT_NE(message(network()).find("key of the service"), std::string::npos);
  service.has_service_key = true;
  // The table has the certificate of another service.
  service.service_certificate =
      *crypto::self_signed_ca(node_key, "CN=Test service", {.not_before = UnixTime(0), .days = 1});
  service.put_info("Open");
  EXPECT_NE(message(network()).find("not for the key"), std::string::npos);
  EXPECT_NE(message(endorsed(request)).find("not for the key"), std::string::npos);
}

}  // namespace
}  // namespace entente::gov
