#pragma once
// Inner part of the audit of decisions: what its files share.

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace entente::gov::audit_words {

inline constexpr std::string_view open_state = "Open", accepted_state = "Accepted",
                                  rejected_state = "Rejected", withdrawn_state = "Withdrawn",
                                  dropped_state = "Dropped";
inline constexpr std::string_view active_status = "Active";

/// As faults name a proposal or a node.
inline std::string shortened(const std::string& id) {
  return id.substr(0, 12);
}

template <typename List>
bool contains(const List& list, std::string_view value) {
  return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

/// The value under a key, or null.
template <typename Map>
auto* find(Map& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : &found->second;
}

/// The text in a value that is a JSON string.
inline std::optional<std::string> json_string(const std::string& value) {
  const auto document = json::parse(value);
  if (!document || !document->is_string()) return std::nullopt;
  return std::string(document->get_string());
}

}  // namespace entente::gov::audit_words
