#include "js/use.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "js/escape.h"
#include "js/failure.h"
#include "js/host.h"
#include "js/loader.h"
#include "js/native.h"

namespace entente::js {

namespace {

constexpr size_t max_arguments = 16;
constexpr std::chrono::milliseconds longest_time = std::chrono::hours(24);

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

JSValue text_value(JSContext* context, std::string_view text) {
  return JS_NewStringLen(context, text.data(), text.size());
}

JSValue json_value(JSContext* context, std::string_view text) {
  char* terminated = js_strndup(context, text.data(), text.size());
  if (terminated == nullptr) return JS_EXCEPTION;
  const JSValue value = JS_ParseJSON(context, terminated, text.size(), "<json>");
  js_free(context, terminated);
  return value;
}

JSValue to_value(JSContext* context, const Argument& argument) {
  return std::visit(Overloaded{
                        [](Undefined) { return JS_UNDEFINED; },
                        [](std::nullptr_t) { return JS_NULL; },
                        [&](bool flag) { return JS_NewBool(context, flag); },
                        [&](double number) { return JS_NewNumber(context, number); },
                        [&](std::string_view text) { return text_value(context, text); },
                        [&](BytesView bytes) {
                          return JS_NewArrayBufferCopy(context, bytes.data(), bytes.size());
                        },
                        [&](Json json) { return json_value(context, json.text); },
                        [&](const Value* value) { return JS_DupValue(context, value->raw()); },
                    },
                    argument);
}

JSModuleDef* definition_of(JSValueConst module) {
  return static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(module));
}

/// A failure while module `name` was made ready: says at what, where the script is to blame.
Failure not_ready(const char* what, std::string_view name, Failure failure) {
  if (failure.kind == FailureKind::thrown) {
    failure.kind = FailureKind::module;
    failure.text = std::string(what) + " module '" + std::string(name) + "': " + failure.text;
  }
  return failure;
}

/// A string of the script. Runs no script code.
std::optional<std::string> copy_text(Host& host, JSValueConst text) {
  size_t size = 0;
  const char* data = nullptr;
  enter(
      host, [&] { data = JS_ToCStringLen(host.context, &size, text); }, false);
  if (data == nullptr || host.over != Over::no) return std::nullopt;
  std::string copy(data, size);
  if (host.kept) JS_FreeCString(host.context, data);
  return copy;
}

}  // namespace

void Value::release() {
  if (context_ == nullptr || !JS_VALUE_HAS_REF_COUNT(value_)) return;
  const Host& host = host_of(context_);
  // A restored isolate has forgotten the reference, a damaged one must not be touched.
  if (host.kept && host.over == Over::no && !host.broken) JS_FreeValue(context_, value_);
  value_ = JS_UNDEFINED;
}

Use::Use(Isolate& isolate, const Limits& limits, Start start)
    : isolate_(isolate), host_(isolate.host()) {
  ENTENTE_ASSERT(host_.escape == nullptr);
  host_.kept = start == Start::kept && !host_.broken;
  if (!host_.kept) isolate_.restore();
  host_.kept = start == Start::kept;
  host_.over = Over::no;
  host_.slots.fill(nullptr);
  host_.loader = nullptr;
  host_.dirty = true;
  set_limits(limits);
}

Use::~Use() {
  ENTENTE_ASSERT(host_.escape == nullptr);
  host_.slots.fill(nullptr);
  host_.loader = nullptr;
}

void Use::set_limits(const Limits& limits) {
  host_.limits = limits;
  host_.limits.execution_time =
      std::clamp(limits.execution_time, std::chrono::milliseconds(0), longest_time);
  host_.arena.set_limit(limits.heap_bytes);
}

void Use::set_loader(ModuleLoader loader) {
  host_.loader = std::move(loader);
}
void Use::set_slot(size_t index, void* state) {
  host_.slots[index] = state;
}
JSContext* Use::context() const {
  return host_.context;
}

// ---------------------------------------------------------------------------------------- modules

Outcome<Module> Use::compile(std::string name, std::string_view source) {
  const std::string terminated(source);
  JSValue module = JS_EXCEPTION;
  host_.importing = false;
  enter(host_, [&] {
    module = compile_module(host_.context, name.c_str(), terminated.c_str(), terminated.size());
  });
  if (host_.over != Over::no || JS_IsException(module)) {
    Failure failure = take_failure(host_);
    host_.broken = true;  // modules that were imported may stay half resolved
    return not_ready(host_.importing ? "Failed to resolve dependencies for" : "Failed to compile",
                     name, std::move(failure));
  }
  host_.modules.insert_or_assign(name, definition_of(module));
  return Module(std::move(name), Value(host_.context, module));
}

Outcome<Module> Use::read(Bytecode bytecode) {
  JSValue module = JS_EXCEPTION;
  const char* name = nullptr;
  size_t size = 0;
  host_.importing = false;
  enter(host_, [&] {
    module = read_module(host_.context, bytecode.bytes, nullptr);
    if (JS_IsException(module)) return;
    const JSAtom atom = JS_GetModuleName(host_.context, definition_of(module));
    name = JS_AtomToCStringLen(host_.context, &size, atom);
    JS_FreeAtom(host_.context, atom);
    if (name == nullptr || JS_ResolveModule(host_.context, module) < 0) module = JS_EXCEPTION;
  });
  if (host_.over != Over::no || JS_IsException(module)) {
    Failure failure = take_failure(host_);
    host_.broken = true;
    return not_ready(host_.importing ? "Failed to resolve dependencies for" : "Failed to load",
                     name == nullptr ? "?" : std::string(name, size), std::move(failure));
  }
  std::string copy(name, size);
  if (host_.kept) JS_FreeCString(host_.context, name);
  host_.modules.insert_or_assign(copy, definition_of(module));
  return Module(std::move(copy), Value(host_.context, module));
}

Outcome<Module> Use::load(std::string_view name) {
  if (host_.over != Over::no) return over_failure(host_);
  if (const auto found = host_.modules.find(name); found != host_.modules.end()) {
    const JSValue module = JS_MKPTR(JS_TAG_MODULE, found->second);
    return Module(std::string(name), Value(host_.context, JS_DupValue(host_.context, module)));
  }
  const auto content = host_.loader ? host_.loader(name) : std::nullopt;
  if (!content) {
    return Failure{FailureKind::module, "Module '" + std::string(name) + "' could not be loaded"};
  }
  if (const auto* bytecode = std::get_if<Bytecode>(&*content)) {
    auto module = read(*bytecode);
    if (module && module->name() != name) {
      return Failure{FailureKind::module, "Module '" + std::string(name) +
                                              "' could not be loaded: its bytecode is that of '" +
                                              module->name() + "'"};
    }
    return module;
  }
  return compile(std::string(name), std::get<std::string_view>(*content));
}

Outcome<Bytes> Use::bytecode(const Module& module) {
  uint8_t* data = nullptr;
  size_t size = 0;
  enter(host_, [&] {
    data = JS_WriteObject(host_.context, &size, module.value_.raw(), JS_WRITE_OBJ_BYTECODE);
  });
  if (host_.over != Over::no || data == nullptr) return take_failure(host_);
  Bytes copy(data, data + size);
  if (host_.kept) js_free(host_.context, data);
  return copy;
}

Outcome<Evaluated> Use::evaluate(const Module& module) {
  JSValue promise = JS_EXCEPTION;
  JSPromiseStateEnum state = JS_PROMISE_NOT_A_PROMISE;
  enter(host_, [&] {
    JSContext* context = host_.context;
    promise = JS_EvalFunction(context, JS_DupValue(context, module.value_.raw()));
    if (JS_IsException(promise)) return;
    state = JS_PromiseState(context, promise);
    if (state == JS_PROMISE_REJECTED) JS_Throw(context, JS_PromiseResult(context, promise));
    JS_FreeValue(context, promise);
  });
  if (host_.over != Over::no || JS_IsException(promise)) {
    return not_ready("Failed to resolve dependencies for", module.name(), take_failure(host_));
  }
  host_.evaluated.push_back(definition_of(module.value_.raw()));
  Evaluated result;
  result.unfinished = state == JS_PROMISE_PENDING;
  if (state == JS_PROMISE_REJECTED) {
    result.thrown = take_failure(host_);
    if (host_.over != Over::no) return *result.thrown;
  }
  return result;
}

Outcome<Value> Use::exported(const Module& module, std::string_view name) {
  JSModuleDef* const definition = definition_of(module.value_.raw());
  const auto missing = [&] {
    return Failure{FailureKind::module, "Failed to find export '" + std::string(name) +
                                            "' in module '" + module.name() + "'"};
  };
  // Only evaluation links a module; before, the engine knows no values of exports.
  if (std::ranges::find(host_.evaluated, definition) == host_.evaluated.end()) {
    return host_.over != Over::no ? over_failure(host_) : missing();
  }
  JSValue value = JS_EXCEPTION;
  int has = -1;
  enter(host_, [&] {
    JSContext* context = host_.context;
    const JSValue exports = JS_GetModuleNamespace(context, definition);
    if (JS_IsException(exports)) return;
    const JSAtom atom = JS_NewAtomLen(context, name.data(), name.size());
    if (atom == JS_ATOM_NULL) return;
    has = JS_HasProperty(context, exports, atom);
    if (has > 0) value = JS_GetProperty(context, exports, atom);
    JS_FreeAtom(context, atom);
    JS_FreeValue(context, exports);
  });
  if (host_.over != Over::no || has < 0) return take_failure(host_);
  if (has == 0) return missing();
  if (JS_IsException(value)) {
    Failure failure = take_failure(host_);
    if (failure.kind != FailureKind::thrown) return failure;
    value = JS_UNDEFINED;  // declared, but the top level did not come so far
  }
  return Value(host_.context, value);
}

Outcome<Value> Use::exported_function(const Module& module, std::string_view name) {
  auto value = exported(module, name);
  if (value && !value->is_function()) {
    return Failure{FailureKind::module, "Export '" + std::string(name) + "' of module '" +
                                            module.name() + "' is not a function"};
  }
  return value;
}

// ------------------------------------------------------------------------------------------ calls

Outcome<int64_t> Use::parameter_count(const Value& function) {
  int64_t count = -1;
  bool ok = false;
  enter(host_, [&] { ok = JS_GetLength(host_.context, function.raw(), &count) == 0; });
  if (host_.over != Over::no || !ok) return take_failure(host_);
  return count;
}

Outcome<Value> Use::call(const Value& function, std::initializer_list<Argument> arguments) {
  ENTENTE_ASSERT(arguments.size() <= max_arguments);
  JSValue result = JS_EXCEPTION;
  enter(host_, [&] {
    JSContext* context = host_.context;
    JSValue values[max_arguments];
    int count = 0;
    bool ok = true;
    for (const Argument& argument : arguments) {
      values[count] = to_value(context, argument);
      ok = ok && !JS_IsException(values[count]);
      ++count;
      if (!ok) break;
    }
    if (ok) result = JS_Call(context, function.raw(), JS_UNDEFINED, count, values);
    if (!host_.kept) return;
    for (int i = 0; i < count; ++i) JS_FreeValue(context, values[i]);
  });
  if (host_.over != Over::no || JS_IsException(result)) return take_failure(host_);
  return Value(host_.context, result);
}

Outcome<Value> Use::make(const std::function<JSValue(JSContext*)>& make) {
  JSValue result = JS_EXCEPTION;
  enter(host_, [&] {
    detail::enter_native(host_.context);
    try {
      result = make(host_.context);
    } catch (...) {
      detail::native_threw(host_.context);
    }
    detail::leave_native(host_.context);
  });
  if (host_.over != Over::no || JS_IsException(result)) return take_failure(host_);
  return Value(host_.context, result);
}

// ---------------------------------------------------------------------------------------- results

Outcome<std::string> Use::text(const Value& value) {
  JSValue text = JS_EXCEPTION;
  enter(host_, [&] { text = JS_ToString(host_.context, value.raw()); });
  if (host_.over != Over::no || JS_IsException(text)) return take_failure(host_);
  auto copy = copy_text(host_, text);
  if (!copy) return take_failure(host_);
  if (host_.kept) JS_FreeValue(host_.context, text);
  return std::move(*copy);
}

Outcome<std::optional<std::string>> Use::json(const Value& value) {
  JSValue text = JS_EXCEPTION;
  enter(host_,
        [&] { text = JS_JSONStringify(host_.context, value.raw(), JS_UNDEFINED, JS_UNDEFINED); });
  if (host_.over != Over::no || JS_IsException(text)) return take_failure(host_);
  if (JS_IsUndefined(text)) return std::optional<std::string>();
  auto copy = copy_text(host_, text);
  if (!copy) return take_failure(host_);
  if (host_.kept) JS_FreeValue(host_.context, text);
  return copy;
}

Outcome<Value> Use::parse_json(std::string_view text) {
  JSValue value = JS_EXCEPTION;
  enter(host_, [&] { value = json_value(host_.context, text); });
  if (host_.over != Over::no || JS_IsException(value)) return take_failure(host_);
  return Value(host_.context, value);
}

Outcome<Value> Use::member(const Value& object, const char* name) {
  JSValue value = JS_EXCEPTION;
  enter(host_, [&] { value = JS_GetPropertyStr(host_.context, object.raw(), name); });
  if (host_.over != Over::no || JS_IsException(value)) return take_failure(host_);
  return Value(host_.context, value);
}

bool Use::truthy(const Value& value) const {
  return host_.over == Over::no && JS_ToBool(host_.context, value.raw()) > 0;
}

std::optional<double> Use::number(const Value& value) const {
  if (!value.is_number()) return std::nullopt;
  if (JS_VALUE_GET_TAG(value.raw()) == JS_TAG_INT) return JS_VALUE_GET_INT(value.raw());
  return JS_VALUE_GET_FLOAT64(value.raw());
}

std::optional<Bytes> Use::bytes(const Value& value) const {
  if (host_.over != Over::no || !value.is_object()) return std::nullopt;
  JSContext* context = host_.context;
  if (JS_GetTypedArrayType(value.raw()) < 0) {
    const auto view = buffer_bytes(context, value.raw());
    return view ? std::optional(to_bytes(*view)) : std::nullopt;
  }
  size_t offset = 0, length = 0, element = 0;
  const JSValue buffer = JS_GetTypedArrayBuffer(context, value.raw(), &offset, &length, &element);
  if (JS_IsException(buffer)) {
    JS_FreeValue(context, JS_GetException(context));
    return std::nullopt;
  }
  const auto whole = buffer_bytes(context, buffer);
  std::optional<Bytes> copy;
  if (whole && offset <= whole->size() && length <= whole->size() - offset) {
    copy = to_bytes(whole->subspan(offset, length));
  }
  JS_FreeValue(context, buffer);
  return copy;
}

}  // namespace entente::js
