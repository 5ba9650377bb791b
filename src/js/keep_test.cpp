// Isolates that keep compiled modules: every use evaluates them anew, and none sees another.
#include <gtest/gtest.h>

#include "js/test_isolate.h"

namespace entente::js {
namespace {

constexpr std::string_view counter = R"(
  let count = 0;
  globalThis.evaluations = (globalThis.evaluations ?? 0) + 1;
  export function next() { return ++count * 10 + globalThis.evaluations; }
  export function loop() { for (;;) count++; }
)";

/// The module in an isolate that begins every use with it.
Module kept_module(Isolate& isolate) {
  auto module = [&] {
    Use use(isolate);
    return use.compile("counter", counter);
  }();
  EXPECT_TRUE(module);
  isolate.keep();
  return std::move(*module);
}

std::string called(Use& use, const Module& module, std::string_view name) {
  const auto evaluated = use.evaluate(module);
  if (!evaluated) return evaluated.failure().text;
  const auto function = use.exported_function(module, name);
  if (!function) return function.failure().text;
  const auto result = use.call(*function, {});
  if (!result) return result.failure().text;
  return *use.text(*result);
}

TEST(Keep, EveryUseEvaluatesTheModuleAnew) {
  TestIsolate isolate;
  const Module module = kept_module(isolate);
  for (int i = 0; i < 5; ++i) {
    Use use(isolate);
    EXPECT_EQ(called(use, module, "next"), "11");
    EXPECT_EQ(called(use, module, "next"), "21");  // within one use its state lives
  }
}

TEST(Keep, WhatAUseDidIsUndoneAlsoAfterALimit) {
  TestIsolate isolate;
  const Module module = kept_module(isolate);
  {
    Use use(isolate, hurried_limits());
    EXPECT_EQ(called(use, module, "loop"), "Operation took too long to complete.");
  }
  {
    Use use(isolate);
    EXPECT_EQ(outcome_of(use, "globalThis.left = 1; Array.prototype.map = 5; 'x'").value(), "x");
  }
  Use use(isolate);
  EXPECT_EQ(outcome_of(use, "typeof globalThis.left + [1].map((x) => x)").value(), "undefined1");
  EXPECT_EQ(called(use, module, "next"), "11");
}

TEST(Keep, OtherModulesComeBesideIt) {
  TestIsolate isolate;
  const Module module = kept_module(isolate);
  Use use(isolate);
  EXPECT_EQ(called(use, module, "next"), "11");
  auto function = compiled_function(use, "export function f() { return evaluations; }", "f");
  EXPECT_EQ(*use.text(*use.call(function, {})), "1");
}

}  // namespace
}  // namespace entente::js
