#pragma once
// A value of a script, as the host holds it. Belongs to the Use that it came from and must not
// outlive it. Move-only. Not thread-safe.

#include <quickjs.h>

#include <utility>

namespace entente::js {

class Value {
 public:
  Value() = default;
  /// Takes over one reference. For natives; others get values from a Use.
  Value(JSContext* context, JSValue value) : context_(context), value_(value) {}
  Value(Value&& other) noexcept : context_(other.context_), value_(other.take()) {}
  Value& operator=(Value&& other) noexcept {
    if (this != &other) {
      release();
      context_ = other.context_;
      value_ = other.take();
    }
    return *this;
  }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  ~Value() { release(); }

  bool is_undefined() const { return JS_IsUndefined(value_); }
  bool is_null() const { return JS_IsNull(value_); }
  bool is_boolean() const { return JS_IsBool(value_); }
  bool is_number() const { return JS_IsNumber(value_); }
  bool is_text() const { return JS_IsString(value_); }
  /// Functions and arrays too.
  bool is_object() const { return JS_IsObject(value_); }
  bool is_function() const { return context_ != nullptr && JS_IsFunction(context_, value_); }
  bool is_array() const { return JS_IsArray(value_); }

  /// Borrowed.
  JSValueConst raw() const { return value_; }
  /// Hands the reference over, e.g. as the result of a native.
  JSValue take() { return std::exchange(value_, JS_UNDEFINED); }

 private:
  void release();  // keeps the engine's counts only where the isolate is not restored anyway

  JSContext* context_ = nullptr;
  JSValue value_ = JS_UNDEFINED;
};

}  // namespace entente::js
