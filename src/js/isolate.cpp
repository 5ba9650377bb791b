#include "js/isolate.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "js/escape.h"
#include "js/host.h"
#include "js/loader.h"
#include "js/native.h"

namespace entente::js {

namespace {

// The engine looks for cycles of garbage when it holds this much more than at the start.
constexpr size_t least_before_collection = 2u << 20;

Arena& arena_of(void* opaque) {
  return *static_cast<Arena*>(opaque);
}

const JSMallocFunctions memory{
    .js_calloc = [](void* arena, size_t count, size_t size) -> void* {
      size_t bytes = 0;
      if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
      void* block = arena_of(arena).allocate(bytes);
      if (block != nullptr) std::memset(block, 0, bytes);
      return block;
    },
    .js_malloc = [](void* arena, size_t size) { return arena_of(arena).allocate(size); },
    .js_free = [](void* arena, void* block) { arena_of(arena).release(block); },
    .js_realloc = [](void* arena, void* block,
                     size_t size) { return arena_of(arena).resize(block, size); },
    .js_malloc_usable_size = [](const void* block) { return Arena::usable(block); },
};

/// What the engine asks between operations: whether to stop.
int on_interrupt(JSRuntime*, void* opaque) {
  Host& host = *static_cast<Host*>(opaque);
  if (host.over == Over::no && !out_of_time(host)) return 0;
  const Over why = host.over == Over::no ? Over::time : host.over;
  if (host.native_depth == 0 && host.escape != nullptr) escape(host, why);
  host.over = why;  // the native that is in between ends first
  return 1;
}

JSValue random_number(JSContext* context, JSValueConst, int, JSValueConst*) {
  uint64_t bits = 0;
  host_of(context).options.random->fill({reinterpret_cast<uint8_t*>(&bits), sizeof bits});
  return JS_NewFloat64(context, static_cast<double>(bits >> 11) * 0x1p-53);
}

/// Language level, without what would work only by halves: jobs never run and finalisers neither.
void add_language(JSContext* context) {
  using Add = int (*)(JSContext*);
  static constexpr Add parts[] = {
      JS_AddIntrinsicBaseObjects, JS_AddIntrinsicDate,        JS_AddIntrinsicEval,
      JS_AddIntrinsicRegExp,      JS_AddIntrinsicJSON,        JS_AddIntrinsicProxy,
      JS_AddIntrinsicMapSet,      JS_AddIntrinsicTypedArrays, JS_AddIntrinsicPromise,
  };
  for (const Add add : parts) ENTENTE_ASSERT(add(context) == 0);
  const JSValue global = JS_GetGlobalObject(context);
  for (const char* name : {"queueMicrotask", "WeakRef", "FinalizationRegistry", "performance"}) {
    const JSAtom atom = JS_NewAtom(context, name);
    JS_DeleteProperty(context, global, atom, 0);
    JS_FreeAtom(context, atom);
  }
  const JSValue math = JS_GetPropertyStr(context, global, "Math");
  JS_DefinePropertyValueStr(context, math, "random",
                            JS_NewCFunction(context, guarded<random_number>, "random", 0),
                            JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  JS_FreeValue(context, math);
  JS_FreeValue(context, global);
}

}  // namespace

Isolate::Isolate(IsolateOptions options) : host_(std::make_unique<Host>(options.reserved_bytes)) {
  Host& host = *host_;
  host.options = std::move(options);
  ENTENTE_ASSERT(host.options.random != nullptr && host.options.clock != nullptr);
  host.runtime = JS_NewRuntime2(&memory, &host.arena);
  ENTENTE_ASSERT(host.runtime != nullptr);
  JS_SetMemoryLimit(host.runtime, 0);  // the arena has its own
  JS_SetMaxStackSize(host.runtime, Limits{}.stack_bytes);
  JS_SetGCThreshold(host.runtime, SIZE_MAX);
  JS_SetInterruptHandler(host.runtime, on_interrupt, &host);
  JS_SetCanBlock(host.runtime, false);
  set_module_loader(host);
  host.context = JS_NewContextRaw(host.runtime);
  ENTENTE_ASSERT(host.context != nullptr);
  JS_SetContextOpaque(host.context, &host);

  host.native_depth = 1;
  add_language(host.context);
  for (const Binding& binding : host.options.bindings) {
    binding(host.context);
    ENTENTE_ASSERT(!JS_HasException(host.context));
  }
  JS_RunGC(host.runtime);
  host.native_depth = 0;
  JS_SetGCThreshold(host.runtime, host.arena.used() + least_before_collection);
  host.arena.take_image();
}

Isolate::~Isolate() = default;  // no finalisers: the engine goes with its arena

void Isolate::restore() {
  Host& host = *host_;
  if (!host.dirty) return;
  ENTENTE_ASSERT(host.escape == nullptr);
  host.arena.restore();
  host.dirty = host.broken = false;
  host.modules = host.kept_modules;
  host.evaluated.clear();
}

void Isolate::keep() {
  Host& host = *host_;
  ENTENTE_ASSERT(host.escape == nullptr && !host.broken && host.over == Over::no);
  JS_SetGCThreshold(host.runtime, host.arena.used() + least_before_collection);
  host.arena.take_image();
  host.kept_modules = host.modules;
  host.dirty = false;
}

bool Isolate::damaged() const {
  return host_->broken;
}
size_t Isolate::image_bytes() const {
  return host_->arena.image_bytes();
}
size_t Isolate::committed_bytes() const {
  return host_->arena.committed_bytes();
}
size_t Isolate::heap_bytes() const {
  return host_->arena.used();
}

}  // namespace entente::js
