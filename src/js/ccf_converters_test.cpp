// The functions directly in `ccf`, and what is not there.
#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "crypto/x509_issue.h"
#include "js/ccf_tcb.h"
#include "js/test_ccf.h"

namespace entente::js {
namespace {

using namespace std::string_literals;

class CcfConverters : public testing::Test {
 protected:
  CcfUse script{ccf_isolate()};
};

// Checklist 73.
TEST_F(CcfConverters, text_and_bytes) {
  EXPECT_EQ(script("t(b('grün ☃ 🚂')) === 'grün ☃ 🚂'"), "true");
  EXPECT_EQ(script("new Uint8Array(b('ü\\0x')).join()"), "195,188,0,120");  // not cut at NUL
  EXPECT_EQ(script("new Uint8Array(b('')).length + t(b(''))"), "0");
  EXPECT_EQ(script("new Uint8Array(b('\\ud800')).join()"), "237,160,128");
  EXPECT_EQ(script("const u = (...bytes) => t(new Uint8Array(bytes).buffer);"
                   "[u(0x61, 0xff, 0x62) === 'a\\ufffdb', u(0xef, 0xbb, 0xbf, 0x61) === '\\ufeffa',"
                   "u(0x61, 0, 0x62) === 'a\\0b', u(0xc0, 0x80).includes('\\ufffd')].join()"),
            "true,true,true,true");
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(script("t(b(args[0])) === args[0] && args[0].length", {std::string_view(large)}),
            std::to_string(1 << 20));
  for (const std::string_view wrong :
       {"5", "null", "undefined", "{}", "new String('x')", "Symbol()"}) {
    EXPECT_EQ(script("e(() => ccf.strToBuf(" + std::string(wrong) + "))"),
              "TypeError: Argument must be a string");
  }
  for (const std::string_view wrong : {"'x'", "null", "undefined", "{}", "new Uint8Array(1)"}) {
    EXPECT_EQ(script("e(() => ccf.bufToStr(" + std::string(wrong) + "))"),
              "TypeError: Argument must be an ArrayBuffer");
  }
}

// Checklist 74.
TEST_F(CcfConverters, json_and_bytes) {
  EXPECT_EQ(script("t(ccf.jsonCompatibleToBuf({a: [1, 'ü', null], b: {toJSON() { return 7; }}}))"),
            R"({"a":[1,"ü",null],"b":7})");
  EXPECT_EQ(script("JSON.stringify(ccf.bufToJsonCompatible(b('{\"a\":[1,\"ü\"]}')))"),
            R"({"a":[1,"ü"]})");
  for (const std::string_view nothing : {"undefined", "() => 1", "Symbol()"}) {
    EXPECT_TRUE(script("e(() => ccf.jsonCompatibleToBuf(" + std::string(nothing) + "))")
                    .starts_with("TypeError: "));
  }
  EXPECT_EQ(script("const c = {}; c.c = c; e(() => ccf.jsonCompatibleToBuf(c))").substr(0, 9),
            "TypeError");
  EXPECT_EQ(script("e(() => ccf.jsonCompatibleToBuf(5n))").substr(0, 9), "TypeError");
  EXPECT_EQ(script("e(() => ccf.jsonCompatibleToBuf({get a() { throw new RangeError('x'); }}))"),
            "RangeError: x");
  for (const std::string_view bad : {"", "{", "{\"a\":}", "nul", "[1,]", "\\u00ff"}) {
    EXPECT_EQ(
        script("e(() => ccf.bufToJsonCompatible(b('" + std::string(bad) + "')))").substr(0, 11),
        "SyntaxError");
  }
  EXPECT_EQ(script("e(() => ccf.bufToJsonCompatible('{}'))"),
            "TypeError: Argument must be an ArrayBuffer");
}

TEST_F(CcfConverters, what_a_script_does_during_a_conversion_is_within_its_time) {
  script.use().set_limits(small_limits());
  auto outcome = script.run("ccf.jsonCompatibleToBuf({toJSON() { for (;;); }})");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.failure().kind, FailureKind::time_limit);
}

TEST_F(CcfConverters, pem_to_id) {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  const auto certificate =
      crypto::self_signed_identity(key, "CN=member", {UnixTime(1700000000), 10}).value();
  const std::string pem = certificate.pem();
  EXPECT_EQ(script("ccf.pemToId(args[0])", {std::string_view(pem)}),
            crypto::sha256(certificate.der()).hex());
  EXPECT_EQ(script("e(() => ccf.pemToId('nothing'))").substr(0, 15), "InternalError: ");
  EXPECT_EQ(script("e(() => ccf.pemToId(''))").substr(0, 15), "InternalError: ");
  EXPECT_EQ(script("e(() => ccf.pemToId({}))"), "TypeError: Argument must be a string");
}

TEST_F(CcfConverters, the_number_of_arguments_is_checked) {
  const std::pair<std::string_view, int> functions[] = {{"strToBuf", 1},
                                                        {"bufToStr", 1},
                                                        {"jsonCompatibleToBuf", 1},
                                                        {"bufToJsonCompatible", 1},
                                                        {"pemToId", 1},
                                                        {"tcbHexToPolicy", 2},
                                                        {"enableMetricsLogging", 1},
                                                        {"enableUntrustedDateTime", 1}};
  for (const auto& [name, wanted] : functions) {
    for (int given = 0; given < 4; ++given) {
      if (given == wanted) continue;
      const std::string text =
          script("e(() => ccf." + std::string(name) + "(...['x', 'y', 'z'].slice(0, " +
                 std::to_string(given) + ")))");
      EXPECT_TRUE(text.starts_with("TypeError: Passed " + std::to_string(given) + " argument"))
          << text;
    }
  }
}

// docs/governance.md (join policy): Milan, Genoa and Turin.
TEST_F(CcfConverters, tcb_as_parts) {
  EXPECT_EQ(script("JSON.stringify(ccf.tcbHexToPolicy('00a00f11', 'D315000000000004'))"),
            R"({"hexstring":"d315000000000004","microcode":211,"snp":21,"tee":0,"boot_loader":4})");
  EXPECT_EQ(script("JSON.stringify(ccf.tcbHexToPolicy('00a10f11', '5416000000000a09'))"),
            R"({"hexstring":"5416000000000a09","microcode":84,"snp":22,"tee":10,"boot_loader":9})");
  EXPECT_EQ(
      script("JSON.stringify(ccf.tcbHexToPolicy('00B00F21', '5200000004010302'))"),
      R"({"hexstring":"5200000004010302","microcode":82,"snp":4,"tee":1,"boot_loader":3,"fmc":2})");
  for (const std::string_view arguments :
       {"'00a00f11', 'd31500000000000'", "'00a00f11', 'd3150000000000zz'",
        "'a00f11', 'd315000000000004'", "'00800f11', 'd315000000000004'", "'', ''"}) {
    EXPECT_EQ(script("e(() => ccf.tcbHexToPolicy(" + std::string(arguments) + "))").substr(0, 14),
              "InternalError:");
  }
  EXPECT_EQ(script("e(() => ccf.tcbHexToPolicy('00a00f11', 5))"),
            "TypeError: Argument must be a string");
}

// Checklist 77, 78.
TEST_F(CcfConverters, switches) {
  EXPECT_EQ(
      script(
          "[true, false, 'x', '', {}, undefined].map(x => ccf.enableUntrustedDateTime(x)).join()"),
      "true,false,true,false,true,false");
  EXPECT_EQ(script("const now = Date.now(); ccf.enableUntrustedDateTime(false);"
                   "[new Date(0).getFullYear(), Math.abs(Date.now() - now) < 60000].join()"),
            "1970,true");
  EXPECT_EQ(script("[false, false, true].map(x => ccf.enableMetricsLogging(x)).join()"),
            "true,false,false");
  for (const std::string_view wrong : {"0", "'true'", "undefined", "null", "{}"}) {
    EXPECT_EQ(script("e(() => ccf.enableMetricsLogging(" + std::string(wrong) + "))"),
              "TypeError: Argument must be a boolean");
  }
  EXPECT_EQ(script("ccf.enableMetricsLogging(true)"), "true");  // unchanged by the wrong ones
}

TEST(CcfMetrics, the_host_learns_the_setting_and_an_interpreter_keeps_it) {
  TestIsolate isolate(ccf_bindings());
  MetricsLogging logging;
  {
    CcfUse script(isolate);
    script.use().attach(logging);
    EXPECT_EQ(script("ccf.enableMetricsLogging(false)"), "true");
    EXPECT_FALSE(logging.enabled);
  }
  {
    CcfUse script(isolate, {}, Start::kept);
    EXPECT_EQ(script("ccf.enableMetricsLogging(false)"), "false");
  }
  {
    CcfUse script(isolate);
    EXPECT_EQ(script("ccf.enableMetricsLogging(false)"), "true");
  }
}

// Checklist 79.
TEST_F(CcfConverters, what_only_the_application_of_proposals_has_is_absent) {
  for (const std::string_view name :
       {"ccf.node", "ccf.network", "ccf.rpc", "ccf.consensus", "ccf.historical",
        "ccf.historicalState", "ccf.host", "ccf.refreshAppBytecodeCache",
        "ccf.setJwtPublicSigningKeys", "ccf.removeJwtPublicSigningKeys"}) {
    EXPECT_EQ(script("typeof " + std::string(name)), "undefined") << name;
  }
}

JSValue seven(JSContext* context, JSValueConst, int, JSValueConst*) {
  return JS_NewInt32(context, 7);
}

TEST(CcfAdd, other_rooms_add_functions_and_objects) {
  static const Native natives[] = {{"seven", guarded<seven>, 0}};
  std::vector<Binding> bindings = ccf_bindings();
  bindings.push_back([](JSContext* context) {
    add_to_ccf(context, "gov", natives);
    add_to_ccf(context, "crypto", natives);
    add_to_ccf(context, nullptr, natives);
  });
  TestIsolate isolate(bindings);
  CcfUse script(isolate);
  EXPECT_EQ(
      script("[ccf.gov.seven(), ccf.crypto.seven(), ccf.seven(), typeof ccf.crypto.digest].join()"),
      "7,7,7,function");
}

TEST(CcfMemory, memory_that_runs_out_is_the_script_s_problem) {
  for (const std::string_view code :
       {"const all = []; for (;;) all.push(ccf.tcbHexToPolicy('00a00f11', 'd315000000000004'));",
        "const all = []; for (;;) all.push(ccf.strToBuf('x'.repeat(10000)));",
        "const x = b('[1,2,3]'), all = []; for (;;) all.push(ccf.bufToJsonCompatible(x));",
        "const all = []; for (;;) all.push(ccf.crypto.pubPemToJwk("
        "'-----BEGIN PUBLIC "
        "KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\\n"
        "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\\n-----END PUBLIC "
        "KEY-----\\n'));"}) {
    Limits limits = small_limits();
    limits.heap_bytes = 3u << 20;
    limits.execution_time = std::chrono::minutes(10);
    CcfUse own(ccf_isolate(), limits);
    auto outcome = own.run(code);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.failure().kind, FailureKind::out_of_memory) << outcome.failure().text;
  }
}

}  // namespace
}  // namespace entente::js
