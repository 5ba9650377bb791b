#pragma once
// Requests that a backup sends to the primary, and the answers, as bytes. Fixed-width little-endian
// integers; every message has exactly one form. What comes in is hostile: nothing is allocated
// before the bytes for it are there. Source: docs/node-to-node.md (forwarded requests).

#include <optional>

#include "entente/bytes.h"
#include "entente/http.h"
#include "entente/result.h"
#include "entente/types.h"

namespace entente::node {

namespace forwarded_limit {
inline constexpr size_t headers = 1024;
inline constexpr size_t target = 64 << 10;
inline constexpr size_t interface = 1 << 10;
inline constexpr size_t certificate = 64 << 10;
}  // namespace forwarded_limit

/// Views, of the transport's buffer or of the message that it was decoded from.
struct ForwardedRequest {
  uint64_t correlation = 0;    ///< the answer carries it
  uint64_t session = 0;        ///< of the sending node: its requests stay in order
  View pinned_view;            ///< the session may only go on in this view
  TxId last_seen;              ///< {0,0} if the session has seen no transaction id
  std::string_view interface;  ///< that received the request; empty if none
  BytesView certificate;       ///< of the client, DER; empty if it showed none
  http::Request request;
};

struct ForwardedResponse {
  uint64_t correlation = 0;
  TxId last_seen;  ///< what the session has seen with this answer
  http::Response response;
};

/// nullopt if it breaks a limit or is larger than `max_bytes`.
std::optional<Bytes> encode(const ForwardedRequest& request, size_t max_bytes);
/// The views are of `bytes`. Exactly one message, nothing after it; the method is known, and path
/// and query are those of the target.
Result<ForwardedRequest> decode_forwarded_request(BytesView bytes);

/// nullopt if it has more headers than allowed or is larger than `max_bytes`.
std::optional<Bytes> encode(const ForwardedResponse& response, size_t max_bytes);
/// The status is that of a final answer, header names are lower-case tokens, and values have no
/// control characters: what a client could be misled by never passes.
Result<ForwardedResponse> decode_forwarded_response(BytesView bytes);

/// The first two fields of a request, without a look at the rest.
struct ForwardedRoute {
  uint64_t correlation = 0;
  uint64_t session = 0;
};
std::optional<ForwardedRoute> route_of_forwarded_request(BytesView bytes);
/// The first field of a response.
std::optional<uint64_t> correlation_of_forwarded_response(BytesView bytes);

}  // namespace entente::node
