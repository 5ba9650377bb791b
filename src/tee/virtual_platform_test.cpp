#include "tee/virtual_platform.h"

#include <gtest/gtest.h>

namespace entente::tee {
namespace {

Digest digest_of(uint8_t fill) {
  Digest digest;
  digest.bytes.fill(fill);
  return digest;
}

TEST(VirtualPlatform, EvidenceRoundTripsThroughItsTableForm) {
  const auto made = virtual_platform::make_evidence(digest_of(1), digest_of(2));
  const json::value row = made.to_json();
  const auto read = Evidence::from_json(json::Reader(row));
  ASSERT_TRUE(read.ok());
  const auto claims = virtual_platform::read_evidence(*read);
  ASSERT_TRUE(claims.ok()) << claims.error().message;
  EXPECT_EQ(as_text(claims->measurement), virtual_platform::measurement);
  EXPECT_EQ(claims->host_data, digest_of(2));
  EXPECT_TRUE(equal(claims->report_data, digest_of(1)));
}

TEST(VirtualPlatform, RefusesMissingOrMalformedFieldsByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "Expected object"},
      {R"({"host_data":"00","report_data":""})", "measurement"},
      {R"({"measurement":1,"host_data":"00","report_data":""})", "#/measurement"},
      {R"({"measurement":"m","report_data":"AA=="})", "host_data"},
      {R"({"measurement":"m","host_data":"00","report_data":"AA=="})", "#/host_data"},
      {R"({"measurement":"m","host_data":"00","report_data":[1,2]})", "#/report_data"},
      {R"({"measurement":"m","host_data":"00","report_data":"*"})", "#/report_data"},
      {"{", "JSON"}};
  for (const auto& [quote, place] : cases) {
    const auto claims = virtual_platform::read_evidence(
        {std::string(virtual_platform::format), to_bytes(std::string_view(quote)), {}});
    ASSERT_FALSE(claims.ok()) << quote;
    EXPECT_NE(claims.error().message.find(place), std::string::npos) << claims.error().message;
  }
  EXPECT_FALSE(virtual_platform::read_evidence({"AMD_SEV_SNP_v1", {}, {}}).ok());
}

TEST(VirtualPlatform, HostDataIsTheDigestOfTheProgram) {
  const auto host = virtual_platform::host_data(system_disk());
  ASSERT_TRUE(host.ok());
  EXPECT_NE(*host, Digest{});
  EXPECT_EQ(*host, *virtual_platform::host_data(system_disk()));
}

}  // namespace
}  // namespace entente::tee
