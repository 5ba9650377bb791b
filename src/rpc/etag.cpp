#include "entente/etag.h"

#include <algorithm>

namespace entente::http {
namespace {

void skip_space(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

}  // namespace

Result<EntityTagMatcher> EntityTagMatcher::parse(std::string_view header) {
  EntityTagMatcher out;
  std::string_view rest = header;
  skip_space(rest);
  if (rest.starts_with('*')) {
    rest.remove_prefix(1);
    skip_space(rest);
    if (!rest.empty()) return Error{"Invalid entity tag list: text after '*'"};
    out.any_ = true;
    return out;
  }
  for (;;) {
    skip_space(rest);
    if (rest.starts_with("W/")) return Error{"Invalid entity tag list: weak tags do not match"};
    if (!rest.starts_with('"')) return Error{"Invalid entity tag list: expected a quoted tag"};
    const size_t end = rest.find('"', 1);
    if (end == std::string_view::npos) {
      return Error{"Invalid entity tag list: unterminated tag"};
    }
    out.tags_.emplace_back(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
    skip_space(rest);
    if (rest.empty()) return out;
    if (!rest.starts_with(',')) return Error{"Invalid entity tag list: expected a comma"};
    rest.remove_prefix(1);
  }
}

bool EntityTagMatcher::matches(std::string_view tag) const {
  return any_ || std::find(tags_.begin(), tags_.end(), tag) != tags_.end();
}

}  // namespace entente::http
