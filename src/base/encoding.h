#pragma once
// Hex and base64 (RFC 4648). Decoders are strict: any other character, a wrong length or wrong
// padding is nullopt.

#include <optional>
#include <string>
#include <string_view>

#include "entente/bytes.h"

namespace entente {

std::string to_hex(BytesView bytes);  ///< lower case, no prefix
std::optional<Bytes> from_hex(std::string_view hex);

std::string to_base64(BytesView bytes);  ///< standard alphabet, padded, no line breaks
std::optional<Bytes> from_base64(std::string_view text);

std::string to_base64url(BytesView bytes);  ///< URL-safe alphabet, no padding (RFC 7515)
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace entente
