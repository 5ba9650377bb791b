#pragma once
// PEM text (RFC 7468) around DER bytes.

#include <string>
#include <string_view>
#include <vector>

#include "entente/bytes.h"
#include "entente/result.h"

namespace entente::crypto {

/// Inputs above this are refused everywhere in this room (keys, certificates, requests, bundles).
inline constexpr size_t max_pem_size = 1 << 20;

struct PemBlock {
  std::string label;  ///< `CERTIFICATE`, `PUBLIC KEY`, `EC PRIVATE KEY` …
  Bytes der;
};

/// One block, 64 columns, with a final newline.
std::string to_pem(std::string_view label, BytesView der);

/// Every block in the text, in order; text between blocks is ignored. Encrypted blocks and text
/// without any block are errors.
Result<std::vector<PemBlock>> parse_pem(std::string_view text);

/// The first block, which must have this label.
Result<Bytes> parse_pem(std::string_view text, std::string_view label);

}  // namespace entente::crypto
