// What the ccf global costs: a whole small request on a real store, and single functions.
#include <benchmark/benchmark.h>

#include "crypto/random.h"
#include "js/ccf.h"
#include "js/ccf_kv.h"
#include "js/console.h"
#include "js/use.h"
#include "kv/store.h"

namespace entente::js {
namespace {

Isolate& ccf_isolate() {
  static Isolate one({.bindings =
                          [] {
                            std::vector<Binding> all = ccf_bindings();
                            all.push_back(install_console);
                            return all;
                          }(),
                      .random = &crypto::system_random(),
                      .clock = &system_clock()});
  return one;
}

constexpr std::string_view handler = R"(
  export function record(body) {
    const {id, message} = body;
    if (typeof message !== "string") throw new TypeError("message");
    ccf.kv["records"].set(ccf.strToBuf(String(id)),
                          ccf.jsonCompatibleToBuf({message, length: message.length}));
    return {statusCode: 200, body: {id}};
  })";

/// The isolate restored, the module from bytecode, one call with a JSON body, one write, the
/// commit.
void ccf_restored_call(benchmark::State& state) {
  kv::Store store;
  store.set_primary(View{1}, kv::Epoch{1});
  Bytes code;
  {
    Use use(ccf_isolate());
    auto module = use.compile("/app.js", handler);
    code = *use.bytecode(*module);
  }
  const std::string_view body = R"({"id": 42, "message": "a message of twenty b"})";
  uint64_t committed = 0;
  for (auto _ : state) {
    kv::Tx tx = store.begin(kv::Context::application);
    KvTransaction kv(tx);
    Use use(ccf_isolate());
    use.set_loader([&](std::string_view) { return ModuleContent(Bytecode{code}); });
    use.attach(kv);
    auto module = use.load("/app.js");
    auto evaluated = use.evaluate(*module);
    auto function = use.exported_function(*module, "record");
    auto result = use.call(*function, {Json{body}});
    auto text = use.json(*result);
    if (!text || !*text || (*text)->empty()) state.SkipWithError("no result");
    const kv::CommitResult done = store.commit(tx);
    if (done.status != kv::CommitStatus::committed) state.SkipWithError("not committed");
    if (++committed % 1000 == 0) store.compact(done.id.seqno);
  }
}
BENCHMARK(ccf_restored_call);

/// One expression again and again, within one use and one transaction.
void ccf_function(benchmark::State& state, std::string_view expression) {
  kv::Store store;
  store.set_primary(View{1}, kv::Epoch{1});
  kv::Tx tx = store.begin(kv::Context::application);
  KvTransaction kv(tx);
  Use use(ccf_isolate(), {.execution_time = std::chrono::hours(1)});
  use.attach(kv);
  auto module = use.compile(
      "m",
      "const key = ccf.strToBuf('a key'), value = ccf.strToBuf('a value of twenty byt'), "
      "map = ccf.kv.m; map.set(key, value);"
      "export function f(n) { for (let i = 0; i < n; i++) " +
          std::string(expression) + "; }");
  auto evaluated = use.evaluate(*module);
  auto function = use.exported_function(*module, "f");
  for (auto _ : state) {
    if (!use.call(*function, {100.0})) state.SkipWithError("failed");
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK_CAPTURE(ccf_function, handle, "ccf.kv.m");
BENCHMARK_CAPTURE(ccf_function, get, "map.get(key)");
BENCHMARK_CAPTURE(ccf_function, has, "map.has(key)");
BENCHMARK_CAPTURE(ccf_function, str_to_buf, "ccf.strToBuf('a value of twenty byt')");
BENCHMARK_CAPTURE(ccf_function, buf_to_str, "ccf.bufToStr(value)");
BENCHMARK_CAPTURE(ccf_function, json_to_buf, "ccf.jsonCompatibleToBuf({a: 1, b: 'text'})");
BENCHMARK_CAPTURE(ccf_function, digest, "ccf.crypto.digest('SHA-256', value)");

}  // namespace
}  // namespace entente::js
