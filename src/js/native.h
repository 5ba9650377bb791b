#pragma once
// For those who write natives: functions in C++ that scripts call. Natives use the engine's own
// interface (quickjs.h) and these few additions. Source: docs/javascript.md (Natives).
//
// Rules
//   - Every function that the engine may call (function, getter, method of an exotic class) is
//     installed as guarded<f>, never as f itself: when a script overruns its time inside of the
//     engine, the engine is left in the middle of what it does, and only guarded functions are
//     known to it as code that must be finished first.
//   - Script code is called back with call_back(), never with JS_Call(): in the case above it does
//     not return but throws CallOver, which guarded<> catches. Objects with destructors are fine.
//     The same holds for everything else that may run script code for long (JS_ToString of an
//     object, JS_GetProperty with getters, JS_JSONStringify …): wrap it into run_script(). Checked
//     arguments (text_argument, buffer_argument) run none.
//   - No finalisers: state of a use lives in the host and is found by attached<T>().
//   - A native that is called after the end of its call (abort, time) does not run at all.
//   - C++ exceptions that leave a native end the call as abort_call() does.

#include <quickjs.h>

#include <optional>
#include <string>
#include <string_view>

#include "entente/bytes.h"
#include "js/slots.h"

namespace entente::js {

// ------------------------------------------------------------------------------------------ state

/// What Use::attach() gave for this type in the present use, or nullptr.
void* slot(JSContext* context, size_t index);
template <typename T>
T* attached(JSContext* context) {
  return static_cast<T*>(slot(context, slot_index<T>));
}

/// A class identifier that is the same in every isolate of the process, one per Tag type. To be
/// given to JS_NewClass() in a binding. Instead of JS_NewClassID().
JSClassID next_class_id();
template <typename Tag>
inline const JSClassID class_id = next_class_id();

// --------------------------------------------------------------------------------------- guarding

/// Thrown by call_back() and run_script() when the call is over; not to be caught.
struct CallOver {};

namespace detail {
void enter_native(JSContext* context);  // may not return: the call is over
void native_threw(JSContext* context);  // inside of a catch block
void leave_native(JSContext* context);  // may not return
template <typename R>
struct Failed;
template <>
struct Failed<JSValue> {
  static JSValue value() { return JS_EXCEPTION; }
};
template <>
struct Failed<int> {
  static int value() { return -1; }
};
template <typename T>
struct Failed<T*> {
  static T* value() { return nullptr; }
};

template <auto F>
struct Guard;
template <typename R, typename... Args, R (*F)(JSContext*, Args...)>
struct Guard<F> {
  static R call(JSContext* context, Args... args) {
    R result = Failed<R>::value();
    enter_native(context);
    try {
      result = F(context, args...);
    } catch (...) {
      native_threw(context);
    }
    leave_native(context);  // nothing with a destructor is alive here
    return result;
  }
};
}  // namespace detail

/// The form of F (any function whose first parameter is the context and that returns a JSValue, or
/// an int that is negative after an exception) that may be given to the engine.
template <auto F>
inline constexpr auto guarded = &detail::Guard<F>::call;

/// Calls a function of the script. JS_EXCEPTION if it threw. Throws CallOver.
JSValue call_back(JSContext* context, JSValueConst function, JSValueConst self, int count,
                  JSValueConst* arguments);

/// Runs `f()` of a native, which calls the engine where that may run script code. `f` returns a
/// JSValue and has no locals with destructors. Throws CallOver.
JSValue run_script(JSContext* context, JSValue (*f)(JSContext*, void*), void* opaque);
template <typename F>
JSValue run_script(JSContext* context, F f) {
  return run_script(
      context, [](JSContext*, void* opaque) -> JSValue { return (*static_cast<F*>(opaque))(); },
      &f);
}

/// Ends the whole call with a Failure of kind aborted. No `catch` and no `finally` of the script
/// runs, no further native either. Returns JS_EXCEPTION, which the native returns at once.
JSValue abort_call(JSContext* context, std::string text);

// -------------------------------------------------------------------------------------- arguments

/// True and a pending TypeError `Passed 3 arguments, but expected 2` (`none` for 0) if `count` is
/// not `wanted`.
bool wrong_count(JSContext* context, int count, int wanted);
/// The same for a range of counts: `… but expected between 2 and 4`.
bool wrong_count(JSContext* context, int count, int least, int most);

/// Text of an exception of any length (the engine's own functions cut at 255 bytes).
JSValue throw_type_error(JSContext* context, std::string_view text);
JSValue throw_range_error(JSContext* context, std::string_view text);
JSValue throw_internal_error(JSContext* context, std::string_view text);
JSValue throw_syntax_error(JSContext* context, std::string_view text);

/// Bytes of an ArrayBuffer or SharedArrayBuffer; nullopt for everything else, no exception. The
/// view holds until script code runs.
std::optional<BytesView> buffer_bytes(JSContext* context, JSValueConst value);
/// The same or a TypeError: `Argument must be an ArrayBuffer` unless another text is given.
std::optional<BytesView> buffer_argument(JSContext* context, JSValueConst value,
                                         std::string_view text = "Argument must be an ArrayBuffer");
/// UTF-8 of a string primitive (lone surrogates in their 3-byte form, NUL kept); nullopt for
/// everything else, and for want of memory, which is then pending as an exception.
std::optional<std::string> text_of(JSContext* context, JSValueConst value);
/// The same or a TypeError: `Argument must be a string` unless another text is given.
std::optional<std::string> text_argument(JSContext* context, JSValueConst value,
                                         std::string_view text = "Argument must be a string");
/// String(value) of anything, which may run script code. nullopt: an exception is pending.
std::optional<std::string> converted_text(JSContext* context, JSValueConst value);
/// JSON.stringify(value), which may run script code. nullopt and no exception where that gives
/// undefined; see JS_HasException().
std::optional<std::string> json_text(JSContext* context, JSValueConst value);

// ---------------------------------------------------------------------------------------- results

/// A fresh ArrayBuffer with a copy of the bytes.
JSValue new_buffer(JSContext* context, BytesView bytes);
/// A string of UTF-8; invalid sequences become U+FFFD. NUL and BOM are kept.
JSValue new_text(JSContext* context, std::string_view text);
/// A parsed JSON text; SyntaxError.
JSValue parse_json(JSContext* context, std::string_view text);

// ------------------------------------------------------------------------------------ installation

/// `object[name] = function` (writable, configurable, not enumerable is the engine's habit; host
/// objects here are plain: enumerable too). `function` is a guarded<…>.
void set_function(JSContext* context, JSValueConst object, const char* name, JSCFunction* function,
                  int parameters);
/// `object[name] = value`, takes over the value.
void set_member(JSContext* context, JSValueConst object, const char* name, JSValue value);
/// The object `name` of the global object, made if it is not there. To be freed with JS_FreeValue.
JSValue global_object(JSContext* context, const char* name);

}  // namespace entente::js
