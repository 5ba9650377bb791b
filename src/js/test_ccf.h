#pragma once
// For tests of the ccf global: one script at a time on one transaction.

#include <initializer_list>
#include <memory>
#include <string>

#include "js/ccf.h"
#include "js/ccf_kv.h"
#include "js/test_isolate.h"
#include "kv/store.h"

namespace entente::js {

/// The machine's monotonic clock, and a date that tests choose.
class DatedClock : public Clock {
 public:
  MonotonicTime now() const override { return system_clock().now(); }
  UnixTime unix_time() const override { return date; }
  UnixTime date{1700000000};
};

/// Scripts see `args`, what was passed along, and short forms: b(text) and t(buffer) convert, and
/// e(f) is what f() throws, as text.
inline constexpr std::string_view short_forms = R"(
  globalThis.b = text => ccf.strToBuf(text);
  globalThis.t = buffer => buffer === undefined ? undefined : ccf.bufToStr(buffer);
  globalThis.e = f => { try { f(); return 'nothing thrown'; } catch (thrown) { return String(thrown); } };
  export function run(code, ...args) { globalThis.args = args; return (0, eval)(code); }
)";

/// One use: everything that runs through it shares its globals.
class CcfUse {
 public:
  explicit CcfUse(Isolate& isolate, const Limits& limits = {}, Start start = Start::restored)
      : use_(isolate, limits, start), run_(compiled_function(use_, short_forms, "run")) {}

  Use& use() { return use_; }

  /// String form of what the code gives, or the failure's text.
  std::string operator()(std::string_view code, std::initializer_list<Argument> arguments = {}) {
    auto outcome = run(code, arguments);
    return outcome ? *outcome : outcome.failure().text;
  }

  Outcome<std::string> run(std::string_view code, std::initializer_list<Argument> arguments = {}) {
    auto call = [&](std::initializer_list<Argument> all) { return use_.call(run_, all); };
    const Argument* more = arguments.begin();
    auto result = arguments.size() == 0   ? call({code})
                  : arguments.size() == 1 ? call({code, more[0]})
                  : arguments.size() == 2 ? call({code, more[0], more[1]})
                                          : call({code, more[0], more[1], more[2]});
    if (!result) return result.failure();
    return use_.text(*result);
  }

 private:
  Use use_;
  Value run_;
};

/// An isolate with everything in `ccf`, shared by the tests of a program: uses undo each other.
inline DatedClock& ccf_clock() {
  static DatedClock clock;
  return clock;
}
inline Isolate& ccf_isolate() {
  static TestIsolate isolate(ccf_bindings(), ccf_clock());
  return isolate;
}

}  // namespace entente::js
