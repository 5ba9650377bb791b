// What the ccf global costs: a whole small request on a real store, and single functions.
#include <benchmark/benchmark.h>

#include <optional>

#include "crypto/random.h"
#include "js/ccf.h"
#include "js/ccf_kv.h"
#include "js/console.h"
#include "js/use.h"
#include "kv/store.h"

namespace entente::js {
namespace {

IsolateOptions ccf_options() {
  std::vector<Binding> bindings = ccf_bindings();
  bindings.push_back(install_console);
  return {.bindings = std::move(bindings),
          .random = &crypto::system_random(),
          .clock = &system_clock()};
}

Isolate& ccf_isolate() {
  static Isolate one(ccf_options());
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

/// One request: a call with a JSON body in an evaluated module, one write, the commit.
class Requests {
 public:
  Requests() { store_.set_primary(View{1}, kv::Epoch{1}); }

  template <typename Load>
  bool answer(Isolate& isolate, const Load& load) {
    kv::Tx tx = store_.begin(kv::Context::application);
    KvTransaction kv(tx);
    Use use(isolate);
    use.attach(kv);
    const Module& module = load(use);
    const auto evaluated = use.evaluate(module);
    const auto function = use.exported_function(module, "record");
    const auto result =
        use.call(*function, {Json{R"({"id": 42, "message": "a message of twenty b"})"}});
    const auto text = use.json(*result);
    if (!evaluated || !text || !*text || (*text)->empty()) return false;
    const kv::CommitResult done = store_.commit(tx);
    if (done.status != kv::CommitStatus::committed) return false;
    if (++committed_ % 1000 == 0) store_.compact(done.id.seqno);
    return true;
  }

 private:
  kv::Store store_;
  uint64_t committed_ = 0;
};

/// The isolate restored, the module read from bytecode each time.
void ccf_restored_call(benchmark::State& state) {
  Requests requests;
  Bytes code;
  {
    Use use(ccf_isolate());
    auto module = use.compile("/app.js", handler);
    code = *use.bytecode(*module);
  }
  std::optional<Module> module;
  const auto load = [&](Use& use) -> const Module& {
    use.set_loader([&](std::string_view) { return ModuleContent(Bytecode{code}); });
    module = std::move(*use.load("/app.js"));
    return *module;
  };
  for (auto _ : state) {
    if (!requests.answer(ccf_isolate(), load)) state.SkipWithError("no answer");
  }
}
BENCHMARK(ccf_restored_call);

/// The same with the compiled module in the image of the isolate.
void ccf_prepared_call(benchmark::State& state) {
  Requests requests;
  Isolate isolate(ccf_options());
  const Module module = [&] {
    Use use(isolate);
    return std::move(*use.compile("/app.js", handler));
  }();
  isolate.keep();
  for (auto _ : state) {
    if (!requests.answer(isolate, [&](Use&) -> const Module& { return module; })) {
      state.SkipWithError("no answer");
    }
  }
}
BENCHMARK(ccf_prepared_call);

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
