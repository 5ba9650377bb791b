#pragma once
// How an entry into a script ended: with a value, or with a Failure. Source: docs/javascript.md.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "entente/result.h"

namespace entente::js {

enum class FailureKind {
  thrown,          // the script threw and did not catch
  module,          // a module was not found, not compiled, or lacks an export
  time_limit,      // Limits::execution_time
  out_of_memory,   // Limits::heap_bytes, not caught by the script
  stack_overflow,  // Limits::stack_bytes, not caught by the script
  aborted,         // a native ended the whole call (abort_call in js/native.h)
  engine,          // the engine was at a loss and stopped
};
/// `thrown`, `module`, `time limit`, `out of memory`, `stack overflow`, `aborted`, `engine`.
std::string_view to_text(FailureKind kind);

inline constexpr std::string_view time_limit_text = "Operation took too long to complete.";

inline constexpr size_t max_failure_text = 64u << 10;

struct Failure {
  FailureKind kind = FailureKind::thrown;
  /// thrown and the two limits that a script can catch: string form of an Error object
  /// (`TypeError: not a function`), JSON text of another object, string conversion of the rest.
  /// module: e.g. `Failed to find export 'f' in module '/x.js'`. time_limit: time_limit_text.
  /// aborted: the native's text. At most max_failure_text bytes.
  std::string text;
  /// Error objects only: one line per frame, `    at function (module:line)\n`.
  std::optional<std::string> trace = std::nullopt;

  Error as_error() const { return {text}; }
  bool operator==(const Failure&) const = default;
};

/// A T, or why there is none.
template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : content_(std::move(value)) {}
  Outcome(Failure failure) : content_(std::move(failure)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  /// Only when ok().
  T& value() & { return std::get<0>(content_); }
  const T& value() const& { return std::get<0>(content_); }
  T&& value() && { return std::get<0>(std::move(content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Only when not ok().
  const Failure& failure() const { return std::get<1>(content_); }

 private:
  std::variant<T, Failure> content_;
};

}  // namespace entente::js
