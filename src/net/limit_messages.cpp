#include "net/limit_messages.h"

#include <fmt/format.h>

namespace entente::net {

std::string size_text(uint64_t bytes) {
  static constexpr std::string_view units[] = {"PB", "TB", "GB", "MB", "KB"};
  uint64_t unit = 1ull << 50;
  for (const std::string_view name : units) {
    if (bytes != 0 && bytes % unit == 0) return fmt::format("{}{}", bytes / unit, name);
    unit >>= 10;
  }
  return std::to_string(bytes);
}

std::string body_too_large(const HttpLimits& limits) {
  return fmt::format("HTTP request body is too large (max size allowed: {})",
                     size_text(limits.max_body_size));
}

std::string header_name_too_large(const HttpLimits& limits, std::string_view name) {
  return fmt::format("Header key for '{}' is too large (max size allowed: {})", name,
                     size_text(limits.max_header_size));
}

std::string header_value_too_large(const HttpLimits& limits, std::string_view name) {
  return fmt::format("Header value for '{}' is too large (max size allowed: {})", name,
                     size_text(limits.max_header_size));
}

std::string too_many_headers(const HttpLimits& limits) {
  return fmt::format("Too many headers (max number allowed: {})", limits.max_headers_count);
}

std::string target_too_large(const HttpLimits& limits) {
  return fmt::format("Request target is too large (max size allowed: {})",
                     size_text(limits.max_target_size));
}

}  // namespace entente::net
