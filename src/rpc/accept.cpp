#include "rpc/accept.h"

#include <algorithm>
#include <charconv>

#include "entente/errors.h"
#include "entente/headers.h"
#include "entente/http.h"

namespace entente::rpc {
namespace {

std::string_view next_part(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return part;
}

}  // namespace

Result<std::vector<MediaRange>> parse_accept(std::string_view spaceless) {
  std::vector<MediaRange> ranges;
  if (spaceless.empty()) {
    return Error{"Entry in Accept header is not a valid MIME type: "};
  }
  for (std::string_view rest = spaceless; !rest.empty();) {
    const std::string_view entry = next_part(rest, ',');
    std::string_view parameters = entry;
    const std::string_view range = next_part(parameters, ';');
    const size_t slash = range.find('/');
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == range.size() ||
        range.find('/', slash + 1) != std::string_view::npos) {
      return Error{"Entry in Accept header is not a valid MIME type: " + std::string(entry)};
    }
    MediaRange out{range.substr(0, slash), range.substr(slash + 1), 1};
    while (!parameters.empty()) {
      const std::string_view parameter = next_part(parameters, ';');
      if (!parameter.starts_with("q=")) continue;
      const std::string_view text = parameter.substr(2);
      const char* end = text.data() + text.size();
      const auto [stop, code] = std::from_chars(text.data(), end, out.quality);
      if (code != std::errc() || stop != end || !(out.quality >= 0)) {
        return Error{"Could not parse q-factor from MIME type in Accept header: " +
                     std::string(entry)};
      }
    }
    ranges.push_back(out);
  }
  return ranges;
}

std::optional<AcceptRefusal> check_accepts_json(std::string_view header) {
  if (header == http::content_type::json || header == "*/*") return std::nullopt;  // nearly all
  std::string spaceless(header);
  std::erase(spaceless, ' ');
  const auto ranges = parse_accept(spaceless);
  if (!ranges.ok()) {
    return AcceptRefusal{http::status::bad_request, errors::invalid_header_value,
                         ranges.error().message};
  }
  if (std::any_of(ranges->begin(), ranges->end(),
                  [](const MediaRange& range) { return range.matches("application", "json"); })) {
    return std::nullopt;
  }
  return AcceptRefusal{http::status::not_acceptable, errors::unsupported_content_type,
                       "No supported content type in accept header: " + std::string(header) +
                           "\nOnly application/json is currently supported"};
}

}  // namespace entente::rpc
