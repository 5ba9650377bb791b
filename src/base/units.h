#pragma once
// Size and time texts of the configuration: `5MB`, `100ms`. Source: docs/configuration.md.

#include <chrono>
#include <cstdint>
#include <string_view>

#include "entente/result.h"

namespace entente {

/// Decimal number plus optional b, kb, mb, gb, tb, pb in any case; factor 1024; none means bytes.
Result<uint64_t> parse_size(std::string_view text);

/// Decimal number plus optional us, ms, s, min, h; none means microseconds.
Result<std::chrono::microseconds> parse_duration(std::string_view text);

}  // namespace entente
