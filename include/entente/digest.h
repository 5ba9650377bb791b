#pragma once
// SHA-256 and text encodings of bytes, for claims, entity tags and answers.

#include <optional>
#include <string>
#include <string_view>

#include "entente/bytes.h"
#include "entente/types.h"

namespace entente {

Digest sha256(BytesView data);

std::string to_hex(BytesView bytes);     ///< lower case
std::string to_base64(BytesView bytes);  ///< standard alphabet, padded
std::optional<Bytes> from_hex(std::string_view hex);
std::optional<Bytes> from_base64(std::string_view text);

}  // namespace entente
