#pragma once
// An isolate: one engine in one arena of memory. It is initialised once (language, bindings); an
// image of the arena is kept and copied back before each use, so that nothing of one use (globals,
// prototypes, modules, damage by a limit) is seen by the next. Source: docs/javascript.md.
//
// Not thread-safe: one isolate is used by one thread at a time, usually one per worker.

#include <functional>
#include <memory>
#include <vector>

#include "base/environment.h"
#include "js/limits.h"

struct JSContext;

namespace entente::js {

struct Host;  // what the natives of an isolate see of their use; js/host.h, only inside this room

/// Installs globals: natives made with js/native.h, classes, plain objects. Runs once per isolate,
/// in the order of the list, before the image is taken. What natives need per use they take from
/// the slots of the use (Use::attach), never from captured state or finalisers.
using Binding = std::function<void(JSContext*)>;

struct IsolateOptions {
  std::vector<Binding> bindings;
  /// Seeds nothing: Math.random() draws from it at every call. Outlives the isolate.
  RandomSource* random = nullptr;
  /// Measures Limits::execution_time. Outlives the isolate.
  const Clock* clock = nullptr;
  /// What Date takes as now, in milliseconds since 1970 (UTC); the machine's clock if empty.
  std::function<int64_t()> date_now;
  /// Address range of the arena, in bytes. Costs nothing until it is used.
  size_t reserved_bytes = 8ull << 30;
};

class Isolate {
 public:
  /// `random` and `clock` must be given. Ends the process if the address range cannot be had.
  explicit Isolate(IsolateOptions options);
  ~Isolate();
  Isolate(const Isolate&) = delete;
  Isolate& operator=(const Isolate&) = delete;

  /// Copies the image back if something ran since. A Use does so itself when it begins; to do it
  /// earlier, for example after the answer was sent, is allowed.
  void restore();

  /// Everything as the last use left it becomes what every later use begins with: for modules that
  /// were compiled or read, and not evaluated. They, and other values of that use, stay usable in
  /// all later ones and must go before the isolate. Asserted: no use is open, and the last one did
  /// not reach a limit.
  void keep();

  /// The state cannot be used further without restore(): a use ended in a way that left the engine
  /// in the middle of something. Matters only to those that keep state between uses.
  bool damaged() const;

  /// Bytes of the image, and of the arena that is backed by memory now.
  size_t image_bytes() const;
  size_t committed_bytes() const;
  /// Bytes that scripts and the engine hold in the arena now.
  size_t heap_bytes() const;

  Host& host() { return *host_; }

 private:
  std::unique_ptr<Host> host_;
};

}  // namespace entente::js
