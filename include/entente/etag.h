#pragma once
// Entity tags in `if-match` and `if-none-match` (RFC 9110 §13.1, strong comparison only).

#include <string>
#include <string_view>
#include <vector>

#include "entente/result.h"

namespace entente::http {

/// `*` or a comma-separated list of double-quoted strong tags.
class EntityTagMatcher {
 public:
  /// Weak tags, empty lists and anything malformed are errors.
  static Result<EntityTagMatcher> parse(std::string_view header);

  bool is_any() const { return any_; }
  /// `tag` without quotes.
  bool matches(std::string_view tag) const;

 private:
  bool any_ = false;
  std::vector<std::string> tags_;
};

}  // namespace entente::http
