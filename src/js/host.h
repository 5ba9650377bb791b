#pragma once
// What an isolate consists of, as the files of this room see it.

#include <quickjs.h>

#include <array>
#include <chrono>
#include <csetjmp>
#include <map>
#include <string>
#include <vector>

#include "base/environment.h"
#include "js/arena.h"
#include "js/isolate.h"
#include "js/limits.h"
#include "js/module.h"
#include "js/outcome.h"
#include "js/slots.h"

namespace entente::js {

/// Why nothing more runs in the present use.
enum class Over : uint8_t {
  no,
  time,     // the time limit
  aborted,  // a native said so
  engine,   // the engine was at a loss (its abort() or an assertion)
};

struct Host {
  explicit Host(size_t reserved_bytes) : arena(reserved_bytes) {}

  Arena arena;
  IsolateOptions options;
  JSRuntime* runtime = nullptr;  // in the arena
  JSContext* context = nullptr;  // in the arena

  // The present use.
  std::array<void*, max_slots> slots{};
  Limits limits;
  ModuleLoader loader;
  std::map<std::string, JSModuleDef*, std::less<>> modules;       // by canonical name: load()
  std::vector<const void*> evaluated;                             // modules whose top level ran
  std::map<std::string, JSModuleDef*, std::less<>> kept_modules;  // those of the image: keep()
  bool kept = false;       // the use may be gone on from: references are given back to the engine
  bool dirty = false;      // something ran since the image was copied
  bool broken = false;     // the engine was left in the middle of something
  bool importing = false;  // the compilation that runs has come to its imports
  Over over = Over::no;
  std::string over_text;  // of a native that aborted

  // The entry that runs (js/escape.h). What a signal handler reads is volatile.
  MonotonicTime deadline{};               // by the clock of the options
  volatile int64_t hard_deadline = 0;     // by the machine's clock, nanoseconds
  sigjmp_buf* volatile escape = nullptr;  // where to leave the engine to
  volatile int native_depth = 0;          // natives that must be finished first
};

inline Host& host_of(JSContext* context) {
  return *static_cast<Host*>(JS_GetContextOpaque(context));
}

}  // namespace entente::js
