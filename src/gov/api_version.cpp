#include "gov/api_version.h"

#include <array>

namespace entente::gov {
namespace {

constexpr std::array<std::string_view, 2> texts{"2023-06-01-preview", "2024-07-01"};

}  // namespace

std::string_view to_text(ApiVersion version) {
  return texts[static_cast<size_t>(version)];
}

std::optional<ApiVersion> parse_api_version(std::string_view text) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts[i] == text) return static_cast<ApiVersion>(i);
  }
  return std::nullopt;
}

std::string supported_versions(ApiVersion oldest) {
  std::string list = "The supported api-versions are: ";
  for (size_t i = static_cast<size_t>(oldest); i < texts.size(); ++i) {
    if (i != static_cast<size_t>(oldest)) list += ", ";
    list += texts[i];
  }
  return list;
}

bool version_accepted(Call& call, ApiVersion oldest) {
  const auto query = call.query();
  const std::string* asked = query.find("api-version");
  if (asked == nullptr) {
    call.set_error(
        http::status::bad_request, errors::missing_api_version_parameter,
        "The api-version query parameter (?api-version=) is required for all requests. " +
            supported_versions(oldest));
    return false;
  }
  const auto version = parse_api_version(*asked);
  if (version && *version >= oldest) return true;
  call.set_error(http::status::bad_request, errors::unsupported_api_version_value,
                 "Unsupported api-version '" + *asked + "'. " + supported_versions(oldest));
  return false;
}

}  // namespace entente::gov
