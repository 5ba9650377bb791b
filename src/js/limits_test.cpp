// Limits hold whatever a script does, in the engine's own loops too.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "js/test_isolate.h"

namespace entente::js {
namespace {

using std::chrono::milliseconds;

FailureKind kind_of(const Outcome<std::string>& outcome) {
  EXPECT_FALSE(outcome) << (outcome ? *outcome : "");
  return outcome ? FailureKind::engine : outcome.failure().kind;
}

// ------------------------------------------------------------------------------------------- time

/// Each runs (nearly) for ever: in the script, or in one operation of the engine.
constexpr std::string_view endless[] = {
    // scripts
    "for (;;);",
    "while (true) { try { while (true); } catch (e) {} finally { } }",
    "(function f() { try { for (;;); } finally { f(); } })()",
    "function* g() { try { for (;;) yield 1; } finally { for (;;); } } for (const x of g());",
    "(async () => { for (;;); })(); 1",
    "for (;;) (async () => { for (;;); })()",
    "(async function f() { try { for (;;); } catch (e) { } })(); for (;;);",
    "new Proxy({}, {get() { for (;;); }}).x",
    "({toString() { for (;;); }}) + ''",
    "JSON.stringify({toJSON() { for (;;); }})",
    "JSON.parse('[1]', function () { for (;;); })",
    "[3, 2, 1].sort(() => { for (;;); })",
    "'aaa'.replace(/a/g, () => { for (;;); })",
    "class A { static x = (() => { for (;;); })() }",
    "Promise.resolve({get then() { for (;;); }})",
    "Array.from({[Symbol.iterator]() { return {next() { return {value: 1}; }}; }})[0]",
    // array functions over something of a huge length
    "Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)",
    "Array.prototype.lastIndexOf.call({length: 2 ** 53 - 1}, 1)",
    "Array.prototype.includes.call({length: 2 ** 53 - 1}, 1)",
    "Array.prototype.reverse.call({length: 2 ** 53 - 1})",
    "Array.prototype.fill.call({length: 2 ** 53 - 1}, 1, 2 ** 52)",
    "Array.prototype.copyWithin.call({length: 2 ** 53 - 1}, 0, 1)",
    "Array.prototype.unshift.call({length: 2 ** 53 - 3}, 1)",
    "Array.prototype.splice.call({length: 2 ** 53 - 3}, 0, 2, 1)",
    "Array.prototype.shift.call({length: 2 ** 53 - 1})",
    "Array.prototype.every.call({length: 2 ** 53 - 1}, () => true)",
    "Array.prototype.forEach.call({length: 2 ** 53 - 1}, () => 1)",
    "Array.prototype.reduce.call({length: 2 ** 53 - 1, 1: 1}, () => 1)",
    "Array.prototype.reduceRight.call({length: 2 ** 53 - 1, 1: 1}, () => 1)",
    "Array.prototype.findLast.call({length: 2 ** 53 - 1}, () => false)",
    "Array.prototype.join.call({length: 2 ** 32 - 2}, '')",
    "[].concat.call({length: 2 ** 52, [Symbol.isConcatSpreadable]: true}, 1, 2)",
    "Array.prototype.flat.call({length: 2 ** 53 - 1})",
    "Array.prototype.sort.call({length: 2 ** 53 - 1})",
    "Array.prototype.some.call(new Array(2 ** 32 - 1), x => x)",
    "const a = []; a.length = 2 ** 32 - 1; a.indexOf(1); a.reverse(); a.lastIndexOf(2);",
    "let a = []; for (let i = 0; i < 60; i++) a = [a, a]; a.flat(Infinity)",
    "let a = []; for (let i = 0; i < 60; i++) a = [a, a]; String(a)",
    "Array.prototype.values.call({length: 2 ** 53 - 1}).drop(2 ** 52).next()",
    "Iterator.from(Array.prototype.values.call({length: 2 ** 53})).every(Boolean.bind(null, 1))",
    "[].concat(...new Array(60000).fill(new Array(60000)))",
    // one operation on much data, more than linear
    "const s = 'a'.repeat(1 << 21); s.indexOf('a'.repeat(1 << 20) + 'b')",
    "const s = 'a'.repeat(1 << 21); s.lastIndexOf('b' + 'a'.repeat(1 << 20))",
    "const s = 'a'.repeat(1 << 21); s.split('a'.repeat(1 << 20) + 'b')",
    "const s = 'a'.repeat(1 << 21); s.replaceAll('a'.repeat(1 << 20) + 'b', 'c')",
    "const s = 'a'.repeat(1 << 21); s.includes('a'.repeat(1 << 20) + 'b')",
    "const b = 'x'.repeat(1 << 20); const l = b + 'a', r = b + 'b', a = []; "
    "for (let i = 0; i < 200000; i++) a.push(i % 2 ? l : r); a.sort()",
    "const b = 'x'.repeat(1 << 20); const a = new Array(500000).fill(b + 'a'); a.indexOf(b + 'b')",
    "const o = {}; const a = new Array(200000).fill(o); const n = []; "
    "for (let i = 0; i < 200000; i++) n.push('n' + i); JSON.stringify(a, n)",
    "'a\\u0315\\u0300'.concat('\\u0300\\u0315'.repeat(1 << 20)).normalize('NFD')",
    "/(a*)*b/.test('a'.repeat(40))",
    "/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(60))",
    "'a'.repeat(1 << 20).replace(/(?=(a*?)b)/g, '')",
    "new RegExp('(?:' + 'a?'.repeat(60) + ')' + 'a'.repeat(60)).test('a'.repeat(60))",
    "let b = 3n; for (;;) b = b * b % (2n ** 60000n)",
    "(7n ** 300000n) ** 3n; for (;;) (7n ** 300000n).toString()",
    "eval('var ' + Array.from({length: 100000}, (_, i) => 'v' + i).join() + ';for(;;);')",
    "new Function(Array.from({length: 60000}, (_, i) => 'v' + i).join(), '')(); for (;;);",
    "new RegExp(Array.from({length: 30000}, (_, i) => '(?<g' + i + '>a)').join('|')); for (;;);",
    "const m = new Map(); for (let i = 0; ; i++) m.set(i % 1000, i)",
    "const u = new Uint32Array(1 << 20); for (;;) u.sort()",
    "for (;;) 'ab'.repeat(1 << 18).toUpperCase()",
    "for (;;) JSON.parse('[' + '1,'.repeat(1 << 17) + '1]')",
};

class Endless : public testing::TestWithParam<std::string_view> {};

TEST_P(Endless, ends) {
  if (!signals_arrive) GTEST_SKIP() << "the thread sanitizer holds signals back";
  TestIsolate isolate;
  Limits limits = hurried_limits();
  limits.heap_bytes = 64u << 20;
  {
    Use use(isolate, limits);
    auto outcome = outcome_of(use, GetParam());
    // The one or the other limit, or an answer, but not for ever.
    if (!outcome) {
      EXPECT_NE(outcome.failure().kind, FailureKind::engine) << outcome.failure().text;
      EXPECT_NE(outcome.failure().kind, FailureKind::aborted) << outcome.failure().text;
      if (outcome.failure().kind == FailureKind::time_limit) {
        EXPECT_EQ(outcome.failure().text, time_limit_text);
        auto again = outcome_of(use, "1");
        EXPECT_EQ(kind_of(again), FailureKind::time_limit);
      }
    }
  }
  Use use(isolate);
  EXPECT_EQ(evaluated_text(use, "6 * 7"), "42");
}
INSTANTIATE_TEST_SUITE_P(Limits, Endless, testing::ValuesIn(endless));

TEST(Limits, time_is_measured_by_the_clock_that_is_given) {
  StandingClock clock;
  clock.step = milliseconds(1000);
  TestIsolate isolate({}, clock);
  Use use(isolate, {.execution_time = milliseconds(20'000)});
  // Less than 20 questions for the time: ends by itself.
  EXPECT_EQ(evaluated_text(use, "let n = 0; for (let i = 0; i < 50000; i++) n += i; n"),
            "1249975000");
  EXPECT_EQ(kind_of(outcome_of(use, "let n = 0; for (let i = 0; i < 5000000; i++) n += i; n")),
            FailureKind::time_limit);
}

TEST(Limits, the_engine_is_left_by_force_where_it_looks_at_no_clock) {
  if (!signals_arrive) GTEST_SKIP() << "the thread sanitizer holds signals back";
  StandingClock clock;  // for which no time passes: only the thread's timer ends these
  TestIsolate isolate({}, clock);
  for (const std::string_view code :
       {"for (;;);", "const s = 'a'.repeat(1 << 21); s.indexOf('a'.repeat(1 << 20) + 'b')",
        "let a = []; for (let i = 0; i < 60; i++) a = [a, a]; a.flat(Infinity)"}) {
    for (int round = 0; round < 3; ++round) {
      Use use(isolate, {.execution_time = milliseconds(5)});
      EXPECT_EQ(kind_of(outcome_of(use, code)), FailureKind::time_limit);
      EXPECT_TRUE(isolate.damaged());
    }
    Use use(isolate);
    EXPECT_EQ(evaluated_text(use, "6 * 7"), "42");
  }
}

TEST(Limits, hold_in_many_threads_at_once) {
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&good, i] {
      TestIsolate isolate;
      for (int round = 0; round < 10; ++round) {
        {
          Use use(isolate, {.execution_time = milliseconds(5)});
          auto outcome = outcome_of(
              use, (round + i) % 2 == 0 || !signals_arrive
                       ? "for (;;);"
                       : "const s = 'a'.repeat(1 << 21); s.indexOf('a'.repeat(1 << 20) + 'b')");
          if (!outcome && outcome.failure().kind == FailureKind::time_limit) ++good;
        }
        Use use(isolate);
        if (evaluated_text(use, "6 * 7") == "42") ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 80);
}

TEST(Limits, an_isolate_may_move_to_another_thread) {
  TestIsolate isolate;
  for (int round = 0; round < 3; ++round) {
    std::thread([&] {
      Use use(isolate, {.execution_time = milliseconds(20)});
      auto outcome = outcome_of(use, "for (;;);");
      EXPECT_EQ(kind_of(outcome), FailureKind::time_limit);
    }).join();
    Use use(isolate);
    EXPECT_EQ(evaluated_text(use, "6 * 7"), "42");
  }
}

TEST(Limits, no_time_at_all) {
  StandingClock clock;
  clock.step = milliseconds(1);
  TestIsolate isolate({}, clock);
  Use use(isolate, {.execution_time = milliseconds(0)});
  EXPECT_EQ(kind_of(outcome_of(use, "for (let i = 0; i < 100000; i++); 1")),
            FailureKind::time_limit);
}

TEST(Limits, each_entry_has_its_own_time) {
  StandingClock clock;
  TestIsolate isolate({}, clock);
  Use use(isolate, {.execution_time = milliseconds(20'000)});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(evaluated_text(use, "for (let i = 0; i < 100000; i++); 'ok'"), "ok");
    clock.time += milliseconds(15'000);
  }
}

// ------------------------------------------------------------------------------------------ memory

constexpr std::string_view greedy[] = {
    "const a = []; for (;;) a.push({x: a.length})",
    "let s = 'x'; for (let i = 0; i < 26; i++) s += s; s",
    "'x'.repeat(2 ** 29)",
    "'x'.padEnd(2 ** 29)",
    "new Uint8Array(500 << 20)",
    "new ArrayBuffer(500 << 20)",
    "new SharedArrayBuffer(500 << 20)",
    "new ArrayBuffer(8, {maxByteLength: 500 << 20}).resize(500 << 20)",
    "new Array(2 ** 26).fill(0)",
    "Array.from({length: 2 ** 31})",
    "const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])",
    "const s = new Set(); for (let i = 0; ; i++) s.add('k' + i)",
    "const o = {}; for (let i = 0; ; i++) o['k' + i] = i",
    "JSON.stringify(new Array(2 ** 27))",
    "JSON.parse('[' + '[],'.repeat(1 << 21) + '1]')",
    "const a = ['x'.repeat(1 << 20)]; for (;;) a.push(a.join())",
    "const f = []; for (;;) f.push(() => f)",
    "const g = []; for (;;) g.push((function* () { yield g; })())",
    "const p = []; for (;;) p.push(new Promise(r => r(p)))",
    "for (;;) Promise.resolve().then(() => 1)",
    "for (let i = 0, a = []; ; i++) a.push(Symbol.for('s' + i))",
    "for (const a = []; ; ) a.push(BigInt(1) << 30000n)",
    "for (const a = []; ; ) a.push(new RegExp('a{1,100}' + a.length))",
    "for (const a = []; ; ) a.push(new Date(), new Error('x'), new Uint8Array(100))",
    "eval('[' + '1,'.repeat(1 << 23) + ']')",
    "'a'.repeat(1 << 22).split('').map(x => x + 'b')",
    "encodeURIComponent('\\u{10000}'.repeat(1 << 22))",
    "/(?:a|b)*/.exec('ab'.repeat(1 << 22))",
    "structured = {}; for (let i = 0, o = structured; ; i++) o = o.x = {}",
};

class Greedy : public testing::TestWithParam<std::string_view> {};

TEST_P(Greedy, runs_out_of_memory) {
  TestIsolate isolate;
  Limits limits = small_limits();
  {
    Use use(isolate, limits);
    auto outcome = outcome_of(use, GetParam());
    ASSERT_EQ(kind_of(outcome), FailureKind::out_of_memory) << outcome.failure().text;
    EXPECT_EQ(outcome.failure().text, "InternalError: out of memory");
    EXPECT_TRUE(isolate.host().arena.consistent());
    EXPECT_LT(isolate.heap_bytes(), limits.heap_bytes + (64u << 10));
    EXPECT_LT(isolate.committed_bytes(), 3 * limits.heap_bytes);
  }
  Use use(isolate, limits);
  EXPECT_EQ(evaluated_text(use, "6 * 7"), "42");
}
INSTANTIATE_TEST_SUITE_P(Limits, Greedy, testing::ValuesIn(greedy));

TEST(Limits, a_script_can_catch_that_memory_ran_out) {
  TestIsolate isolate;
  Limits limits = small_limits();
  Use use(isolate, limits);
  EXPECT_EQ(evaluated_text(use, "try { new Uint8Array(64 << 20); } catch (e) { String(e) }"),
            "InternalError: out of memory");
  EXPECT_EQ(evaluated_text(use,
                           "try { (() => { const a = []; for (;;) a.push([a.length]); })(); } "
                           "catch (e) { String(e) }"),
            "InternalError: out of memory");
}

TEST(Limits, three_megabytes_refuse_five_and_the_default_does_not) {
  TestIsolate isolate;
  Limits limits{.heap_bytes = 3u << 20};
  {
    Use use(isolate, limits);
    EXPECT_EQ(kind_of(outcome_of(use, "new Uint8Array(5 << 20).length")),
              FailureKind::out_of_memory);
    EXPECT_EQ(evaluated_text(use, "new Uint8Array(1 << 20).length"), "1048576");
  }
  Use use(isolate);
  EXPECT_EQ(evaluated_text(use, "new Uint8Array(5 << 20).length"), "5242880");
  EXPECT_EQ(kind_of(outcome_of(use, "new Uint8Array(500 << 20).length")),
            FailureKind::out_of_memory);
}

TEST(Limits, garbage_is_collected_cycles_too) {
  TestIsolate isolate;
  Use use(isolate, {.heap_bytes = 16u << 20, .execution_time = milliseconds(20000)});
  EXPECT_EQ(evaluated_text(use,
                           "for (let i = 0; i < 60000; i++) { const a = {t: 'x' + i}, b = {a}; "
                           "a.b = b; } 'done'"),
            "done");
  EXPECT_EQ(evaluated_text(use,
                           "let s = ''; for (let i = 0; i < 60; i++) s = 'x'.repeat(1 << 20) + "
                           "i; s.length"),
            "1048578");
}

TEST(Limits, hoards_of_every_size_stay_within_twice_the_limit) {
  TestIsolate isolate;
  Limits limits = small_limits();
  Use use(isolate, limits);
  EXPECT_EQ(evaluated_text(use, R"(
      for (let size = 1; size <= 1024; size += 50) {
        try { const a = []; for (;;) a.push(new Uint8Array(size)); } catch (e) {}
      }
      'done')"),
            "done");
  EXPECT_TRUE(isolate.host().arena.consistent());
  EXPECT_LT(isolate.committed_bytes(), 3 * limits.heap_bytes);
}

TEST(Limits, absurdly_small_limits_are_clean_failures) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{200000}}) {
    TestIsolate isolate;
    {
      Use use(isolate, {.heap_bytes = bytes, .stack_bytes = 1u << 20});
      EXPECT_FALSE(outcome_of(use, "new Array(100000).fill({})")) << bytes;
    }
    {
      Use use(isolate, {.stack_bytes = bytes / 100, .execution_time = milliseconds(0)});
      EXPECT_FALSE(outcome_of(use, "(function f() { f(); })()")) << bytes;
    }
    Use use(isolate);
    EXPECT_EQ(evaluated_text(use, "6 * 7"), "42");
  }
}

// ------------------------------------------------------------------------------------------- stack

constexpr std::string_view deep[] = {
    "(function f() { f(); })()",
    "(function f(a, b, c) { return [a, b, c].map(x => f(x, x, x)); })(1, 2, 3)",
    "const o = {get x() { return this.x; }}; o.x",
    "const o = {toString() { return '' + this; }}; '' + o",
    "const p = new Proxy({}, {get(t, k, r) { return r[k]; }}); p.x",
    "class A { constructor() { new A(); } } new A()",
    "function* g() { yield* g(); } [...g()]",
    "async function f() { await f(); } f(); (function g() { g(); })()",
    "let a = []; for (let i = 0; i < 5000; i++) a = [a]; JSON.stringify(a)",
    "JSON.parse('['.repeat(100000) + ']'.repeat(100000))",
    "JSON.parse('{\"a\":'.repeat(100000) + '1' + '}'.repeat(100000))",
    "eval('('.repeat(100000) + '1' + ')'.repeat(100000))",
    "eval('['.repeat(100000) + '1' + ']'.repeat(100000))",
    "eval('!'.repeat(1000000) + '1')",
    "eval('{'.repeat(100000) + '}'.repeat(100000))",
    "eval('a => '.repeat(50000) + '1')",
    "eval('`${'.repeat(20000) + '1' + '}`'.repeat(20000))",
    "let a = []; for (let i = 0; i < 100000; i++) a = [a]; a.flat(Infinity)",
    "let a = []; for (let i = 0; i < 100000; i++) a = [a]; String(a)",
    "let f = () => 1; for (let i = 0; i < 100000; i++) f = f.bind(null, 1); f()",
    "let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x",
    "'x'.replace(/x/, function f() { return 'x'.replace(/x/, f); })",
    "[1, 2].sort(function f() { return [1, 2].sort(f); })",
    "Reflect.apply(function f() { return Reflect.apply(f, null, []); }, null, [])",
    "new RegExp('('.repeat(100000) + ')'.repeat(100000))",
    "new RegExp('(?:'.repeat(100000) + ')'.repeat(100000)).test('')",
    "new RegExp('(?=a'.repeat(10000) + ')'.repeat(10000)).test('a')",
    "let a = {}; for (let i = 0; i < 300000; i++) a = {a}; a = null; 'freed'; (function f() { f(); "
    "})()",
    "let s = 'a'; for (let i = 0; i < 100000; i++) s = 'bcdefghijklmnopq' + s; s.length; "
    "(function f() { f(); })()",
};

class Deep : public testing::TestWithParam<std::string_view> {};

TEST_P(Deep, does_not_overflow_the_stack) {
  TestIsolate isolate;
  Limits limits = small_limits();
  limits.heap_bytes = 64u << 20;
  for (const size_t stack : {size_t{8} << 10, size_t{256} << 10, size_t{1} << 30}) {
    limits.stack_bytes = stack;
    {
      Use use(isolate, limits);
      auto outcome = outcome_of(use, GetParam());
      if (!outcome) {
        EXPECT_NE(outcome.failure().kind, FailureKind::time_limit) << outcome.failure().text;
        EXPECT_NE(outcome.failure().kind, FailureKind::engine) << outcome.failure().text;
      }
    }
    Use use(isolate);
    EXPECT_EQ(evaluated_text(use, "6 * 7"), "42");
  }
}
INSTANTIATE_TEST_SUITE_P(Limits, Deep, testing::ValuesIn(deep));

TEST(Limits, recursion_is_bounded_by_the_stack_limit) {
  TestIsolate isolate;
  const std::string_view source =
      "export function f(depth) { return depth <= 1 ? 1 : 1 + f(depth - 1); }";
  Use use(isolate, {.stack_bytes = 512u << 10});
  auto function = compiled_function(use, source, "f");
  EXPECT_TRUE(use.call(function, {1.0}));
  EXPECT_TRUE(use.call(function, {20.0}));  // sanitizers take much stack
  auto outcome = use.call(function, {4096.0});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.failure().kind, FailureKind::stack_overflow);
  EXPECT_EQ(outcome.failure().text, "InternalError: stack overflow");
  EXPECT_EQ(evaluated_text(use, "try { (function f() { f(); })() } catch (e) { String(e) }"),
            "InternalError: stack overflow");
}

}  // namespace
}  // namespace entente::js
