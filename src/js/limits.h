#pragma once
// What one call into a script may use. Source: docs/javascript.md (Limits).

#include <chrono>
#include <cstddef>

namespace entente::js {

struct Limits {
  /// Bytes of the engine's heap, the engine's own objects (about 0.2 MB) included. What would go
  /// beyond fails with `InternalError: out of memory`, which a script can catch. Whatever is asked
  /// for, an isolate has no more than half of what it reserved (IsolateOptions::reserved_bytes).
  size_t heap_bytes = 100ull << 20;
  /// Bytes of the native stack. Deeper fails with `InternalError: stack overflow`, which a script
  /// can catch. Never more than what the running thread has left.
  size_t stack_bytes = 1ull << 20;
  /// Time of one entry into the engine (one evaluation of a module, one call, one conversion of a
  /// result). A script cannot catch its end, and no `finally` runs.
  std::chrono::milliseconds execution_time{5000};

  bool operator==(const Limits&) const = default;
};

}  // namespace entente::js
