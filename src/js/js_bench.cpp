// Costs of an isolate: the restore alone, and a whole small call as applications make them.
#include <benchmark/benchmark.h>

#include <map>

#include "js/console.h"
#include "js/host.h"
#include "js/isolate.h"
#include "js/native.h"
#include "js/use.h"

namespace entente::js {
namespace {

class Zeroes : public RandomSource {
 public:
  void fill(std::span<uint8_t> out) override { std::fill(out.begin(), out.end(), uint8_t{0}); }
};
Zeroes zeroes;

/// One write into a table.
struct Table {
  std::map<Bytes, Bytes> rows;
};

JSValue put(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 2)) return JS_EXCEPTION;
  const auto key = buffer_argument(context, arguments[0]);
  if (!key) return JS_EXCEPTION;
  const auto value = buffer_argument(context, arguments[1]);
  if (!value) return JS_EXCEPTION;
  attached<Table>(context)->rows.insert_or_assign(to_bytes(*key), to_bytes(*value));
  return JS_UNDEFINED;
}

JSValue to_buffer(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  const auto text = text_argument(context, arguments[0]);
  return text ? new_buffer(context, as_bytes(*text)) : JS_EXCEPTION;
}

void install_table(JSContext* context) {
  const JSValue host = global_object(context, "host");
  set_function(context, host, "put", guarded<put>, 2);
  set_function(context, host, "toBuffer", guarded<to_buffer>, 1);
  JS_FreeValue(context, host);
}

Isolate& isolate() {
  static Isolate one(
      {.bindings = {install_console, install_table}, .random = &zeroes, .clock = &system_clock()});
  return one;
}

constexpr std::string_view handler = R"(
  export function record(body) {
    const {id, message} = body;
    if (typeof message !== "string") throw new TypeError("message");
    host.put(host.toBuffer(String(id)), host.toBuffer(JSON.stringify({message, length: message.length})));
    return {statusCode: 200, body: {id}};
  })";

Bytes bytecode_of(std::string_view source) {
  Use use(isolate());
  auto module = use.compile("/app.js", source);
  return *use.bytecode(*module);
}

void restore(benchmark::State& state) {
  { const Use use(isolate()); }
  for (auto _ : state) {
    isolate().host().dirty = true;
    isolate().restore();
  }
  state.counters["image_bytes"] = static_cast<double>(isolate().image_bytes());
}
BENCHMARK(restore);

void call_once(benchmark::State& state, bool restored) {
  const Bytes code = bytecode_of(handler);
  const std::string_view body = R"({"id": 42, "message": "a message of twenty b"})";
  Table table;
  for (auto _ : state) {
    Use use(isolate(), {}, restored ? Start::restored : Start::kept);
    use.set_loader([&](std::string_view) { return ModuleContent(Bytecode{code}); });
    use.attach(table);
    auto module = use.load("/app.js");
    if (isolate().host().evaluated.empty()) {
      auto evaluated = use.evaluate(*module);
      benchmark::DoNotOptimize(evaluated);
    }
    auto function = use.exported_function(*module, "record");
    auto result = use.call(*function, {Json{body}});
    auto text = use.json(*result);
    if (!text || !*text || (*text)->empty()) state.SkipWithError("no result");
  }
}
// The isolate restored, the module from bytecode, one call with a JSON body and one write.
void restored_call(benchmark::State& state) {
  call_once(state, true);
}
BENCHMARK(restored_call);
// The same where the isolate is reused.
void kept_call(benchmark::State& state) {
  call_once(state, false);
}
BENCHMARK(kept_call);

// The module out of its source text: what governance pays for each call.
void restored_call_from_source(benchmark::State& state) {
  Table table;
  for (auto _ : state) {
    Use use(isolate());
    use.attach(table);
    auto module = use.compile("/app.js", handler);
    auto evaluated = use.evaluate(*module);
    auto function = use.exported_function(*module, "record");
    auto result = use.call(*function, {Json{R"({"id":1,"message":"m"})"}});
    if (!result) state.SkipWithError("no result");
  }
}
BENCHMARK(restored_call_from_source);

void new_isolate(benchmark::State& state) {
  for (auto _ : state) {
    Isolate one({.bindings = {install_console, install_table},
                 .random = &zeroes,
                 .clock = &system_clock()});
    benchmark::DoNotOptimize(one.image_bytes());
  }
}
BENCHMARK(new_isolate);

void natives(benchmark::State& state) {
  Use use(isolate(), {.execution_time = std::chrono::hours(1)});
  Table table;
  use.attach(table);
  auto module = use.compile("m",
                            "export function f(n) { for (let i = 0; i < n; i++) "
                            "host.toBuffer('0123456789'); }");
  auto evaluated = use.evaluate(*module);
  auto function = use.exported_function(*module, "f");
  for (auto _ : state) benchmark::DoNotOptimize(use.call(*function, {1000.0}));
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(natives);

void loop(benchmark::State& state) {
  Use use(isolate(), {.execution_time = std::chrono::hours(1)});
  auto module = use.compile("m",
                            "export function f(n) { let s = 0; for (let i = 0; i < n; i++) s += "
                            "i; return s; }");
  auto evaluated = use.evaluate(*module);
  auto function = use.exported_function(*module, "f");
  for (auto _ : state) benchmark::DoNotOptimize(use.call(*function, {100000.0}));
  state.SetItemsProcessed(state.iterations() * 100000);
}
BENCHMARK(loop);

void objects(benchmark::State& state) {
  Use use(isolate(), {.execution_time = std::chrono::hours(1)});
  auto module = use.compile("m",
                            "export function f(n) { const a = []; for (let i = 0; i < n; i++) "
                            "a.push({i, t: 'x' + i}); return a.length; }");
  auto evaluated = use.evaluate(*module);
  auto function = use.exported_function(*module, "f");
  for (auto _ : state) benchmark::DoNotOptimize(use.call(*function, {10000.0}));
  state.SetItemsProcessed(state.iterations() * 10000);
}
BENCHMARK(objects);

}  // namespace
}  // namespace entente::js
