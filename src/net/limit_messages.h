#pragma once
// The texts that tell a client which limit it exceeded. Source: docs/http-api.md (parser limits).

#include <string>
#include <string_view>

#include "net/interface.h"

namespace entente::net {

/// `1MB`, `16KB`, or plain bytes when no unit divides the number: as an operator would write it.
std::string size_text(uint64_t bytes);

std::string body_too_large(const HttpLimits& limits);
std::string header_name_too_large(const HttpLimits& limits, std::string_view name);
std::string header_value_too_large(const HttpLimits& limits, std::string_view name);
std::string too_many_headers(const HttpLimits& limits);
std::string target_too_large(const HttpLimits& limits);

}  // namespace entente::net
