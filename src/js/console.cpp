#include "js/console.h"

#include <string>

#include "js/native.h"

namespace entente::js {

namespace {

constexpr size_t longest_line = 8u << 10;  // bytes

/// nullopt: an exception is pending.
std::optional<std::string> shown(JSContext* context, JSValueConst value) {
  if (!JS_IsObject(value) || JS_IsError(value)) return converted_text(context, value);
  auto json = json_text(context, value);
  if (!json && !JS_HasException(context)) return "undefined";  // what has no JSON, as a function
  return json;
}

JSValue print(JSContext* context, log::Level level, int count, JSValueConst* arguments) {
  std::string line;
  for (int i = 0; i < count; ++i) {
    const auto text = shown(context, arguments[i]);
    if (!text) return JS_EXCEPTION;
    if (i > 0) line += ' ';
    line += *text;
  }
  if (const auto* console = attached<Console>(context); console != nullptr && console->write) {
    console->write(level, line);
  }
  return JS_UNDEFINED;
}

template <log::Level level>
JSValue print_at(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  return print(context, level, count, arguments);
}

}  // namespace

Console console_to_log(std::string_view tag) {
  return {[tag = std::string(tag)](log::Level level, std::string_view text) {
    std::string line(text.substr(0, longest_line));
    // One call is one line: what a script writes must not look like lines of others.
    for (char& c : line) {
      const auto byte = static_cast<uint8_t>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7f) c = ' ';
    }
    if (text.size() > longest_line) line += " (cut)";
    log::write(level, tag, std::source_location::current(), line);
  }};
}

void install_console(JSContext* context) {
  const JSValue console = global_object(context, "console");
  set_function(context, console, "log", guarded<print_at<log::Level::info>>, 1);
  set_function(context, console, "info", guarded<print_at<log::Level::info>>, 1);
  set_function(context, console, "warn", guarded<print_at<log::Level::fail>>, 1);
  set_function(context, console, "error", guarded<print_at<log::Level::fatal>>, 1);
  JS_FreeValue(context, console);
}

}  // namespace entente::js
