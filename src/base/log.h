#pragma once
// Log lines, all to standard output. Secrets, private keys and shares are never logged.
// Text: `2026-01-31T12:00:00.123456Z <thread> [info ][tag] src/node/run.cpp:73 | message`.
// JSON: {"h_ts","thread_id","level","tag","file","number","msg"}, number being that of the line.
// Source: docs/node-operation.md (Log lines). Thread-safe.

#include <fmt/format.h>

#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>

namespace entente::log {

enum class Level { trace, debug, info, fail, fatal };
enum class Format { text, json };

void set_level(Level level);
void set_format(Format format);
bool enabled(Level level);
void write(Level level, std::string_view tag, std::source_location where, std::string_view message);
void flush();

/// One line as write() prints it, without the line end.
std::string line(Format format, Level level, std::string_view tag, std::source_location where,
                 std::string_view message);

/// A format string, checked when compiled, and the place of the call that it stands in: a
/// parameter pack leaves no room for a defaulted parameter behind it.
template <typename... Args>
struct Text {
  template <typename S>
  requires std::is_convertible_v<const S&, std::string_view>
  consteval Text(const S& text, std::source_location place = std::source_location::current())
      : format(text), where(place) {}
  fmt::format_string<Args...> format;
  std::source_location where;
};
template <typename... Args>
using TextFor = Text<std::type_identity_t<Args>...>;

template <typename... Args>
void write(Level level, std::string_view tag, const TextFor<Args...>& text, Args&&... args) {
  if (!enabled(level)) return;
  write(level, tag, text.where,
        std::string_view(fmt::format(text.format, std::forward<Args>(args)...)));
}

template <typename... Args>
void trace(std::string_view tag, TextFor<Args...> text, Args&&... args) {
  write<Args...>(Level::trace, tag, text, std::forward<Args>(args)...);
}
template <typename... Args>
void debug(std::string_view tag, TextFor<Args...> text, Args&&... args) {
  write<Args...>(Level::debug, tag, text, std::forward<Args>(args)...);
}
template <typename... Args>
void info(std::string_view tag, TextFor<Args...> text, Args&&... args) {
  write<Args...>(Level::info, tag, text, std::forward<Args>(args)...);
}
template <typename... Args>
void fail(std::string_view tag, TextFor<Args...> text, Args&&... args) {
  write<Args...>(Level::fail, tag, text, std::forward<Args>(args)...);
}
/// Always printed: `fatal` is the highest minimum that can be set.
template <typename... Args>
void fatal(std::string_view tag, TextFor<Args...> text, Args&&... args) {
  write<Args...>(Level::fatal, tag, text, std::forward<Args>(args)...);
}

}  // namespace entente::log
