// Natives: state per use, arguments, results, callbacks, the end of a call.
#include <gtest/gtest.h>

#include "js/test_isolate.h"

namespace entente::js {
namespace {

/// State that natives of these tests find in their slot.
struct Journal {
  std::vector<std::string> lines;
  int alive = 0;
};
struct Witness {  // shows that destructors of natives run
  explicit Witness(Journal& where) : journal(where) { ++journal.alive; }
  ~Witness() { --journal.alive; }
  Journal& journal;
};

JSValue note(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  const auto text = text_argument(context, arguments[0]);
  if (!text) return JS_EXCEPTION;
  auto* journal = attached<Journal>(context);
  if (journal == nullptr) return throw_internal_error(context, "no journal in this use");
  journal->lines.push_back(*text);
  return JS_UNDEFINED;
}

JSValue reverse(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto bytes = buffer_argument(context, arguments[0]);
  if (!bytes) return JS_EXCEPTION;
  Bytes copy = to_bytes(*bytes);
  std::reverse(copy.begin(), copy.end());
  return new_buffer(context, copy);
}

JSValue each(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  const Witness witness(*attached<Journal>(context));
  for (int i = 0; i < 3; ++i) {
    JSValue argument = JS_NewInt32(context, i);
    const JSValue result = call_back(context, arguments[0], JS_UNDEFINED, 1, &argument);
    if (JS_IsException(result)) return result;
    JS_FreeValue(context, result);
  }
  return JS_NewInt32(context, 3);
}

JSValue give_up(JSContext* context, JSValueConst, int, JSValueConst*) {
  const Witness witness(*attached<Journal>(context));
  return abort_call(context, "given up");
}

JSValue fail(JSContext* context, JSValueConst, int, JSValueConst*) {
  const Witness witness(*attached<Journal>(context));
  throw std::runtime_error("a C++ exception");
}

JSValue converted(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (wrong_count(context, count, 1, 2)) return JS_EXCEPTION;
  const Witness witness(*attached<Journal>(context));
  const auto text = converted_text(context, arguments[0]);
  if (!text) return JS_EXCEPTION;
  return new_text(context, "<" + *text + ">");
}

JSValue as_json(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  const auto json = json_text(context, arguments[0]);
  if (!json) {
    return JS_HasException(context) ? JS_EXCEPTION : throw_type_error(context, "no JSON");
  }
  return parse_json(context, *json);
}

JSValue get_size(JSContext* context, JSValueConst) {
  return JS_NewInt32(context, 17);
}

// A class whose properties are made on demand.
struct Box {};
int box_property(JSContext* context, JSPropertyDescriptor* descriptor, JSValueConst, JSAtom name) {
  const Witness witness(*attached<Journal>(context));
  const char* text = JS_AtomToCString(context, name);
  const std::string copy = text == nullptr ? "" : text;
  JS_FreeCString(context, text);
  if (copy.starts_with("no")) return 0;
  if (copy == "over") {
    abort_call(context, "boxed");
    return -1;
  }
  if (descriptor != nullptr) {
    *descriptor = {JS_PROP_ENUMERABLE, new_text(context, "box of " + copy), JS_UNDEFINED,
                   JS_UNDEFINED};
  }
  return 1;
}
JSClassExoticMethods box_methods{.get_own_property = guarded<box_property>};
const JSClassDef box_class{.class_name = "Box", .exotic = &box_methods};

void install(JSContext* context) {
  const JSValue host = global_object(context, "host");
  set_function(context, host, "note", guarded<note>, 1);
  set_function(context, host, "reverse", guarded<reverse>, 1);
  set_function(context, host, "each", guarded<each>, 1);
  set_function(context, host, "giveUp", guarded<give_up>, 0);
  set_function(context, host, "fail", guarded<fail>, 0);
  set_function(context, host, "converted", guarded<converted>, 1);
  set_function(context, host, "asJson", guarded<as_json>, 1);
  const JSAtom size = JS_NewAtom(context, "size");
  JSCFunctionType getter;
  getter.getter = guarded<get_size>;
  JS_DefinePropertyGetSet(context, host, size,
                          JS_NewCFunction2(context, getter.generic, "size", 0, JS_CFUNC_getter, 0),
                          JS_UNDEFINED, JS_PROP_CONFIGURABLE);
  JS_FreeAtom(context, size);
  JS_NewClass(JS_GetRuntime(context), class_id<Box>, &box_class);
  set_member(context, host, "box", JS_NewObjectClass(context, class_id<Box>));
  JS_FreeValue(context, host);
}

class Natives : public testing::Test {
 protected:
  Outcome<std::string> run(std::string_view code, const Limits& limits = small_limits()) {
    Use use(isolate, limits);
    use.attach(journal);
    auto outcome = outcome_of(use, code);
    EXPECT_EQ(journal.alive, 0) << code;
    return outcome;
  }
  std::string text(std::string_view code) {
    auto outcome = run(code);
    return outcome ? *outcome : outcome.failure().text;
  }

  Journal journal;
  TestIsolate isolate{{install, install_console}};
};

TEST_F(Natives, find_the_state_of_their_use) {
  EXPECT_EQ(text("host.note('a'); host.note('b')"), "undefined");
  EXPECT_EQ(journal.lines, (std::vector<std::string>{"a", "b"}));
  Use use(isolate);
  EXPECT_EQ(evaluated_text(use, "host.note('c')"), "InternalError: no journal in this use");
}

TEST_F(Natives, check_their_arguments) {
  EXPECT_EQ(text("host.note(1)"), "TypeError: Argument must be a string");
  EXPECT_EQ(text("host.note(new String('x'))"), "TypeError: Argument must be a string");
  EXPECT_EQ(text("host.reverse()"), "TypeError: Passed 0 arguments, but expected 1");
  EXPECT_EQ(text("host.reverse(1, 2)"), "TypeError: Passed 2 arguments, but expected 1");
  EXPECT_EQ(text("host.converted()"),
            "TypeError: Passed 0 arguments, but expected between 1 and 2");
  EXPECT_EQ(text("host.reverse('x')"), "TypeError: Argument must be an ArrayBuffer");
  EXPECT_EQ(text("host.reverse(new Uint8Array(3))"), "TypeError: Argument must be an ArrayBuffer");
  EXPECT_EQ(text("new Uint8Array(host.reverse(new Uint8Array([1, 2, 3]).buffer)).join()"), "3,2,1");
  EXPECT_EQ(text("new Uint8Array(host.reverse(new SharedArrayBuffer(2))).join()"), "0,0");
  EXPECT_EQ(text("host.reverse(new ArrayBuffer(0)).byteLength"), "0");
  EXPECT_EQ(text("const b = new ArrayBuffer(3); b.transfer(); host.reverse(b).byteLength"),
            "TypeError: Argument must be an ArrayBuffer");
}

TEST_F(Natives, texts_keep_what_they_contain) {
  EXPECT_EQ(text("host.converted('a\\0b\\ufeff\\u{1f600}ü')"), std::string("<a\0b\ufeff😀ü>", 14));
  EXPECT_EQ(text("host.converted('\\ud800').codePointAt(1).toString(16)"), "d800");
  EXPECT_EQ(text("host.converted({toString() { return 'own' }})"), "<own>");
  EXPECT_EQ(text("host.converted({toString() { throw new Error('no') }})"), "Error: no");
  EXPECT_EQ(text("host.converted(Symbol())"), "TypeError: cannot convert symbol to string");
  EXPECT_EQ(text("host.asJson({a: [1, {toJSON() { return 'j' }}]}).a[1]"), "j");
  EXPECT_EQ(text("host.asJson(undefined)"), "TypeError: no JSON");
  EXPECT_EQ(text("const o = {}; o.o = o; host.asJson(o)"), "TypeError: circular reference");
  EXPECT_EQ(text("const e = 'x'.repeat(5000); try { host.giveUp.call(); } catch (x) {} 1"),
            "given up");
}

TEST_F(Natives, can_be_getters_and_methods_of_classes) {
  EXPECT_EQ(text("host.size"), "17");
  EXPECT_EQ(text("host.box.apples"), "box of apples");
  EXPECT_EQ(text("host.box.nothing"), "undefined");
  EXPECT_EQ(text("'nothing' in host.box"), "false");
  EXPECT_EQ(text("'apples' in host.box"), "true");
}

TEST_F(Natives, call_back) {
  EXPECT_EQ(text("const a = []; host.each(i => a.push(i)); a.join()"), "0,1,2");
  EXPECT_EQ(text("host.each(() => { throw new Error('inner') })"), "Error: inner");
  EXPECT_EQ(text("try { host.each(() => { throw 7 }) } catch (e) { 'caught ' + e }"), "caught 7");
  EXPECT_EQ(text("let n = 0; host.each(() => host.each(() => host.each(() => n++))); n"), "27");
  EXPECT_EQ(text("host.each(5)"), "TypeError: not a function");
}

TEST_F(Natives, scripts_that_overrun_inside_of_callbacks_are_left_cleanly) {
  if (!signals_arrive) GTEST_SKIP() << "the thread sanitizer holds signals back";
  for (const std::string_view code :
       {"host.each(() => { for (;;); })",
        "host.each(() => 'a'.repeat(1 << 20).indexOf('a'.repeat(1 << 19) + 'b'))",
        "host.each(() => host.each(() => 'a'.repeat(1 << 20).indexOf('a'.repeat(1 << 19) + 'b')))",
        "try { host.each(() => host.each(() => { for (;;); })) } catch (e) { host.note('caught') } "
        "finally { host.note('finally') }",
        "host.converted({toString() { for (;;); }})",
        "host.asJson(new Array(200000).fill({toJSON() { for (;;); }}))",
        "host.asJson(new Proxy([], {get() { for (;;); }}))"}) {
    auto outcome = run(code, hurried_limits());
    ASSERT_FALSE(outcome) << code;
    EXPECT_EQ(outcome.failure().kind, FailureKind::time_limit) << code;
    EXPECT_TRUE(journal.lines.empty()) << code;
    EXPECT_EQ(text("6 * 7"), "42");
  }
}

TEST_F(Natives, an_abort_cannot_be_caught) {
  for (const std::string_view code :
       {"host.giveUp()",
        "try { host.giveUp() } catch (e) { host.note('caught') } finally { host.note('finally') }",
        "host.each(() => host.giveUp())",
        "try { host.each(() => { try { host.giveUp() } catch { host.note('caught') } }) } catch { "
        "host.note('caught') }",
        "(async () => { host.giveUp() })(); host.note('later')",
        "new Promise(() => host.giveUp()); host.note('later')",
        "function* g() { try { host.giveUp(); yield 1 } finally { host.note('finally') } } "
        "[...g()]",
        "[3, 2, 1].sort(() => host.giveUp()); host.note('later')",
        "JSON.stringify({toJSON() { host.giveUp() }}); host.note('later')"}) {
    auto outcome = run(code);
    ASSERT_FALSE(outcome) << code;
    EXPECT_EQ(outcome.failure(), (Failure{FailureKind::aborted, "given up"})) << code;
    EXPECT_TRUE(journal.lines.empty()) << code;
  }
  EXPECT_EQ(text("try { host.box.over } catch { host.note('caught') }"), "boxed");
  EXPECT_TRUE(journal.lines.empty());
}

TEST_F(Natives, cpp_exceptions_end_the_call) {
  auto outcome = run("try { host.fail() } catch (e) { host.note('caught') }");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.failure(), (Failure{FailureKind::aborted, "a C++ exception"}));
  EXPECT_TRUE(journal.lines.empty());
}

TEST_F(Natives, nothing_runs_after_the_end_of_a_call) {
  Use use(isolate, small_limits());
  use.attach(journal);
  ASSERT_FALSE(outcome_of(use, "host.giveUp()"));
  auto outcome = outcome_of(use, "host.note('later')");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.failure().kind, FailureKind::aborted);
  EXPECT_TRUE(journal.lines.empty());
}

TEST_F(Natives, hosts_make_values_too) {
  Use use(isolate);
  use.attach(journal);
  auto made = use.make([](JSContext* context) {
    const JSValue object = JS_NewObject(context);
    set_member(context, object, "text", new_text(context, "made"));
    set_member(context, object, "bytes", new_buffer(context, as_bytes("xyz")));
    return object;
  });
  ASSERT_TRUE(made);
  auto function = compiled_function(
      use, "export function f(o) { return o.text + new Uint8Array(o.bytes).length; }", "f");
  auto result = use.call(function, {&*made});
  ASSERT_TRUE(result);
  EXPECT_EQ(*use.text(*result), "made3");
  auto failed = use.make([](JSContext* context) { return throw_range_error(context, "r"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.failure().text, "RangeError: r");
  const std::string text(1000, 'x');
  auto longer = use.make([&](JSContext* context) { return throw_type_error(context, text); });
  EXPECT_EQ(longer.failure().text, "TypeError: " + text);
}

TEST_F(Natives, results_are_read) {
  Use use(isolate);
  const auto value = [&](std::string_view expression) {
    const std::string source = "export const f = () => (" + std::string(expression) + ");";
    auto function = compiled_function(use, source, "f");
    auto result = use.call(function, {});
    EXPECT_TRUE(result) << expression;
    return std::move(*result);
  };
  EXPECT_EQ(*use.bytes(value("new Uint8Array([1, 2, 3]).buffer")), (Bytes{1, 2, 3}));
  EXPECT_EQ(*use.bytes(value("new Uint16Array([1, 2, 3]).subarray(1)")), (Bytes{2, 0, 3, 0}));
  EXPECT_EQ(*use.bytes(value("new ArrayBuffer(0)")), Bytes{});
  EXPECT_FALSE(use.bytes(value("new DataView(new ArrayBuffer(2))")));
  EXPECT_FALSE(use.bytes(value("[1]")));
  EXPECT_FALSE(use.bytes(value("'x'")));
  EXPECT_EQ(use.number(value("2.5")), 2.5);
  EXPECT_EQ(use.number(value("-7")), -7);
  EXPECT_FALSE(use.number(value("'7'")));
  for (const auto* truthy : {"1", "'0'", "[]", "({})", "true", "-1", "1n", "Symbol()", "() => 0"}) {
    EXPECT_TRUE(use.truthy(value(truthy))) << truthy;
  }
  for (const auto* falsy : {"0", "''", "null", "undefined", "false", "NaN", "0n", "-0"}) {
    EXPECT_FALSE(use.truthy(value(falsy))) << falsy;
  }
  EXPECT_EQ(**use.json(value("({a: [1, null, 'x\\n']})")), "{\"a\":[1,null,\"x\\n\"]}");
  EXPECT_FALSE(*use.json(value("undefined")));
  EXPECT_FALSE(*use.json(value("() => 1")));
  EXPECT_EQ(use.json(value("1n")).failure().text,
            "TypeError: bigint are forbidden in JSON.stringify");
  EXPECT_EQ(*use.text(*use.member(value("({a: {b: 1}})"), "a")), "[object Object]");
  EXPECT_TRUE(use.member(value("({})"), "a")->is_undefined());
  EXPECT_FALSE(use.member(value("null"), "a"));
  EXPECT_EQ(use.member(value("({get a() { throw new Error('g') }})"), "a").failure().text,
            "Error: g");
  EXPECT_TRUE(value("[]").is_array());
  EXPECT_TRUE(value("({})").is_object());
  EXPECT_TRUE(value("null").is_null());
  EXPECT_TRUE(value("true").is_boolean());
  EXPECT_EQ(*use.text(*use.parse_json("[1,2]")), "1,2");
  EXPECT_FALSE(use.parse_json("[1,"));
}

// ---------------------------------------------------------------------------------------- console

TEST_F(Natives, console_writes_lines_with_levels) {
  std::vector<std::pair<log::Level, std::string>> lines;
  Console console{[&](log::Level level, std::string_view line) {
    lines.emplace_back(level, std::string(line));
  }};
  Use use(isolate);
  use.attach(console);
  EXPECT_EQ(evaluated_text(use, R"(
      console.log("a", 1, null, undefined, true);
      console.info({x: [1, "y"]}, [2]);
      console.warn(new TypeError("t"));
      console.error();
      console.log(() => 1);
      [Object.keys(console).sort().join(), typeof console.debug].join("|"))"),
            "error,info,log,warn|undefined");
  using log::Level;
  EXPECT_EQ(lines,
            (std::vector<std::pair<Level, std::string>>{{Level::info, "a 1 null undefined true"},
                                                        {Level::info, R"({"x":[1,"y"]} [2])"},
                                                        {Level::fail, "TypeError: t"},
                                                        {Level::fatal, ""},
                                                        {Level::info, "undefined"}}));
  EXPECT_EQ(evaluated_text(use, "console.log(Symbol())"),
            "TypeError: cannot convert symbol to string");
  EXPECT_EQ(evaluated_text(use, "const o = {}; o.o = o; console.log(o)"),
            "TypeError: circular reference");
}

TEST_F(Natives, console_without_a_sink_is_silent) {
  EXPECT_EQ(text("console.log('x')"), "undefined");
}

// ------------------------------------------------------------------------------------ surroundings

TEST_F(Natives, random_numbers_come_from_the_source) {
  TestIsolate a, b;
  const std::string_view code =
      "Array.from({length: 8}, Math.random).map(x => x >= 0 && x < 1 ? x : 'bad').join()";
  Use use_a(a), use_b(b);
  const std::string first = evaluated_text(use_a, code);
  EXPECT_EQ(evaluated_text(use_b, code), first);
  EXPECT_EQ(first.find("bad"), std::string::npos);
  EXPECT_NE(evaluated_text(use_a, code), first);  // goes on, is not restarted with the isolate
}

TEST_F(Natives, date_takes_the_time_that_is_given) {
  CountingRandom random;
  int64_t now = 1'000'000'000'123;
  Isolate dated({.random = &random, .clock = &system_clock(), .date_now = [&] { return now; }});
  Use use(dated);
  EXPECT_EQ(evaluated_text(use, "Date.now() + ' ' + new Date().toISOString()"),
            "1000000000123 2001-09-09T01:46:40.123Z");
  now = 5;
  EXPECT_EQ(evaluated_text(use, "Date.now()"), "5");
  Use live(isolate);
  EXPECT_EQ(evaluated_text(live, "Date.now() > 1700000000000"), "true");
}

TEST_F(Natives, what_would_work_by_halves_is_absent) {
  for (const auto* name : {"WeakRef",
                           "FinalizationRegistry",
                           "queueMicrotask",
                           "setTimeout",
                           "structuredClone",
                           "TextEncoder",
                           "atob",
                           "btoa",
                           "URL",
                           "fetch",
                           "process",
                           "require",
                           "performance",
                           "Intl",
                           "WebAssembly",
                           "print",
                           "std",
                           "os",
                           "DOMException",
                           "gc",
                           "Worker"}) {
    EXPECT_EQ(text("typeof " + std::string(name)), "undefined") << name;
  }
  for (const auto* name : {"Atomics", "SharedArrayBuffer", "WeakMap", "WeakSet", "Proxy", "Reflect",
                           "BigInt", "Promise", "eval", "AggregateError", "InternalError"}) {
    EXPECT_NE(text("typeof " + std::string(name)), "undefined") << name;
  }
  EXPECT_EQ(text("Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)"),
            "TypeError: cannot block in this thread");
  EXPECT_EQ(text("Atomics.notify(new Int32Array(new SharedArrayBuffer(8)), 0)"), "0");
}

TEST_F(Natives, language_level) {
  for (const auto* expression :
       {"class A { #x = 1; static s = 2; get() { return this.#x + A.s } } new A().get() === 3",
        "let a; a ?"
        "?= 5; a ||= 6; a &&= 7; a === 7",
        "[1, 2].at(-1) === 2", "[3, 1].toSorted().join() === '1,3'",
        "[1, 2].findLast(x => x < 2) === 1", "Object.groupBy([1, 2], x => x % 2)[1][0] === 1",
        "'aa'.replaceAll('a', 'b') === 'bb'",
        "typeof Promise.withResolvers().resolve === 'function'", "({a: {b: 1}}).a?.b === 1",
        "10n ** 20n === 100000000000000000000n", "/(?<y>\\d+)/.exec('a12').groups.y === '12'",
        "new Map([[1, 2]]).get(1) === 2", "`${1 + 1}` === '2'", "Object.hasOwn({x: 1}, 'x')",
        "[...new Set([1, 1, 2])].length === 2", "JSON.parse('{\"a\":1}').a === 1"}) {
    EXPECT_EQ(text(expression), "true") << expression;
  }
}

}  // namespace
}  // namespace entente::js
