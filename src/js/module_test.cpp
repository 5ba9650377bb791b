// Modules: names, imports, exports, bytecode, their top level.
#include <gtest/gtest.h>

#include <map>

#include "js/test_isolate.h"

namespace entente::js {
namespace {

TEST(Modules, names_are_canonical) {
  const auto name = [](std::string_view base, std::string_view specifier) {
    return canonical_name(base, specifier).value_or("(above the root)");
  };
  EXPECT_EQ(name("/a/b.js", "./c.js"), "/a/c.js");
  EXPECT_EQ(name("/a/b.js", "../c.js"), "/c.js");
  EXPECT_EQ(name("/a/b/c.js", "./../../d/e.js"), "/d/e.js");
  EXPECT_EQ(name("/a/b.js", "foo.js"), "/foo.js");
  EXPECT_EQ(name("/a/b.js", "/foo.js"), "/foo.js");
  EXPECT_EQ(name("/b.js", "./c.js"), "/c.js");
  EXPECT_EQ(name("/b.js", "../c.js"), "(above the root)");
  EXPECT_EQ(name("/a/b.js", "../../c.js"), "(above the root)");
  EXPECT_EQ(name("/a/b.js", "./c/../d.js"), "/a/c/../d.js");
  EXPECT_EQ(name("a/b.js", "./c.js"), "/a/c.js");
  EXPECT_EQ(name("public:ccf.gov.constitution[0]", "./c.js"), "/c.js");
}

/// Modules by name; with bytecode of them instead, if asked.
struct Files {
  std::map<std::string, std::string, std::less<>> sources;
  std::map<std::string, Bytes, std::less<>> bytecode;
  std::vector<std::string> asked;

  ModuleLoader loader() {
    return [this](std::string_view name) -> std::optional<ModuleContent> {
      asked.emplace_back(name);
      if (const auto code = bytecode.find(name); code != bytecode.end()) {
        return Bytecode{code->second};
      }
      const auto source = sources.find(name);
      if (source == sources.end()) return std::nullopt;
      return std::string_view(source->second);
    };
  }
};

std::string result_of(Use& use, std::string_view module_name, std::string_view function_name) {
  auto module = use.load(module_name);
  if (!module) return module.failure().text;
  auto evaluated = use.evaluate(*module);
  if (!evaluated) return evaluated.failure().text;
  auto function = use.exported_function(*module, function_name);
  if (!function) return function.failure().text;
  auto result = use.call(*function, {});
  if (!result) return result.failure().text;
  return *use.text(*result);
}

Files sample() {
  return {{{"/main.js",
            "import {a} from './lib/a.js'; import * as all from 'lib/b.js'; "
            "export function f() { return a() + all.b(); } "
            "export const notFunction = 1; export {a as renamed}; "
            "export default () => 'default'; export * from './lib/b.js'; "
            "export {b as again} from './lib/b.js'; export const arrow = () => 'arrow'; "
            "export const dynamic = () => { globalThis.p = import('./lib/a.js'); "
            "return 'returned'; };"},
           {"/lib/a.js",
            "import {b, C} from '../lib/b.js'; export function a() { return 'a' + b() + "
            "(new C() instanceof C); } export {C};"},
           {"/lib/b.js",
            "import {a} from './a.js'; export class C {} export function b() { return "
            "'b' + typeof a; } export function starred() { return 'starred'; }"},
           {"/missing.js", "import {x} from './not/there.js'; export function f() {}"},
           {"/name.js", "import {nothing} from './lib/b.js'; export function f() {}"},
           {"/syntax.js", "export function f() {\n  return (;\n}"},
           {"/bad.js", "import {f} from './syntax.js'; export function g() {}"},
           {"/above.js", "import {f} from '../x.js';"},
           {"/throws.js",
            "export function f() { return typeof later + typeof g; } throw new Error('top'"
            "); export const later = () => 1; function g() {} "},
           {"/tdz.js", "throw 1; export const later = () => 1;"},
           {"/await.js",
            "export function f() { return 'f'; } await new Promise(() => 1); export let x"
            " = 2;"},
           {"/spin.js", "export function f() {} for (;;);"},
           {"/text.json", "{}"}}};
}

TEST(Modules, import_each_other) {
  TestIsolate isolate;
  Files files = sample();
  Use use(isolate, small_limits());
  use.set_loader(files.loader());
  EXPECT_EQ(result_of(use, "/main.js", "f"), "abfunctiontruebfunction");
  EXPECT_EQ(result_of(use, "/main.js", "renamed"), "abfunctiontrue");
  EXPECT_EQ(result_of(use, "/main.js", "default"), "default");
  EXPECT_EQ(result_of(use, "/main.js", "starred"), "starred");
  EXPECT_EQ(result_of(use, "/main.js", "again"), "bfunction");
  EXPECT_EQ(result_of(use, "/main.js", "arrow"), "arrow");
  EXPECT_EQ(files.asked, (std::vector<std::string>{"/main.js", "/lib/a.js", "/lib/b.js"}));
}

TEST(Modules, failures_name_the_module) {
  TestIsolate isolate;
  Files files = sample();
  const auto result = [&](std::string_view module, std::string_view function) {
    Use use(isolate, small_limits());
    use.set_loader(files.loader());
    return result_of(use, module, function);
  };
  EXPECT_EQ(result("/x.js", "f"), "Module '/x.js' could not be loaded");
  EXPECT_EQ(result("/main.js", "g"), "Failed to find export 'g' in module '/main.js'");
  EXPECT_EQ(result("/main.js", "notFunction"),
            "Export 'notFunction' of module '/main.js' is not a function");
  EXPECT_EQ(result("/missing.js", "f"),
            "Failed to resolve dependencies for module '/missing.js': "
            "ReferenceError: could not load module '/not/there.js'");
  EXPECT_EQ(result("/above.js", "f"),
            "Failed to resolve dependencies for module '/above.js': "
            "ReferenceError: could not load module '../x.js'");
  EXPECT_TRUE(result("/name.js", "f")
                  .starts_with("Failed to resolve dependencies for module '/name.js': SyntaxError"))
      << result("/name.js", "f");
  EXPECT_TRUE(result("/syntax.js", "f")
                  .starts_with("Failed to compile module '/syntax.js': "
                               "SyntaxError"))
      << result("/syntax.js", "f");
  EXPECT_TRUE(result("/bad.js", "g")
                  .starts_with("Failed to resolve dependencies for module '/bad.js': SyntaxError"))
      << result("/bad.js", "g");
}

TEST(Modules, syntax_errors_show_the_line) {
  TestIsolate isolate;
  Use use(isolate);
  auto module =
      use.compile("public:ccf.gov.constitution[0]", "export function f() {\n  return (;\n}");
  ASSERT_FALSE(module);
  EXPECT_EQ(module.failure().kind, FailureKind::module);
  EXPECT_TRUE(module.failure().text.starts_with(
      "Failed to compile module 'public:ccf.gov.constitution[0]': SyntaxError: "))
      << module.failure().text;
  ASSERT_TRUE(module.failure().trace);
  EXPECT_EQ(*module.failure().trace, "    at public:ccf.gov.constitution[0]:2\n");
}

TEST(Modules, imports_fail_without_a_loader) {
  TestIsolate isolate;
  Use use(isolate);
  auto module = use.compile("m", "import {x} from 'fs';");
  ASSERT_FALSE(module);
  EXPECT_EQ(module.failure().text,
            "Failed to resolve dependencies for module 'm': ReferenceError: could not load module "
            "'/fs'");
  auto outcome = outcome_of(use, "import('fs') instanceof Promise");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(*outcome, "true");
}

TEST(Modules, exceptions_of_the_top_level_are_values) {
  TestIsolate isolate;
  Files files = sample();
  Use use(isolate, small_limits());
  use.set_loader(files.loader());
  auto module = use.load("/throws.js");
  ASSERT_TRUE(module);
  auto evaluated = use.evaluate(*module);
  ASSERT_TRUE(evaluated);
  ASSERT_TRUE(evaluated->thrown);
  EXPECT_EQ(evaluated->thrown->text, "Error: top");
  EXPECT_FALSE(evaluated->unfinished);
  auto function = use.exported_function(*module, "f");
  ASSERT_TRUE(function) << function.failure().text;
  auto result = use.call(*function, {});
  ASSERT_FALSE(result);  // `later` is not initialised
  EXPECT_EQ(result.failure().text, "ReferenceError: later is not initialized");
  EXPECT_EQ(use.exported_function(*module, "later").failure().text,
            "Export 'later' of module '/throws.js' is not a function");
}

TEST(Modules, a_top_level_that_waits_stays_unfinished) {
  TestIsolate isolate;
  Files files = sample();
  Use use(isolate, small_limits());
  use.set_loader(files.loader());
  auto module = use.load("/await.js");
  ASSERT_TRUE(module);
  auto evaluated = use.evaluate(*module);
  ASSERT_TRUE(evaluated);
  EXPECT_TRUE(evaluated->unfinished);
  EXPECT_FALSE(evaluated->thrown);
  EXPECT_TRUE(use.exported_function(*module, "f"));
}

TEST(Modules, a_top_level_that_never_ends_is_stopped) {
  TestIsolate isolate;
  Files files = sample();
  Use use(isolate, hurried_limits());
  use.set_loader(files.loader());
  auto module = use.load("/spin.js");
  ASSERT_TRUE(module);
  auto evaluated = use.evaluate(*module);
  ASSERT_FALSE(evaluated);
  EXPECT_EQ(evaluated.failure().kind, FailureKind::time_limit);
}

TEST(Modules, dynamic_import_never_settles) {
  TestIsolate isolate;
  Files files = sample();
  Use use(isolate, small_limits());
  use.set_loader(files.loader());
  EXPECT_EQ(result_of(use, "/main.js", "dynamic"), "returned");
  EXPECT_EQ(
      evaluated_text(use, "let s = 'pending'; p.then(() => s = 'done', () => s = 'failed'); s"),
      "pending");
}

TEST(Modules, promises_are_left_as_they_are) {
  TestIsolate isolate;
  Use use(isolate);
  auto function = compiled_function(
      use,
      "export async function f() { globalThis.ran = 1; await 1; globalThis.ran = 2; return {}; }",
      "f");
  auto result = use.call(function, {});
  ASSERT_TRUE(result);
  EXPECT_EQ(*use.text(*result), "[object Promise]");
  EXPECT_EQ(evaluated_text(use, "globalThis.ran"), "1");
}

TEST(Modules, exports_are_asked_for_after_evaluation) {
  TestIsolate isolate;
  Use use(isolate);
  auto module = use.compile("m", "export function f() {}");
  ASSERT_TRUE(module);
  EXPECT_FALSE(use.exported(*module, "f"));
  ASSERT_TRUE(use.evaluate(*module));
  EXPECT_TRUE(use.exported(*module, "f"));
}

TEST(Modules, declared_parameters_are_counted) {
  TestIsolate isolate;
  Use use(isolate);
  for (const auto& [source, count] :
       std::map<std::string, int>{{"export function f() {}", 0},
                                  {"export function f(a, b, c) {}", 3},
                                  {"export const f = (a, {b}, ...c) => 1", 2},
                                  {"export function f(a, b = 1, c) {}", 1}}) {
    auto function = compiled_function(use, source, "f");
    EXPECT_EQ(*use.parameter_count(function), count) << source;
  }
}

// --------------------------------------------------------------------------------------- bytecode

Bytes bytecode_of(Isolate& isolate, Files& files, std::string_view name) {
  Use use(isolate);
  use.set_loader(files.loader());
  auto module = use.load(name);
  EXPECT_TRUE(module) << (module ? "" : module.failure().text);
  auto code = use.bytecode(*module);
  EXPECT_TRUE(code);
  return code ? *code : Bytes{};
}

TEST(Modules, bytecode_gives_the_same_as_source) {
  TestIsolate isolate;
  Files files = sample();
  files.sources["/trace.js"] = "\nexport function f() {\n  return new Error('x').stack;\n}";
  for (const auto* name : {"/main.js", "/lib/a.js", "/lib/b.js", "/trace.js"}) {
    files.bytecode[name] = bytecode_of(isolate, files, name);
  }
  TestIsolate other;
  Files compiled{{}, files.bytecode, {}};
  for (const auto& [module, function] :
       std::vector<std::pair<std::string, std::string>>{{"/main.js", "f"},
                                                        {"/main.js", "starred"},
                                                        {"/main.js", "arrow"},
                                                        {"/main.js", "notFunction"},
                                                        {"/main.js", "missing"},
                                                        {"/trace.js", "f"}}) {
    Use from_source(isolate);
    from_source.set_loader([&, plain = Files{files.sources, {}, {}}](
                               std::string_view name) mutable { return plain.loader()(name); });
    Use from_bytecode(other);
    from_bytecode.set_loader(compiled.loader());
    EXPECT_EQ(result_of(from_bytecode, module, function), result_of(from_source, module, function));
  }
}

TEST(Modules, bytecode_of_another_module_is_refused) {
  TestIsolate isolate;
  Files files = sample();
  files.sources["/alone.js"] = "export function f() {}";
  const Bytes code = bytecode_of(isolate, files, "/alone.js");
  Files wrong;
  wrong.bytecode["/x.js"] = code;
  wrong.sources["/main.js"] = "import {b} from './x.js'; export function f() {}";
  Use use(isolate);
  use.set_loader(wrong.loader());
  EXPECT_EQ(result_of(use, "/x.js", "f"),
            "Module '/x.js' could not be loaded: its bytecode is that of '/alone.js'");
  Use next(isolate);
  next.set_loader(wrong.loader());
  EXPECT_EQ(result_of(next, "/main.js", "f"),
            "Failed to resolve dependencies for module '/main.js': "
            "SyntaxError: bytecode is not of module '/x.js'");
}

TEST(Modules, what_is_no_bytecode_is_refused) {
  TestIsolate isolate;
  for (const std::string text : {"", "x", "not bytecode at all", "\x05\x01\x02"}) {
    Use use(isolate);
    auto module = use.read(Bytecode{as_bytes(text)});
    ASSERT_FALSE(module);
    EXPECT_EQ(module.failure().kind, FailureKind::module);
  }
}

TEST(Modules, the_engine_has_a_version) {
  EXPECT_TRUE(engine_version().starts_with("quickjs-ng 0.")) << engine_version();
}

}  // namespace
}  // namespace entente::js
