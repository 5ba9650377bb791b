#include "cli/bench_response.h"

#include <charconv>
#include <cstring>
#include <string>

namespace entente::cli {
namespace {

constexpr size_t longest_header = 64 << 10;

/// ASCII only; `lower` is in lower case.
bool same_name(std::string_view name, std::string_view lower) {
  if (name.size() != lower.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

Result<void> read_header(std::string_view line, ResponseFrame& frame) {
  // Only five headers count; their first letters sort out most lines at once.
  const char first = static_cast<char>(line[0] | 0x20);
  if (first != 'c' && first != 't' && first != 'p' && first != 'x') return {};
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Error{"a header line without ':'"};
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same_name(name, "content-length")) {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), frame.body_size);
    if (value.empty() || error != std::errc{} || end != value.data() + value.size()) {
      return Error{"content-length: '" + std::string(value.substr(0, 40)) + "' is no length"};
    }
  } else if (same_name(name, "transfer-encoding")) {
    return Error{"transfer-encoding is not read by this client"};
  } else if (same_name(name, "preference-applied")) {
    frame.preference_applied = true;
  } else if (same_name(name, "x-ms-ccf-transaction-id")) {
    frame.transaction_id = value;
  } else if (same_name(name, "connection")) {
    frame.close = same_name(value, "close");
  }
  return {};
}

}  // namespace

Result<std::optional<ResponseFrame>> parse_response(std::string_view received) {
  constexpr std::string_view start = "HTTP/1.";
  constexpr size_t status_at = 9;  // `HTTP/1.1 200`
  const auto* end =
      static_cast<const char*>(memmem(received.data(), received.size(), "\r\n\r\n", 4));
  if (!received.substr(0, start.size()).starts_with(start.substr(0, received.size()))) {
    return Error{"the answer does not start with HTTP/1.1"};
  }
  if (end == nullptr) {
    if (received.size() > longest_header) return Error{"the header has no end within 64 KiB"};
    return std::optional<ResponseFrame>();
  }
  ResponseFrame frame;
  frame.header_size = static_cast<size_t>(end - received.data()) + 4;
  std::string_view lines = received.substr(0, frame.header_size - 2);
  if (lines.size() < status_at + 3) return Error{"the status line is too short"};
  for (size_t i = status_at; i < status_at + 3; ++i) {
    if (lines[i] < '0' || lines[i] > '9') return Error{"the status is not a number"};
    frame.status = frame.status * 10 + (lines[i] - '0');
  }
  lines.remove_prefix(lines.find("\r\n") + 2);
  while (!lines.empty()) {
    const auto* newline = static_cast<const char*>(std::memchr(lines.data(), '\r', lines.size()));
    const size_t length = static_cast<size_t>(newline - lines.data());
    if (length != 0) {
      if (auto read = read_header(lines.substr(0, length), frame); !read) return read.error();
    }
    lines.remove_prefix(std::min(length + 2, lines.size()));
  }
  if (frame.status == 204 || frame.status == 304) frame.body_size = 0;  // RFC 9110 6.4.1
  return std::optional(frame);
}

}  // namespace entente::cli
