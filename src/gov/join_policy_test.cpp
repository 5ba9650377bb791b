// What the tables decide about evidence, for each platform and in the order of the checks.

#include "gov/join_policy.h"

#include <gtest/gtest.h>

#include "gov/effects_fixture.h"
#include "tee/virtual_platform.h"

namespace entente::gov {
namespace {

constexpr const char* allowed = "\"AllowedToJoin\"";
constexpr const char* no_host_data = "Quote does not contain trusted host data";
constexpr const char* host_data_refused = "Quote host data is not authorised";
constexpr const char* measurement_refused = "Quote does not contain known enclave measurement";
constexpr const char* uvm_refused = "UVM endorsements are not authorised";
constexpr const char* no_minimum =
    "Quote is of a processor for which no minimum TCB version is set";
constexpr const char* tcb_refused = "Quote TCB version is below the minimum for its processor";
constexpr const char* key_refused =
    "Quote report data does not match the hash of the public key for this node";

class JoinPolicyTest : public testing::Test {
 protected:
  std::string check(const VerifiedEvidence& evidence) {
    auto tx = service.store.begin_read_only(kv::Context::framework);
    const auto refused = check_join(tx, evidence, key);
    return refused ? refused->message : "";
  }
  void forget(std::string_view table) {
    service.transact([&](kv::Tx& tx) -> Result<void> {
      tx.wo(table).clear();
      return {};
    });
  }

  test::EffectsService service;
  const Digest key = crypto::sha256(as_bytes("key"));
  const Digest host = crypto::sha256(as_bytes("host"));
};

TEST_F(JoinPolicyTest, virtual_platform) {
  VerifiedEvidence evidence{.platform = Platform::virtual_machine,
                            .measurement = to_bytes("code v1"),
                            .host_data = host,
                            .report_data = to_bytes(BytesView(key)),
                            .uvm = {},
                            .cpu = {},
                            .tcb = {}};
  EXPECT_EQ(check(evidence), host_data_refused);
  service.put(tables::nodes_virtual_host_data, host.hex(), as_text(tables::unit()));
  EXPECT_EQ(check(evidence), measurement_refused);
  service.put(tables::nodes_virtual_measurements, "code v1", "\"Retired\"");
  EXPECT_EQ(check(evidence), measurement_refused);
  service.put(tables::nodes_virtual_measurements, "code v1", allowed);
  EXPECT_EQ(check(evidence), "");
  evidence.report_data.resize(64, 0);
  EXPECT_EQ(check(evidence), "");
  evidence.report_data.back() = 1;
  EXPECT_EQ(check(evidence), key_refused);
  evidence.report_data.resize(31);
  EXPECT_EQ(check(evidence), key_refused);
  evidence.report_data = Bytes(32, 0);
  EXPECT_EQ(check(evidence), key_refused);
  evidence.measurement = to_bytes("code v2");
  EXPECT_EQ(check(evidence), measurement_refused);
  evidence.host_data.reset();
  EXPECT_EQ(check(evidence), no_host_data);
}

TEST_F(JoinPolicyTest, sgx) {
  VerifiedEvidence evidence{.platform = Platform::sgx,
                            .measurement = Bytes(32, 0xab),
                            .host_data = {},
                            .report_data = to_bytes(BytesView(key)),
                            .uvm = {},
                            .cpu = {},
                            .tcb = {}};
  EXPECT_EQ(check(evidence), measurement_refused);
  service.put(tables::nodes_code_ids, to_hex(evidence.measurement), allowed);
  EXPECT_EQ(check(evidence), "");
}

class SnpJoinPolicyTest : public JoinPolicyTest {
 protected:
  SnpJoinPolicyTest() {
    service.put(tables::nodes_snp_host_data, host.hex(), "\"\"");
    service.put(tables::nodes_snp_measurements, to_hex(evidence.measurement), allowed);
    set_minimum("00a00f11", {{"boot_loader", 4}, {"tee", 0}, {"snp", 24}, {"microcode", 219}});
  }
  void set_minimum(const std::string& cpuid, const json::object& minimum) {
    service.put(tables::nodes_snp_tcb_versions, cpuid, json::dump(minimum));
  }
  VerifiedEvidence evidence{
      .platform = Platform::sev_snp,
      .measurement = Bytes(48, 0xcd),
      .host_data = host,
      .report_data = to_bytes(BytesView(key)),
      .uvm = {},
      .cpu = CpuModel{0x19, 0x01, 1},
      .tcb = {.boot_loader = 4, .tee = 0, .snp = 24, .microcode = 219, .fmc = {}}};
};

TEST_F(SnpJoinPolicyTest, each_check_in_its_order) {
  EXPECT_EQ(check(evidence), "");
  evidence.report_data = Bytes(64, 9);
  EXPECT_EQ(check(evidence), key_refused);
  evidence.tcb.snp = 23;
  EXPECT_EQ(check(evidence), tcb_refused);
  forget(tables::nodes_snp_tcb_versions);
  EXPECT_EQ(check(evidence), no_minimum);
  forget(tables::nodes_snp_measurements);
  EXPECT_EQ(check(evidence), measurement_refused);
  forget(tables::nodes_snp_host_data);
  EXPECT_EQ(check(evidence), host_data_refused);
  evidence.host_data.reset();
  EXPECT_EQ(check(evidence), no_host_data);
}

TEST_F(SnpJoinPolicyTest, the_policy_text_of_host_data_says_nothing) {
  service.put(tables::nodes_snp_host_data, host.hex(), "\"package policy\"");
  EXPECT_EQ(check(evidence), "");
}

TEST_F(SnpJoinPolicyTest, endorsed_measurements) {
  evidence.uvm = {"did:x509:a", "feed", 100, evidence.measurement};
  // The table of measurements does not count any more.
  EXPECT_EQ(check(evidence), uvm_refused);
  const auto endorse = [&](std::string_view row) {
    service.put(tables::nodes_snp_uvm_endorsements, "did:x509:a", row);
  };
  const std::vector<std::pair<std::string, bool>> rows{
      {R"({"feed":{"svn":"100"}})", true},
      {R"({"feed":{"svn":"99"}})", true},
      {R"({"feed":{"svn":"9"}})", true},
      {R"({"feed":{"svn":"0"}})", true},
      {R"({"feed":{"svn":100}})", true},
      {R"({"feed":{"svn":"101"}})", false},
      {R"({"feed":{"svn":"1000"}})", false},
      {R"({"feed":{"svn":"x"}})", false},
      {R"({"feed":{"svn":""}})", false},
      {R"({"feed":{"svn":"1x"}})", false},
      {R"({"feed":{"svn":-1}})", false},
      {R"({"feed":{}})", false},
      {R"({"feed":"100"})", false},
      {R"({"other":{"svn":"1"}})", false},
      {R"({"other":{"svn":"1"},"feed":{"svn":"2"}})", true},
      {"[]", false}};
  for (const auto& [row, fine] : rows) {
    endorse(row);
    EXPECT_EQ(check(evidence), fine ? "" : uvm_refused) << row;
  }
  endorse(rows[0].first);
  forget(tables::nodes_snp_measurements);
  EXPECT_EQ(check(evidence), "");
  evidence.uvm->measurement.back() ^= 1;
  EXPECT_EQ(check(evidence), uvm_refused);
  evidence.uvm->measurement = evidence.measurement;
  evidence.uvm->did = "did:x509:b";
  EXPECT_EQ(check(evidence), uvm_refused);
}

TEST_F(SnpJoinPolicyTest, minimum_versions) {
  struct Case {
    std::string name;
    json::object minimum;
    bool fine;
  };
  const json::object same{{"boot_loader", 4}, {"tee", 0}, {"snp", 24}, {"microcode", 219}};
  const auto with = [&](std::string_view component, json::value value) {
    json::object minimum = same;
    if (value.is_null()) {
      minimum.erase(component);
    } else {
      minimum[component] = std::move(value);
    }
    return minimum;
  };
  for (const Case& one : std::vector<Case>{{"same", same, true},
                                           {"lower", with("microcode", 1), true},
                                           {"a text beside", with("hexstring", "db18"), true},
                                           {"higher boot loader", with("boot_loader", 5), false},
                                           {"higher tee", with("tee", 1), false},
                                           {"higher snp", with("snp", 25), false},
                                           {"higher microcode", with("microcode", 220), false},
                                           {"one missing", with("tee", nullptr), false},
                                           {"one more", with("fmc", 0), false},
                                           {"a text", with("snp", "24"), false},
                                           {"negative", with("snp", -1), false},
                                           {"nothing", {}, false}}) {
    set_minimum("00a00f11", one.minimum);
    EXPECT_EQ(check(evidence), one.fine ? "" : tcb_refused) << one.name;
  }
  service.put(tables::nodes_snp_tcb_versions, "00a00f11", "not JSON");
  EXPECT_EQ(check(evidence), tcb_refused);
}

TEST_F(SnpJoinPolicyTest, a_minimum_is_for_one_model_and_stepping) {
  evidence.cpu = CpuModel{0x19, 0x01, 2};
  EXPECT_EQ(check(evidence), no_minimum);
  set_minimum("00A00F12", {{"boot_loader", 4}, {"tee", 0}, {"snp", 24}, {"microcode", 219}});
  EXPECT_EQ(check(evidence), "");
  evidence.cpu.reset();
  EXPECT_EQ(check(evidence), no_minimum);
  // Neither of these is a model, so they are nobody's minimum.
  forget(tables::nodes_snp_tcb_versions);
  set_minimum("00a00f1", {});
  set_minimum("zz", {});
  evidence.cpu = CpuModel{0x19, 0x01, 1};
  EXPECT_EQ(check(evidence), no_minimum);
}

TEST(CpuModel, of_cpuid) {
  EXPECT_EQ(cpu_model("00a00f11"), (CpuModel{0x19, 0x01, 1}));
  EXPECT_EQ(cpu_model("00a10f11"), (CpuModel{0x19, 0x11, 1}));
  EXPECT_EQ(cpu_model("00b00f21"), (CpuModel{0x1a, 0x02, 1}));
  EXPECT_EQ(cpu_model("00a00f1"), std::nullopt);
  EXPECT_EQ(cpu_model("0x00a00f11"), std::nullopt);
  EXPECT_EQ(cpu_model("00g00f11"), std::nullopt);
  EXPECT_EQ(cpu_model("0ff00f11"), std::nullopt);
  EXPECT_EQ(cpu_model(""), std::nullopt);
}

// ------------------------------------------------------------------------------- evidence as it is

TEST_F(JoinPolicyTest, evidence_of_the_virtual_platform) {
  namespace platform = tee::virtual_platform;
  const auto ask = [&](const tee::Evidence& evidence, std::string_view own = platform::format) {
    auto tx = service.store.begin_read_only(kv::Context::framework);
    const auto refused = check_join(tx, evidence, key, own);
    return refused ? refused->message : "";
  };
  service.put(tables::nodes_virtual_host_data, host.hex(), as_text(tables::unit()));
  service.put(tables::nodes_virtual_measurements, platform::measurement, allowed);
  const tee::Evidence evidence = platform::make_evidence(key, host);
  EXPECT_EQ(ask(evidence), "");
  EXPECT_EQ(ask(platform::make_evidence(host, host)), key_refused);
  EXPECT_EQ(ask(platform::make_evidence(key, key)), host_data_refused);
  const std::string unverified = "Quote could not be verified";
  EXPECT_EQ(ask(evidence, "AMD_SEV_SNP_v1"), unverified);
  tee::Evidence other = evidence;
  other.format = "AMD_SEV_SNP_v1";
  EXPECT_EQ(ask(other), unverified);
  EXPECT_EQ(ask(other, "AMD_SEV_SNP_v1"), unverified);
  other = evidence;
  other.quote = to_bytes("{}");
  EXPECT_EQ(ask(other), unverified);
}

}  // namespace
}  // namespace entente::gov
