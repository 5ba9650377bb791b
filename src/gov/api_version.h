#pragma once
// The versions of the governance interface, and the check of `api-version` that every endpoint of
// it makes once its caller is authenticated. Source: docs/governance.md (messages and errors).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "entente/endpoint.h"

namespace entente::gov {

/// In the order in which they appeared.
enum class ApiVersion : uint8_t { preview_2023_06_01, stable_2024_07_01 };
std::string_view to_text(ApiVersion version);  ///< `2024-07-01`
std::optional<ApiVersion> parse_api_version(std::string_view text);

/// `The supported api-versions are: …`, from the oldest one on.
std::string supported_versions(ApiVersion oldest = ApiVersion::preview_2023_06_01);

/// Whether the call asks for a version that is not older than `oldest`; if not, the call is
/// answered with 400 MissingApiVersionParameter or UnsupportedApiVersionValue.
bool version_accepted(Call& call, ApiVersion oldest = ApiVersion::preview_2023_06_01);

/// A handler that is called only with an accepted version.
template <typename Handler>
auto versioned(Handler handler, ApiVersion oldest = ApiVersion::preview_2023_06_01) {
  return [handler = std::move(handler), oldest](auto& ctx) {
    if (version_accepted(ctx.call, oldest)) handler(ctx);
  };
}

}  // namespace entente::gov
