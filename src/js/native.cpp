#include "js/native.h"

#include <atomic>
#include <exception>

#include "base/assert.h"
#include "js/escape.h"
#include "js/host.h"

namespace entente::js {

namespace {

constexpr JSClassID first_class_id = 100;  // beyond the engine's own

using NewError = JSValue (*)(JSContext*, const char*, ...);

/// The engine's functions make the object; the text is set afterwards, because they cut it.
JSValue throw_error(JSContext* context, NewError make, std::string_view text) {
  const JSValue error = make(context, "%s", "");
  if (JS_IsException(error)) return error;
  const JSValue message = new_text(context, text);
  if (JS_IsException(message) ||
      JS_DefinePropertyValueStr(context, error, "message", message,
                                JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE) < 0) {
    JS_FreeValue(context, error);
    return JS_EXCEPTION;
  }
  return JS_Throw(context, error);
}

std::string counted(int count) {
  return count == 0 ? "none" : std::to_string(count);
}

std::optional<std::string> copy(JSContext* context, JSValueConst text) {
  size_t size = 0;
  const char* data = JS_ToCStringLen(context, &size, text);
  if (data == nullptr) return std::nullopt;
  std::string out(data, size);
  JS_FreeCString(context, data);
  return out;
}

}  // namespace

// ------------------------------------------------------------------------------------------ state

void* slot(JSContext* context, size_t index) {
  return host_of(context).slots[index];
}

JSClassID next_class_id() {
  static std::atomic<JSClassID> next{first_class_id};
  return next++;
}

// --------------------------------------------------------------------------------------- guarding

namespace detail {

void enter_native(JSContext* context) {
  Host& host = host_of(context);
  if (host.escape != nullptr && host.native_depth == 0) {
    if (host.over != Over::no) escape(host, host.over);
    if (out_of_time(host)) escape(host, Over::time);
  }
  host.native_depth = host.native_depth + 1;
}

void native_threw(JSContext* context) {
  Host& host = host_of(context);
  std::string text = "a native failed";
  try {
    throw;
  } catch (const CallOver&) {
    return;
  } catch (const std::exception& error) {
    text = error.what();
  } catch (...) {
  }
  if (host.over != Over::no) return;
  host.over = Over::aborted;
  host.over_text = text;
}

void leave_native(JSContext* context) {
  Host& host = host_of(context);
  host.native_depth = host.native_depth - 1;
  if (host.over != Over::no && host.native_depth == 0 && host.escape != nullptr) {
    escape(host, host.over);
  }
}

}  // namespace detail

JSValue call_back(JSContext* context, JSValueConst function, JSValueConst self, int count,
                  JSValueConst* arguments) {
  return run_script(context, [&] { return JS_Call(context, function, self, count, arguments); });
}

JSValue run_script(JSContext* context, JSValue (*f)(JSContext*, void*), void* opaque) {
  struct Run {
    JSContext* context;
    JSValue (*f)(JSContext*, void*);
    void* opaque;
    JSValue result;
  } run{context, f, opaque, JS_EXCEPTION};
  enter_again(
      host_of(context),
      [](void* argument) {
        auto& inner = *static_cast<Run*>(argument);
        inner.result = inner.f(inner.context, inner.opaque);
      },
      &run);
  return run.result;
}

JSValue abort_call(JSContext* context, std::string text) {
  Host& host = host_of(context);
  if (host.over == Over::no) {
    host.over = Over::aborted;
    host.over_text = std::move(text);
  }
  return JS_EXCEPTION;
}

// -------------------------------------------------------------------------------------- arguments

bool wrong_count(JSContext* context, int count, int wanted) {
  if (count == wanted) return false;
  throw_type_error(
      context, "Passed " + std::to_string(count) + " arguments, but expected " + counted(wanted));
  return true;
}

bool wrong_count(JSContext* context, int count, int least, int most) {
  if (count >= least && count <= most) return false;
  throw_type_error(context, "Passed " + std::to_string(count) +
                                " arguments, but expected between " + std::to_string(least) +
                                " and " + std::to_string(most));
  return true;
}

JSValue throw_type_error(JSContext* context, std::string_view text) {
  return throw_error(context, JS_NewTypeError, text);
}
JSValue throw_range_error(JSContext* context, std::string_view text) {
  return throw_error(context, JS_NewRangeError, text);
}
JSValue throw_internal_error(JSContext* context, std::string_view text) {
  return throw_error(context, JS_NewInternalError, text);
}
JSValue throw_syntax_error(JSContext* context, std::string_view text) {
  return throw_error(context, JS_NewSyntaxError, text);
}

std::optional<BytesView> buffer_bytes(JSContext* context, JSValueConst value) {
  if (!JS_IsObject(value)) return std::nullopt;
  size_t size = 0;
  const uint8_t* data = JS_GetArrayBuffer(context, &size, value);
  if (data == nullptr && JS_HasException(context)) {  // another thing, or detached
    JS_FreeValue(context, JS_GetException(context));
    return std::nullopt;
  }
  return BytesView(data, data == nullptr ? 0 : size);
}

std::optional<BytesView> buffer_argument(JSContext* context, JSValueConst value,
                                         std::string_view text) {
  auto bytes = buffer_bytes(context, value);
  if (!bytes) throw_type_error(context, text);
  return bytes;
}

std::optional<std::string> text_of(JSContext* context, JSValueConst value) {
  if (!JS_IsString(value)) return std::nullopt;
  return copy(context, value);
}

std::optional<std::string> text_argument(JSContext* context, JSValueConst value,
                                         std::string_view text) {
  auto out = text_of(context, value);
  if (!out && !JS_HasException(context)) throw_type_error(context, text);
  return out;
}

std::optional<std::string> converted_text(JSContext* context, JSValueConst value) {
  if (JS_IsString(value)) return copy(context, value);
  const JSValue text = run_script(context, [&] { return JS_ToString(context, value); });
  if (JS_IsException(text)) return std::nullopt;
  auto out = copy(context, text);
  JS_FreeValue(context, text);
  return out;
}

std::optional<std::string> json_text(JSContext* context, JSValueConst value) {
  const JSValue text = run_script(
      context, [&] { return JS_JSONStringify(context, value, JS_UNDEFINED, JS_UNDEFINED); });
  if (!JS_IsString(text)) return std::nullopt;  // an exception, or undefined
  auto out = copy(context, text);
  JS_FreeValue(context, text);
  return out;
}

// ---------------------------------------------------------------------------------------- results

JSValue new_buffer(JSContext* context, BytesView bytes) {
  return JS_NewArrayBufferCopy(context, bytes.data(), bytes.size());
}

JSValue new_text(JSContext* context, std::string_view text) {
  return JS_NewStringLen(context, text.data(), text.size());
}

JSValue parse_json(JSContext* context, std::string_view text) {
  const std::string terminated(text);
  return run_script(context, [&] {
    return JS_ParseJSON(context, terminated.c_str(), terminated.size(), "<json>");
  });
}

// ------------------------------------------------------------------------------------ installation

void set_function(JSContext* context, JSValueConst object, const char* name, JSCFunction* function,
                  int parameters) {
  set_member(context, object, name, JS_NewCFunction(context, function, name, parameters));
}

void set_member(JSContext* context, JSValueConst object, const char* name, JSValue value) {
  ENTENTE_ASSERT(JS_DefinePropertyValueStr(context, object, name, value, JS_PROP_C_W_E) >= 0);
}

JSValue global_object(JSContext* context, const char* name) {
  const JSValue global = JS_GetGlobalObject(context);
  JSValue object = JS_GetPropertyStr(context, global, name);
  if (!JS_IsObject(object)) {
    object = JS_NewObject(context);
    JS_DefinePropertyValueStr(context, global, name, JS_DupValue(context, object),
                              JS_PROP_WRITABLE | JS_PROP_CONFIGURABLE);
  }
  JS_FreeValue(context, global);
  return object;
}

}  // namespace entente::js
