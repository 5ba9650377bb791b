// The functions that scripts call while a proposal is applied: arguments, effects, failures.

#include "gov/natives.h"

#include <gtest/gtest.h>

#include "crypto/jwk.h"
#include "gov/bytecode_cache.h"
#include "gov/effects_fixture.h"
#include "js/ccf.h"
#include "js/ccf_kv.h"

namespace entente::gov {
namespace {

class NativesTest : public testing::Test {
 protected:
  NativesTest()
      : isolate({.bindings = js::ccf_bindings(),
                 .random = &crypto::system_random(),
                 .clock = &service.clock,
                 .date_now = {}}) {}

  /// Runs the body of a function as apply() would; commits what it wrote unless it threw. Its
  /// result as text, or the exception.
  std::string apply(const std::string& body) {
    kv::Tx tx = service.store.begin(kv::Context::framework);
    NativeEffects effects{tx, service.surroundings, requests};
    js::KvTransaction kv(tx, kv::Context::governance);
    js::Use use(isolate);
    use.attach(kv);
    const auto added = add_native_effects(use, effects);
    if (!added) return added.failure().text;
    const auto result = run(use, body);
    if (!result) return result.failure().text;
    service.last_commit = service.store.commit(tx).id;
    return *result;
  }
  static js::Outcome<std::string> run(js::Use& use, const std::string& body) {
    const auto module = use.compile("m", "export function f() {" + body + "}");
    if (!module) return module.failure();
    if (const auto evaluated = use.evaluate(*module); !evaluated) return evaluated.failure();
    const auto function = use.exported_function(*module, "f");
    if (!function) return function.failure();
    const auto value = use.call(*function, {});
    if (!value) return value.failure();
    return use.text(*value);
  }
  static std::string quoted(std::string_view text) { return json::dump(json::value(text)); }
  static std::string buffer(std::string_view text) { return "ccf.strToBuf(" + quoted(text) + ")"; }

  test::EffectsService service;
  Requests requests;
  js::Isolate isolate;
};

TEST_F(NativesTest, are_there_only_where_they_are_added) {
  const std::string body =
      "return [typeof ccf.node, typeof ccf.network, typeof ccf.setJwtPublicSigningKeys,"
      "typeof ccf.removeJwtPublicSigningKeys, typeof ccf.refreshAppBytecodeCache].join(' ');";
  EXPECT_EQ(apply(body), "object object function function function");
  js::Use use(isolate);
  const auto without = run(use, body);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ(*without, "undefined undefined undefined undefined undefined");
}

TEST_F(NativesTest, wrong_numbers_of_arguments_are_type_errors) {
  for (const char* call :
       {"ccf.node.triggerLedgerRekey(1)", "ccf.node.triggerRecoverySharesRefresh(1)",
        "ccf.node.transitionServiceToOpen(undefined)",
        "ccf.node.transitionServiceToOpen(undefined, undefined, undefined)",
        "ccf.network.getLatestLedgerSecretSeqno(1)",
        "ccf.network.generateEndorsedCertificate('', '')",
        "ccf.network.generateNetworkCertificate('')", "ccf.setJwtPublicSigningKeys('', {})",
        "ccf.removeJwtPublicSigningKeys()", "ccf.refreshAppBytecodeCache(1)"}) {
    EXPECT_EQ(apply(std::string(call) + ";").substr(0, 17), "TypeError: Passed") << call;
  }
}

TEST_F(NativesTest, wrong_kinds_of_arguments) {
  for (const char* call :
       {"ccf.node.transitionServiceToOpen(undefined, 'text')",
        "ccf.node.transitionServiceToOpen(undefined, undefined)",
        "ccf.node.transitionServiceToOpen(null, ccf.strToBuf(''))",
        "ccf.network.generateEndorsedCertificate(1, '', 1)",
        "ccf.network.generateEndorsedCertificate('', 1, 1)",
        "ccf.network.generateNetworkCertificate({}, 1)", "ccf.setJwtPublicSigningKeys(1, {}, {})",
        "ccf.removeJwtPublicSigningKeys({})"}) {
    EXPECT_EQ(apply(std::string(call) + ";").substr(0, 9), "TypeError") << call;
  }
  EXPECT_EQ(apply("ccf.network.generateNetworkCertificate('220101000000Z', -1);").substr(0, 10),
            "RangeError");
  EXPECT_EQ(apply("ccf.network.generateNetworkCertificate('220101000000Z',"
                  "{ valueOf() { throw new Error('mine'); } });"),
            "Error: mine");
}

TEST_F(NativesTest, opening) {
  const std::string call = "ccf.node.transitionServiceToOpen(undefined, " +
                           buffer(service.service_certificate.pem()) + ");";
  EXPECT_EQ(apply(call).substr(0, 39), "InternalError: Unable to open service: ");
  service.add_member("Active", true);
  EXPECT_EQ(apply("try { ccf.node.transitionServiceToOpen(undefined, ccf.strToBuf('x')); }"
                  "catch (e) { return e.message; }"),
            "Unable to open service: Next service identity does not match the current service "
            "certificate.");
  EXPECT_EQ(apply(call), "undefined");
  EXPECT_EQ(service.status_in_table(), "Open");
  EXPECT_TRUE(requests.snapshot);
}

TEST_F(NativesTest, rekey_and_refresh) {
  EXPECT_EQ(apply("ccf.node.triggerLedgerRekey();").substr(0, 40),
            "InternalError: Unable to rekey the ledge");
  EXPECT_EQ(apply("ccf.node.triggerRecoverySharesRefresh();").substr(0, 14), "InternalError:");
  service.add_member("Active", true);
  EXPECT_EQ(apply("ccf.node.triggerRecoverySharesRefresh();"), "undefined");
  service.put_info("Open");
  EXPECT_EQ(apply("return ccf.network.getLatestLedgerSecretSeqno();"), "1");
  EXPECT_EQ(apply("ccf.node.triggerLedgerRekey();"), "undefined");
  EXPECT_TRUE(requests.new_secret.has_value());
  service.take_up_secrets();
  EXPECT_EQ(service.secrets->latest()->key, *requests.new_secret);
  requests = {};
  EXPECT_EQ(apply("return ccf.network.getLatestLedgerSecretSeqno();"),
            std::to_string(service.secrets->latest()->start.value));
  EXPECT_NE(apply("ccf.node.triggerLedgerRekey(); ccf.network.getLatestLedgerSecretSeqno();")
                .find("put the rekey"),
            std::string::npos);
}

TEST_F(NativesTest, chunks_and_snapshots_are_asked_for_after_the_commit) {
  EXPECT_EQ(apply("ccf.node.triggerLedgerChunk('ignored'); ccf.node.triggerSnapshot();"),
            "undefined");
  EXPECT_EQ(service.chunks + service.snapshots, 0);
  carry_out(requests, service.surroundings);
  EXPECT_EQ(service.chunks, 1);
  EXPECT_EQ(service.snapshots, 1);
  carry_out({}, service.surroundings);
  EXPECT_EQ(service.chunks + service.snapshots, 2);
  // A snapshot ends a chunk in any case.
  carry_out({.chunk = false, .snapshot = true, .new_secret = {}}, service.surroundings);
  EXPECT_EQ(service.chunks, 2);
  EXPECT_EQ(service.snapshots, 2);
}

TEST_F(NativesTest, certificates) {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  const auto request = crypto::make_request(key, "CN=A node", {});
  const auto pem = apply("return ccf.network.generateEndorsedCertificate(" +
                         quoted(request->pem()) + ", '220101000000Z', 5);");
  const auto certificate = crypto::Certificate::from_pem(pem);
  ASSERT_TRUE(certificate.ok()) << pem;
  EXPECT_TRUE(certificate->signed_by(service.service_certificate));
  const auto own = crypto::Certificate::from_pem(
      apply("return ccf.network.generateNetworkCertificate('2022-01-01 00:00:00', '5');"));
  ASSERT_TRUE(own.ok());
  EXPECT_EQ(own->not_before().count(), 1640995200);
  EXPECT_EQ(own->not_after().count(), 1640995200 + 5 * 86400 - 1);
  EXPECT_EQ(apply("ccf.network.generateNetworkCertificate('soon', 5);").substr(0, 14),
            "InternalError:");
}

TEST_F(NativesTest, token_keys) {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  json::object jwk = crypto::to_jwk(key.public_key());
  jwk["kid"] = "k";
  const std::string keys = json::dump(json::object{{"keys", {jwk}}});
  EXPECT_EQ(apply("ccf.setJwtPublicSigningKeys('https://a.b', {}, " + keys + ");"), "undefined");
  EXPECT_EQ(json::parse(*service.get(tables::jwt_keys, "k"))->at(0).at("public_key"),
            json::value(to_base64(key.public_key().der())));
  EXPECT_EQ(apply("ccf.setJwtPublicSigningKeys('https://a.b', {}, undefined);").substr(0, 14),
            "InternalError:");
  EXPECT_EQ(apply("ccf.setJwtPublicSigningKeys('https://a.b', {}, {keys: []});").substr(0, 14),
            "InternalError:");
  EXPECT_EQ(apply("ccf.removeJwtPublicSigningKeys('https://a.b');"), "undefined");
  EXPECT_FALSE(service.get(tables::jwt_keys, "k").has_value());
}

TEST_F(NativesTest, a_spoilt_table_is_an_error_that_scripts_can_catch) {
  service.put(tables::jwt_keys, "k", "{}");
  EXPECT_EQ(apply("try { ccf.removeJwtPublicSigningKeys('https://a.b'); } catch (e) "
                  "{ return e.name; }"),
            "InternalError");
}

TEST_F(NativesTest, what_a_script_wrote_before_counts) {
  service.add_member("Active", true);
  // A threshold that is changed and refreshed in one go.
  EXPECT_EQ(apply("ccf.kv['public:ccf.gov.service.config'].set(new ArrayBuffer(8), "
                  "ccf.jsonCompatibleToBuf({recovery_threshold: 2}));"
                  "ccf.node.triggerRecoverySharesRefresh();")
                .substr(0, 14),
            "InternalError:");
  EXPECT_EQ(service.written_at(tables::recovery_shares), 0u);
}

// -----------------------------------------------------------------------------------------
// bytecode

class BytecodeCacheTest : public NativesTest {
 protected:
  size_t cached() {
    kv::ReadOnlyTx tx = service.store.begin_read_only(kv::Context::framework);
    return tx.ro(tables::modules_bytecode).size();
  }
};

TEST_F(BytecodeCacheTest, compiles_every_module) {
  service.put(tables::modules, "/lib/math.js", "export function twice(x) { return 2 * x; }");
  service.put(tables::modules, "/main.js",
              "import {twice} from './lib/math.js'; export function f() { return twice(21); }");
  service.put(tables::modules_bytecode, "/old.js", "old");
  ASSERT_EQ(apply("ccf.refreshAppBytecodeCache();"), "undefined");
  EXPECT_EQ(cached(), 2u);
  EXPECT_EQ(service.get(tables::modules_bytecode_version, as_text(tables::unit())),
            std::string(js::engine_version()));

  // And the engine takes it back.
  std::map<std::string, std::string, std::less<>> stored;
  for (const char* name : {"/lib/math.js", "/main.js"}) {
    stored[name] = *service.get(tables::modules_bytecode, name);
  }
  js::Use use(isolate);
  use.set_loader([&](std::string_view name) -> std::optional<js::ModuleContent> {
    return js::Bytecode{as_bytes(stored.find(name)->second)};
  });
  const auto module = use.load("/main.js");
  ASSERT_TRUE(module.ok());
  ASSERT_TRUE(use.evaluate(*module).ok());
  const auto result = use.call(*use.exported_function(*module, "f"), {});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(use.number(*result), 42);
}

TEST_F(BytecodeCacheTest, of_no_modules) {
  service.put(tables::modules_bytecode, "/old.js", "old");
  ASSERT_EQ(apply("ccf.refreshAppBytecodeCache();"), "undefined");
  EXPECT_EQ(cached(), 0u);
}

TEST_F(BytecodeCacheTest, a_module_that_does_not_compile_leaves_everything_as_it_was) {
  service.put(tables::modules_bytecode, "/old.js", "old");
  for (const char* source : {"export function {", "import 'nowhere.js';"}) {
    service.put(tables::modules, "/bad.js", source);
    EXPECT_EQ(
        apply("ccf.refreshAppBytecodeCache();").substr(0, 89),
        "InternalError: Failed to refresh bytecode: Unable to serialize bytecode for JS module "
        "'/b")
        << source;
    EXPECT_EQ(cached(), 1u);
  }
}

}  // namespace
}  // namespace entente::gov
