#include "rpc/prefer.h"

#include <charconv>

namespace entente::rpc {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Position of the first separator outside of quoted strings, or npos.
size_t find_unquoted(std::string_view text, char separator) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == separator) {
      return i;
    }
  }
  return std::string_view::npos;
}

/// Names of preferences ignore case; `name` has lower-case letters only.
bool is_named(std::string_view token, std::string_view name) {
  if (token.size() != name.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if ((token[i] | 0x20) != name[i]) return false;
  }
  return true;
}

/// Takes the first preference, without its parameters, off the list.
std::string_view take_preference(std::string_view& list) {
  const size_t end = find_unquoted(list, ',');
  std::string_view preference = list.substr(0, end);
  list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  return preference.substr(0, find_unquoted(preference, ';'));
}

}  // namespace

bool prefers_linearizable(std::string_view prefer) {
  while (!prefer.empty()) {
    if (is_named(trim(take_preference(prefer)), "linearizable")) return true;
  }
  return false;
}

std::optional<std::chrono::seconds> preferred_wait(std::string_view prefer) {
  while (!prefer.empty()) {
    const std::string_view preference = take_preference(prefer);
    const size_t equals = preference.find('=');
    if (equals == std::string_view::npos) continue;
    if (!is_named(trim(preference.substr(0, equals)), "wait")) continue;
    std::string_view text = trim(preference.substr(equals + 1));
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
      text = text.substr(1, text.size() - 2);
    }
    uint32_t seconds = 0;
    const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (text.empty() || stop != text.data() + text.size()) return std::nullopt;
    // A number that is too large is still a number: as long as possible.
    if (code == std::errc::result_out_of_range) return std::chrono::seconds(UINT32_MAX);
    if (code != std::errc()) return std::nullopt;
    return std::chrono::seconds(seconds);
  }
  return std::nullopt;
}

}  // namespace entente::rpc
