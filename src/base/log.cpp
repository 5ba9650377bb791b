#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

namespace entente::log {
namespace {

std::atomic<Level> minimum_level{Level::info};
std::atomic<Format> line_format{Format::text};

// The formatting is ours (levels have other names here); spdlog serialises and flushes the lines.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("entente",
                                                 std::make_shared<spdlog::sinks::stdout_sink_mt>());
    auto utc = std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc);
    made->set_formatter(std::move(utc));
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const time_t seconds = static_cast<time_t>(micros / 1'000'000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     micros % 1'000'000);
}

/// Compilers name files as they were given them: where the project was built is nobody's business.
std::string_view short_path(std::string_view path) {
  for (const std::string_view top : {"/src/", "/apps/", "/include/"}) {
    if (const size_t at = path.rfind(top); at != path.npos) return path.substr(at + 1);
  }
  return path.substr(path.rfind('/') + 1);
}

constexpr std::string_view names[] = {"trace", "debug", "info", "fail", "fatal"};

}  // namespace

void set_level(Level level) {
  minimum_level = level;
}
void set_format(Format format) {
  line_format = format;
}
bool enabled(Level level) {
  return level >= minimum_level.load(std::memory_order_relaxed);
}

std::string line(Format format, Level level, std::string_view tag, std::source_location where,
                 std::string_view message) {
  const std::string_view name = names[static_cast<size_t>(level)];
  const auto thread = static_cast<unsigned>(gettid());
  const std::string_view file = short_path(where.file_name());
  if (format == Format::text) {
    return fmt::format("{} {} [{:<5}][{}] {:<28} | {}", timestamp(), thread, name, tag,
                       fmt::format("{}:{}", file, where.line()), message);
  }
  const auto quoted = [](std::string_view text) {
    return boost::json::serialize(boost::json::string(text));
  };
  return fmt::format(
      R"({{"h_ts":"{}","thread_id":"{}","level":"{}","tag":{},"file":{},"number":{},"msg":{}}})",
      timestamp(), thread, name, quoted(tag), quoted(file), where.line(), quoted(message));
}

void write(Level level, std::string_view tag, std::source_location where,
           std::string_view message) {
  const std::string text = line(line_format, level, tag, where, message);
  logger().log(spdlog::level::info, spdlog::string_view_t(text.data(), text.size()));
}

void flush() {
  logger().flush();
}

}  // namespace entente::log
