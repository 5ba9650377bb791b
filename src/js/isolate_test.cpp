// Isolates: nothing of one use is seen by the next, whatever that one did.
#include <gtest/gtest.h>

#include "js/test_isolate.h"

namespace entente::js {
namespace {

TEST(Isolate, an_exported_function_gets_what_it_is_called_with) {
  TestIsolate isolate;
  Use use(isolate);
  auto module = use.compile("m", R"(
    export function f(text, buffer, number, flag, nothing, json) {
      return [typeof text, text, buffer instanceof ArrayBuffer, new Uint8Array(buffer).join(),
              number, flag, nothing, json.a[1]].join("|");
    })");
  ASSERT_TRUE(module) << module.failure().text;
  ASSERT_TRUE(use.evaluate(*module));
  auto function = use.exported_function(*module, "f");
  ASSERT_TRUE(function) << function.failure().text;
  const Bytes bytes{1, 2, 255};
  auto result = use.call(*function, {std::string_view("grün"), BytesView(bytes), 2.5, true, nullptr,
                                     Json{R"({"a":[1,"x"]})"}});
  ASSERT_TRUE(result) << result.failure().text;
  auto text = use.text(*result);
  ASSERT_TRUE(text);
  EXPECT_EQ(*text, "string|grün|true|1,2,255|2.5|true||x");
}

TEST(Isolate, arguments_that_are_not_json_are_a_syntax_error) {
  TestIsolate isolate;
  Use use(isolate);
  auto function = compiled_function(use, "export function f(x) { return x; }", "f");
  auto result = use.call(function, {Json{"{\"a\":"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.failure().kind, FailureKind::thrown);
  EXPECT_TRUE(result.failure().text.starts_with("SyntaxError")) << result.failure().text;
}

/// What tells a restored isolate from a used one, in one text.
constexpr std::string_view probe = R"(
  export function probe() {
    return [typeof globalThis.left, typeof Object.prototype.left, [].left, Math.PI,
            Object.getOwnPropertyNames(globalThis).length, JSON.stringify([1, {a: "b"}]),
            Array.prototype.map.name, "abc".left, typeof Symbol.for("left").left,
            /a(b)/.exec("ab").length, RegExp.left, Date.left, Reflect.ownKeys(Array.prototype).length,
            Error.stackTraceLimit].join();
  })";

std::string probed(Use& use) {
  auto function = compiled_function(use, probe, "probe");
  auto result = use.call(function, {});
  if (!result) return result.failure().text;
  return *use.text(*result);
}

/// Ways to spoil an isolate; each is a module with a function `spoil`.
constexpr std::string_view spoilers[] = {
    "export function spoil() { globalThis.left = 1; Object.prototype.left = 2; }",
    "export function spoil() { Array.prototype.map = Array.prototype.left = String.prototype.left "
    "= "
    "RegExp.left = Date.left = 7; JSON.stringify = () => 'x'; delete globalThis.Reflect; }",
    "export function spoil() { Object.freeze(Object.prototype); Object.freeze(globalThis); "
    "Error.stackTraceLimit = 0; Error.prepareStackTrace = () => 'no'; }",
    "export function spoil() { globalThis.a = []; for (;;) globalThis.a.push({x: 'y'.repeat(50)}); "
    "}",
    "export function spoil() { spoil(); }",
    "export function spoil() { for (;;); }",
    "export function spoil() { Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1); }",
    "export function spoil() { globalThis.p = (async () => { for (;;) await 1; })(); throw 1; }",
    "export function spoil() { let s = 'x'; for (;;) s += s; }",
    "export function spoil() { throw new Proxy({}, {get() { for (;;); }}); }",
    "export function spoil() { new Uint8Array(64 << 20).fill(7); }",
};

class Spoiled : public testing::TestWithParam<std::string_view> {};

TEST_P(Spoiled, leaves_nothing_behind) {
  TestIsolate isolate;
  std::string before;
  {
    Use use(isolate, small_limits());
    before = probed(use);
    ASSERT_NE(before.find("undefined"), std::string::npos) << before;
  }
  isolate.restore();
  ASSERT_TRUE(isolate.host().arena.same_as_image());
  for (int round = 0; round < 3; ++round) {
    {
      Use use(isolate, hurried_limits());
      auto function = compiled_function(use, GetParam(), "spoil");
      auto result = use.call(function, {});
      (void)result;
    }
    Use use(isolate, small_limits());
    ASSERT_TRUE(isolate.host().arena.consistent());
    EXPECT_EQ(probed(use), before);
  }
  isolate.restore();
  EXPECT_TRUE(isolate.host().arena.same_as_image());
}
INSTANTIATE_TEST_SUITE_P(Isolate, Spoiled, testing::ValuesIn(spoilers));

TEST(Isolate, keeps_state_between_uses_when_asked_to) {
  TestIsolate isolate;
  const std::string_view source =
      "let n = 0; export function next() { globalThis.seen = ++n; return n; }";
  for (int round = 1; round <= 3; ++round) {
    Use use(isolate, {}, Start::kept);
    use.set_loader([&](std::string_view) { return ModuleContent(source); });
    auto module = use.load("/counter.js");
    ASSERT_TRUE(module) << module.failure().text;
    if (round == 1) {
      ASSERT_TRUE(use.evaluate(*module));
    }
    auto function = use.exported_function(*module, "next");
    ASSERT_TRUE(function) << function.failure().text;
    auto result = use.call(*function, {});
    ASSERT_TRUE(result);
    EXPECT_EQ(use.number(*result), round);
  }
  Use use(isolate);
  EXPECT_EQ(evaluated_text(use, "typeof globalThis.seen"), "undefined");
}

TEST(Isolate, kept_state_does_not_grow_with_calls) {
  TestIsolate isolate;
  size_t first = 0;
  for (int round = 0; round < 50; ++round) {
    Use use(isolate, {}, Start::kept);
    use.set_loader([](std::string_view) {
      return ModuleContent("export function f(x) { return {a: [x.b, 'text' + x.b], c: () => x}; }");
    });
    auto module = use.load("/f.js");
    ASSERT_TRUE(module);
    if (round == 0) {
      ASSERT_TRUE(use.evaluate(*module));
    }
    {
      auto function = use.exported_function(*module, "f");
      ASSERT_TRUE(function);
      auto result = use.call(*function, {Json{R"({"b":12})"}});
      ASSERT_TRUE(result);
      ASSERT_EQ(**use.json(*result), R"({"a":[12,"text12"]})");
      ASSERT_EQ(*use.text(*use.member(*result, "a")), "12,text12");
    }
    if (round == 2) first = isolate.heap_bytes();
    if (round > 2) {
      EXPECT_EQ(isolate.heap_bytes(), first);
    }
  }
}

TEST(Isolate, a_use_that_keeps_state_begins_anew_after_damage) {
  TestIsolate isolate;
  {
    Use use(isolate, hurried_limits(), Start::kept);
    auto function = compiled_function(
        use, "export function f() { globalThis.left = 1; [].indexOf.call({length: 2 ** 53}, 1); }",
        "f");
    auto result = use.call(function, {});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.failure().kind, FailureKind::time_limit);
  }
  EXPECT_TRUE(isolate.damaged());
  Use use(isolate, small_limits(), Start::kept);
  EXPECT_FALSE(isolate.damaged());
  EXPECT_EQ(evaluated_text(use, "typeof globalThis.left"), "undefined");
}

TEST(Isolate, memory_of_a_large_use_goes_back) {
  TestIsolate isolate;
  const size_t before = resident_bytes();
  for (int round = 0; round < 3; ++round) {
    Use use(isolate);
    EXPECT_EQ(evaluated_text(use, "new Uint8Array(60 << 20).fill(1).length"), "62914560");
  }
  isolate.restore();
  EXPECT_LT(resident_bytes(), before + (40u << 20));
}

TestIsolate* inner_isolate = nullptr;
JSValue run_inner(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  const auto source = text_argument(context, arguments[0]);
  if (!source) return JS_EXCEPTION;
  Use use(*inner_isolate, hurried_limits());
  return new_text(context, evaluated_text(use, *source));
}

TEST(Isolate, one_inside_of_a_native_of_another) {
  TestIsolate bare;
  inner_isolate = &bare;
  TestIsolate isolate({[](JSContext* context) {
    const JSValue host = global_object(context, "host");
    set_function(context, host, "inner", guarded<run_inner>, 1);
    JS_FreeValue(context, host);
  }});
  Use use(isolate);
  EXPECT_EQ(evaluated_text(use,
                           "host.inner('1 + 1') + host.inner('for(;;);') + host.inner('[].in' + "
                           "'dexOf.call({length: 2 ** 53}, 1)') + typeof globalThis.a"),
            "2Operation took too long to complete.Operation took too long to complete.undefined");
}

TEST(Isolate, is_the_same_every_time) {
  const std::string_view source = R"(
    (() => { const m = new Map(), o = {z: 1, 2: 2, 1: 1, a: {}};
      for (let i = 0; i < 2000; i++) { m.set("k" + i % 97, i); o["p" + i % 31] = [i]; }
      return JSON.stringify([[...m], o, [3, 1, 2].sort(), "ß".normalize("NFD"), 0.1 + 0.2,
        new Date(0).getTimezoneOffset(), new Date(2026, 0, 1).toISOString(), String(new Date(5e11)),
        (1234.5678).toFixed(2), 2 ** 0.5, (12345).toLocaleString(), "Z".localeCompare("a")]); })())";
  std::string first;
  size_t memory = 0;
  for (int round = 0; round < 4; ++round) {
    TestIsolate isolate;
    Use use(isolate);
    const std::string text = evaluated_text(use, source);
    if (round == 0) {
      first = text;
      memory = isolate.heap_bytes();
      EXPECT_TRUE(text.starts_with("[[[")) << text;
      EXPECT_NE(text.find("2026-01-01T00:00:00.000Z"), std::string::npos) << text;
    }
    EXPECT_EQ(text, first);
    EXPECT_EQ(isolate.heap_bytes(), memory);
  }
}

}  // namespace
}  // namespace entente::js
