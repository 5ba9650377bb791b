#pragma once
// Path validation of X.509 certificates (RFC 5280 §6), as scripts and join policies need it.

#include <span>
#include <string_view>

#include "crypto/x509.h"

namespace entente::crypto {

/// Whether chain[0] is vouched for by one of the anchors through the rest of the chain, in any
/// order. An anchor need not be self-signed. Anchors and intermediates must be CAs, also when the
/// target is itself an anchor; all must be valid at `now`; path lengths, key usages, name
/// constraints and unknown critical extensions are honoured; revocation lists are not consulted.
/// The error names the certificate, by its place in the path, and what is wrong with it.
Result<void> verify_chain(std::span<const Certificate> chain, std::span<const Certificate> anchors,
                          UnixTime now);

/// True for an empty text, and for a text whose first certificate parses, whatever follows it.
bool is_certificate_bundle(std::string_view pem);

}  // namespace entente::crypto
