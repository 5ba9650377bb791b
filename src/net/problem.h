#pragma once
// Error bodies that the transport itself answers. Source: docs/http-api.md (error bodies).

#include <string_view>

#include "entente/http.h"

namespace entente::net {

/// `{"error":{"code":…,"message":…}}` with `content-type: application/json`.
void set_problem(http::Response& response, int status, std::string_view code,
                 std::string_view message);

}  // namespace entente::net
