#pragma once
// Inside this room only: fields that certificates and requests share, between OpenSSL's form and
// values.

#include <string>
#include <string_view>
#include <vector>

#include "crypto/openssl.h"
#include "crypto/x509.h"

namespace entente::crypto {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;

/// Attributes in their order, RFC 4514 escapes, UTF-8.
std::string name_to_text(const X509_NAME* name);
/// The reverse: `TYPE=value` parts between commas, backslash escapes the next character. At most 64
/// attributes.
Result<X509NamePtr> name_from_text(std::string_view text);

Result<std::vector<SubjectAltName>> alt_names_from(const GENERAL_NAMES* names);
GeneralNamesPtr alt_names_to_openssl(std::span<const SubjectAltName> names);

Result<UnixTime> time_from(const ASN1_TIME* time);

}  // namespace entente::crypto
