#include "rpc/path_template.h"

#include <algorithm>

namespace entente::rpc {

Result<PathTemplate> PathTemplate::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error{"path template '" + std::string(text) + "': " + std::string(why)};
  };
  if (!text.starts_with('/')) return refuse("must start with '/'");
  PathTemplate out;
  out.text_ = text;

  std::string* literal = &out.prefix_;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '}') return refuse("'}' without '{'");
    if (text[i] != '{') {
      *literal += text[i++];
      continue;
    }
    const size_t end = text.find('}', i);
    if (end == std::string_view::npos) return refuse("'{' without '}'");
    const std::string_view name = text.substr(i + 1, end - i - 1);
    if (name.empty() || name.find_first_of("{/") != std::string_view::npos) {
      return refuse("bad parameter name '" + std::string(name) + "'");
    }
    if (std::find(out.names_.begin(), out.names_.end(), name) != out.names_.end()) {
      return refuse("repeated parameter name '" + std::string(name) + "'");
    }
    if (out.names_.size() == max_parameters) return refuse("too many parameters");
    if (literal->empty()) return refuse("two parameters without anything between them");
    out.names_.emplace_back(name);
    literal = &out.parts_.emplace_back().literal;
    i = end + 1;
  }
  return out;
}

bool PathTemplate::match(std::string_view path, std::span<std::string_view> values) const {
  if (!path.starts_with(prefix_)) return false;
  path.remove_prefix(prefix_.size());
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::string& literal = parts_[i].literal;
    // The value ends at the first character that it may not contain: no choice, no backtracking.
    size_t length = 0;
    const char stop = literal.empty() ? '/' : literal.front();
    while (length < path.size() && path[length] != '/' && path[length] != stop) ++length;
    if (length == 0) return false;
    values[i] = path.substr(0, length);
    path.remove_prefix(length);
    if (!path.starts_with(literal)) return false;
    path.remove_prefix(literal.size());
  }
  return path.empty();
}

}  // namespace entente::rpc
