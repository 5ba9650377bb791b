// What is told of exceptions: kind, text, trace.
#include <gtest/gtest.h>

#include "js/failure.h"
#include "js/test_isolate.h"

namespace entente::js {
namespace {

Failure failure_of(std::string_view body, const Limits& limits = small_limits()) {
  TestIsolate isolate;
  Use use(isolate, limits);
  auto function = compiled_function(use, "export function f() { " + std::string(body) + " }", "f");
  auto result = use.call(function, {});
  EXPECT_FALSE(result);
  return result ? Failure{} : result.failure();
}

struct Case {
  std::string_view body;
  std::string_view text;
  bool has_trace;
};

constexpr Case cases[] = {
    {"throw new Error('test error: 42')", "Error: test error: 42", true},
    {"throw new TypeError('t')", "TypeError: t", true},
    {"null.x", "TypeError: cannot read property 'x' of null", true},
    {"undefined_name", "ReferenceError: undefined_name is not defined", true},
    {"throw new (class Mine extends Error { name = 'Mine' })('m')", "Mine: m", true},
    {"throw {code: 7, text: 'x'}", R"({"code":7,"text":"x"})", false},
    {"throw [1, 2]", "[1,2]", false},
    {"throw 'text'", "text", false},
    {"throw 42", "42", false},
    {"throw null", "null", false},
    {"throw undefined", "undefined", false},
    {"throw true", "true", false},
    {"throw 10n", "10", false},
    {"const o = {}; o.o = o; JSON.stringify(o)", "TypeError: circular reference", true},
    {"JSON.stringify(1n)", "TypeError: bigint are forbidden in JSON.stringify", true},
    {"JSON.parse('')", "SyntaxError: Unexpected end of JSON input", true},
    {"throw new Error('x', {cause: 1})", "Error: x", true},
    {"throw new AggregateError([1], 'many')", "AggregateError: many", true},
    {"throw new InternalError('own')", "InternalError: own", true},
};

class Thrown : public testing::TestWithParam<Case> {};
TEST_P(Thrown, has_its_text) {
  const Failure failure = failure_of(GetParam().body);
  EXPECT_EQ(failure.kind, FailureKind::thrown);
  EXPECT_EQ(failure.text, GetParam().text);
  EXPECT_EQ(failure.trace.has_value(), GetParam().has_trace);
}
INSTANTIATE_TEST_SUITE_P(Exceptions, Thrown, testing::ValuesIn(cases));

TEST(Exceptions, a_trace_has_a_line_for_each_frame) {
  TestIsolate isolate;
  Use use(isolate);
  auto module = use.compile("/endpoints/rpc.js",
                            "\n\nfunction nested() {\n  throw new Error('test error: 42');\n}\n"
                            "export function throwError() {\n  nested();\n}\n");
  ASSERT_TRUE(module);
  ASSERT_TRUE(use.evaluate(*module));
  auto function = use.exported_function(*module, "throwError");
  ASSERT_TRUE(function);
  auto result = use.call(*function, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.failure().trace,
            "    at nested (/endpoints/rpc.js:4)\n    at throwError (/endpoints/rpc.js:7)\n");
}

TEST(Exceptions, columns_are_left_out_of_traces) {
  EXPECT_EQ(without_columns("    at f (/a.js:27:13)\n    at map (native)\n    at m[0]:3:5\n"),
            "    at f (/a.js:27)\n    at map (native)\n    at m[0]:3\n");
  EXPECT_EQ(without_columns("    at f (a:1)"), "    at f (a:1)\n");
  EXPECT_EQ(without_columns(""), "");
  EXPECT_EQ(without_columns("12:34:56\n:7\n"), "12:34\n:7\n");
}

TEST(Exceptions, describing_one_cannot_run_for_ever_or_fail_in_another_way) {
  for (const std::string_view body : {"throw {toJSON() { for (;;); }}",
                                      "const e = new Error('x'); e.toString = () => { for (;;); };"
                                      " throw e",
                                      "throw new Proxy({}, {get() { for (;;); }})"}) {
    EXPECT_EQ(failure_of(body, hurried_limits()).kind, FailureKind::time_limit) << body;
  }
  EXPECT_EQ(failure_of("throw {toJSON() { throw 1; }, toString() { return 'plain'; }}").text,
            "plain");
  EXPECT_EQ(failure_of("throw {toJSON() { throw 1; }, toString() { throw 2; }}").text,
            "exception without a text");
  EXPECT_EQ(failure_of("throw Symbol('s')").text, "exception without a text");
  EXPECT_EQ(failure_of("const e = new Error('x'); Object.defineProperty(e, 'stack', {get() { throw "
                       "1; }}); throw e")
                .text,
            "Error: x");
  EXPECT_EQ(failure_of("throw Object.create(null)").text, "{}");
}

TEST(Exceptions, long_texts_are_cut_between_characters) {
  const Failure failure = failure_of("throw 'x' + 'ü'.repeat(1 << 20)");
  EXPECT_EQ(failure.text.size(), max_failure_text - 1);
  EXPECT_TRUE(failure.text.ends_with("ü"));
}

TEST(Exceptions, interruption_cannot_be_caught) {
  TestIsolate isolate;
  std::vector<std::string> lines;
  Console console{[&](log::Level, std::string_view line) { lines.emplace_back(line); }};
  TestIsolate with_console({install_console});
  Use use(with_console, hurried_limits());
  use.attach(console);
  auto function = compiled_function(use, R"(
    export function f() {
      console.log("begin");
      try { for (;;); } catch (e) { console.log("caught"); } finally { console.log("finally"); }
    })",
                                    "f");
  auto result = use.call(function, {});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.failure(), (Failure{FailureKind::time_limit, std::string(time_limit_text)}));
  EXPECT_EQ(lines, std::vector<std::string>{"begin"});
}

TEST(Exceptions, out_of_memory_and_stack_overflow_have_their_kinds) {
  EXPECT_EQ(failure_of("const a = []; for (;;) a.push({});"),
            (Failure{FailureKind::out_of_memory, "InternalError: out of memory",
                     failure_of("const a = []; for (;;) a.push({});").trace}));
  EXPECT_EQ(failure_of("(function g() { g(); })()").kind, FailureKind::stack_overflow);
  EXPECT_EQ(failure_of("throw new Error('InternalError: out of memory')").kind,
            FailureKind::thrown);
}

TEST(Exceptions, kinds_have_names) {
  EXPECT_EQ(to_text(FailureKind::thrown), "thrown");
  EXPECT_EQ(to_text(FailureKind::time_limit), "time limit");
}

}  // namespace
}  // namespace entente::js
