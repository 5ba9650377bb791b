#pragma once
// Header names and content types that the service gives a meaning. Source: docs/http-api.md.

#include <string_view>

namespace entente::http {

namespace header {
inline constexpr std::string_view accept = "accept", allow = "allow",
                                  authorization = "authorization",
                                  cache_control = "cache-control",
                                  content_length = "content-length",
                                  content_type = "content-type", etag = "etag",
                                  if_match = "if-match", if_none_match = "if-none-match",
                                  location = "location", prefer = "prefer",
                                  preference_applied = "preference-applied",
                                  retry_after = "retry-after",
                                  transaction_id = "x-ms-ccf-transaction-id",
                                  www_authenticate = "www-authenticate";
}  // namespace header

namespace content_type {
inline constexpr std::string_view json = "application/json", text = "text/plain",
                                  octet_stream = "application/octet-stream",
                                  cose = "application/cose", cbor = "application/cbor",
                                  javascript = "text/javascript";
}  // namespace content_type

}  // namespace entente::http
