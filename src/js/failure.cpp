#include "js/failure.h"

#include <algorithm>
#include <cctype>

#include "js/escape.h"

namespace entente::js {

namespace {

constexpr std::string_view out_of_memory_text = "InternalError: out of memory";
constexpr std::string_view stack_overflow_text = "InternalError: stack overflow";
constexpr size_t memory_for_texts = 1u << 20;

/// Bytes in the arena.
struct Text {
  const char* data = nullptr;
  size_t size = 0;

  std::string copy() const {
    size_t length = std::min(size, max_failure_text);
    // Not within a character.
    if (length < size) {
      while (length > 0 && (static_cast<uint8_t>(data[length]) & 0xc0) == 0x80) --length;
    }
    return std::string(data, length);
  }
};

struct Exception {
  bool is_error = false;
  Text text;
  Text stack;
};

Text text_of(JSContext* context, JSValueConst value) {
  Text text;
  text.data = JS_ToCStringLen(context, &text.size, value);
  return text;
}

void drop_exception(JSContext* context) {
  JS_FreeValue(context, JS_GetException(context));
}

/// Runs script code: toString, toJSON, getters.
void describe(JSContext* context, Exception& out) {
  const JSValue thrown = JS_GetException(context);
  out.is_error = JS_IsError(thrown);
  if (JS_IsObject(thrown) && !out.is_error) {
    const JSValue json = JS_JSONStringify(context, thrown, JS_UNDEFINED, JS_UNDEFINED);
    if (JS_IsString(json)) out.text = text_of(context, json);
    if (JS_IsException(json)) drop_exception(context);
  }
  if (out.text.data == nullptr) out.text = text_of(context, thrown);
  if (out.text.data == nullptr) drop_exception(context);
  if (!out.is_error) return;
  const JSValue stack = JS_GetPropertyStr(context, thrown, "stack");
  if (JS_IsString(stack)) out.stack = text_of(context, stack);
  if (JS_IsException(stack)) drop_exception(context);
}

FailureKind kind_of(const Exception& exception, bool refused) {
  const std::string_view text(exception.text.data, exception.text.size);
  // Also `… in regexp execution`; and null, where there was no room for an Error object.
  if (refused && (text.starts_with(out_of_memory_text) || text == "null")) {
    return FailureKind::out_of_memory;
  }
  if (exception.is_error && text == stack_overflow_text) return FailureKind::stack_overflow;
  return FailureKind::thrown;
}

}  // namespace

std::string_view to_text(FailureKind kind) {
  switch (kind) {
    case FailureKind::thrown:
      return "thrown";
    case FailureKind::module:
      return "module";
    case FailureKind::time_limit:
      return "time limit";
    case FailureKind::out_of_memory:
      return "out of memory";
    case FailureKind::stack_overflow:
      return "stack overflow";
    case FailureKind::aborted:
      return "aborted";
    case FailureKind::engine:
      return "engine";
  }
  return "unknown";
}

std::string without_columns(std::string_view stack) {
  std::string out;
  while (!stack.empty()) {
    const size_t end = std::min(stack.find('\n'), stack.size());
    std::string_view line = stack.substr(0, end);
    stack.remove_prefix(std::min(end + 1, stack.size()));
    const bool closed = line.ends_with(')');
    std::string_view place = line.substr(0, line.size() - (closed ? 1 : 0));
    size_t digits = place.size();
    while (digits > 0 && std::isdigit(static_cast<unsigned char>(place[digits - 1]))) --digits;
    // `name:line:column`: the number goes only if another one stands in front.
    if (digits > 1 && digits < place.size() && place[digits - 1] == ':' &&
        std::isdigit(static_cast<unsigned char>(place[digits - 2]))) {
      place = place.substr(0, digits - 1);
    }
    out.append(place);
    if (closed) out += ')';
    out += '\n';
  }
  return out;
}

Failure over_failure(const Host& host) {
  switch (host.over) {
    case Over::no:
      break;
    case Over::time:
      return {FailureKind::time_limit, std::string(time_limit_text)};
    case Over::aborted:
      return {FailureKind::aborted, host.over_text.substr(0, max_failure_text)};
    case Over::engine:
      return {FailureKind::engine, "InternalError: the engine stopped"};
  }
  return {FailureKind::engine, "InternalError: no exception"};
}

Failure take_failure(Host& host) {
  if (host.over != Over::no) return over_failure(host);
  const bool refused = host.arena.refused();
  host.arena.set_limit(std::max(host.limits.heap_bytes, host.arena.used()) + memory_for_texts);
  Exception exception;
  enter(
      host, [&] { describe(host.context, exception); }, false);
  host.arena.set_limit(host.limits.heap_bytes);
  if (host.over != Over::no) return over_failure(host);
  if (exception.text.data == nullptr) {
    if (refused) return {FailureKind::out_of_memory, std::string(out_of_memory_text)};
    return {FailureKind::thrown, "exception without a text"};
  }
  const FailureKind kind = kind_of(exception, refused);
  Failure failure{kind, kind == FailureKind::out_of_memory ? std::string(out_of_memory_text)
                                                           : exception.text.copy()};
  if (exception.is_error && exception.stack.data != nullptr) {
    failure.trace = without_columns(exception.stack.copy());
  }
  if (host.kept) {
    JS_FreeCString(host.context, exception.text.data);
    if (exception.stack.data != nullptr) JS_FreeCString(host.context, exception.stack.data);
  }
  return failure;
}

}  // namespace entente::js
