#pragma once
// `Prefer: wait=SECONDS` (RFC 7240 §4.3).

#include <chrono>
#include <optional>
#include <string_view>

namespace entente::rpc {

/// Whether the header value has the preference `linearizable` (ours; docs/http-api.md).
bool prefers_linearizable(std::string_view prefer);

/// The first `wait` preference of the header value, if it is a decimal number of seconds; other
/// preferences, parameters and malformed text are ignored, as the RFC asks.
std::optional<std::chrono::seconds> preferred_wait(std::string_view prefer);

}  // namespace entente::rpc
