#pragma once
// JSON Web Tokens (RFC 7519) as far as the service takes them: compact JWS (RFC 7515) with RS256 or
// ES256. Parsing touches no key and no clock. Source: docs/http-api.md (JWT).

#include <optional>
#include <string>
#include <string_view>

#include "entente/bytes.h"
#include "entente/json.h"
#include "entente/result.h"

namespace entente::rpc::jwt {

struct Token {
  std::string_view signed_text;  ///< header and payload as sent: a view into the token text
  Bytes signature;
  json::object header;
  json::object payload;
  std::string kid;
  std::string issuer;                 ///< claim `iss`
  std::optional<std::string> tenant;  ///< claim `tid`
  std::optional<double> not_before;   ///< claim `nbf`, seconds since 1970
  double expires = 0;                 ///< claim `exp`
};

/// The token of an `authorization` header value. Errors are messages for the client.
Result<std::string_view> bearer_token(std::optional<std::string_view> authorization);

Result<Token> parse(std::string_view token);

/// Whether the token's issuer and tenant satisfy the constraint of a key.
bool issuer_satisfies(const Token& token, std::string_view constraint);

}  // namespace entente::rpc::jwt
