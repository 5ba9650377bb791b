#pragma once
// Path templates such as `/members/{id}:approve`. A parameter matches one or more characters other
// than `/` and other than the literal character that follows it. Source: docs/http-api.md (lookup).

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "entente/result.h"

namespace entente::rpc {

class PathTemplate {
 public:
  static constexpr size_t max_parameters = 8;

  /// Errors: no leading `/`, unbalanced braces, empty or repeated names, two parameters without
  /// anything between them, too many parameters.
  static Result<PathTemplate> parse(std::string_view text);

  const std::string& text() const { return text_; }
  bool has_parameters() const { return !parts_.empty(); }
  const std::vector<std::string>& names() const { return names_; }
  /// Fills `values` (at least names().size() of them) with views into `path` and returns true, or
  /// returns false with `values` in any state.
  bool match(std::string_view path, std::span<std::string_view> values) const;

 private:
  struct Part {
    std::string literal;  ///< after the parameter; may be empty only at the end
  };
  std::string text_;
  std::string prefix_;  ///< before the first parameter
  std::vector<Part> parts_;
  std::vector<std::string> names_;
};

}  // namespace entente::rpc
