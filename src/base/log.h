#pragma once
// Log lines, all to standard output. Secrets, private keys and shares are never logged.
// Text lines: `2026-01-31T12:00:00.123456Z <thread> [info ][tag] message`; JSON lines hold
// {"h_ts","thread_id","level","tag","msg"}. Thread-safe.

#include <fmt/format.h>

#include <string_view>

namespace entente::log {

enum class Level { trace, debug, info, fail, fatal };
enum class Format { text, json };

void set_level(Level level);
void set_format(Format format);
bool enabled(Level level);
void write(Level level, std::string_view tag, std::string_view message);
void flush();

template <typename... Args>
void trace(std::string_view tag, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::trace)) write(Level::trace, tag, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void debug(std::string_view tag, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, tag, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void info(std::string_view tag, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, tag, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void fail(std::string_view tag, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::fail)) write(Level::fail, tag, fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
void fatal(std::string_view tag, fmt::format_string<Args...> text, Args&&... args) {
  write(Level::fatal, tag, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace entente::log
