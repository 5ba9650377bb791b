#pragma once
// Isolates for tests: a random source that counts, the machine's clock, and short forms.

#include <gtest/gtest.h>
#include <quickjs.h>

#include <fstream>
#include <string>

#include "base/environment.h"
#include "js/console.h"
#include "js/host.h"
#include "js/isolate.h"
#include "js/native.h"
#include "js/use.h"

namespace entente::js {

class CountingRandom : public RandomSource {
 public:
  void fill(std::span<uint8_t> out) override {
    for (auto& byte : out) byte = static_cast<uint8_t>(next_ += 37);
  }

 private:
  unsigned next_ = 0;
};

/// A clock that stands still unless it is told otherwise.
class StandingClock : public Clock {
 public:
  MonotonicTime now() const override { return time += step; }
  UnixTime unix_time() const override { return std::chrono::seconds(1); }
  mutable MonotonicTime time{0};
  MonotonicTime step{0};
};

struct TestSources {
  CountingRandom random;
};

class TestIsolate : private TestSources, public Isolate {
 public:
  explicit TestIsolate(std::vector<Binding> bindings = {}, const Clock& clock = system_clock())
      : Isolate({.bindings = std::move(bindings), .random = &random, .clock = &clock}) {}
};

/// 16 MiB, 256 KiB, and time enough on any machine.
inline Limits small_limits() {
  return {.heap_bytes = 16u << 20,
          .stack_bytes = 256u << 10,
          .execution_time = std::chrono::milliseconds(60000)};
}

/// The same for what would go on for ever: 100 ms.
inline Limits hurried_limits() {
  Limits limits = small_limits();
  limits.execution_time = std::chrono::milliseconds(100);
  return limits;
}

inline Value compiled_function(Use& use, std::string_view source, const char* name) {
  auto module = use.compile("m", source);
  if (!module) {
    ADD_FAILURE() << module.failure().text;
    return {};
  }
  auto evaluated = use.evaluate(*module);
  if (!evaluated) {
    ADD_FAILURE() << evaluated.failure().text;
    return {};
  }
  auto function = use.exported_function(*module, name);
  if (!function) {
    ADD_FAILURE() << function.failure().text;
    return {};
  }
  return std::move(*function);
}

/// String form of what an expression or a statement gives (through eval), or the failure's text.
inline Outcome<std::string> outcome_of(Use& use, std::string_view code) {
  auto module = use.compile("eval.js", "export function run(code) { return (0, eval)(code); }");
  if (!module) return module.failure();
  auto evaluated = use.evaluate(*module);
  if (!evaluated) return evaluated.failure();
  auto function = use.exported_function(*module, "run");
  if (!function) return function.failure();
  auto result = use.call(*function, {code});
  if (!result) return result.failure();
  return use.text(*result);
}
inline std::string evaluated_text(Use& use, std::string_view code) {
  auto outcome = outcome_of(use, code);
  return outcome ? *outcome : outcome.failure().text;
}

/// The thread sanitizer holds signals back while code calls nothing of the system, so the engine is
/// not left by force there.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool signals_arrive = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool signals_arrive = false;
#else
inline constexpr bool signals_arrive = true;
#endif
#else
inline constexpr bool signals_arrive = true;
#endif

inline size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4096;
}

}  // namespace entente::js
