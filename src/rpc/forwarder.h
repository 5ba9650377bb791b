#pragma once
// Requests that a backup sends on to the primary: by which rule, and the way out of this room.
// Source: docs/http-api.md (forwarding).

#include <chrono>
#include <functional>
#include <string_view>

#include "entente/bytes.h"
#include "entente/endpoint.h"
#include "entente/http.h"
#include "entente/types.h"

namespace entente::rpc {

/// What the primary must know of the session that a request came in on. Views end with forward().
struct SessionFacts {
  uint64_t session = 0;        ///< for messages; requests of one session are executed in order
  std::string_view interface;  ///< that received the request; empty if none
  BytesView certificate;       ///< DER, as the client showed it; empty if it showed none
  View pinned_view;            ///< the session may only go on in this view
  TxId last_seen;              ///< {0,0} if no answer of the session had a transaction id
  std::chrono::milliseconds patience{};  ///< how long to wait for the answer
};

/// Takes the primary's answer, or an error that takes its place: once, on any thread, at once or
/// later. `last_seen` is what the session has seen with it, {0,0} if that is not known.
using ForwardedAnswer = std::function<void(http::Response&& response, TxId last_seen)>;

enum class Forwarded : uint8_t {
  sent,        ///< the answer comes; with all others it never does
  no_channel,  ///< the primary cannot be reached
  too_many,    ///< too many requests wait for their answer
  too_large    ///< for one message between nodes
};

/// Sends requests to the primary. Called on worker threads, several at once; never blocks.
class Forwarder {
 public:
  virtual ~Forwarder() = default;
  virtual Forwarded forward(const NodeId& primary, const http::Request& request,
                            const SessionFacts& facts, ForwardedAnswer answer) = 0;
};

/// Whether a node that is not primary forwards a request, on an interface without redirections.
bool forwards(Forwarding endpoint, bool session_has_forwarded);

/// The answer when a call was sent and nothing came back.
void set_forwarding_timed_out(http::Response& response, const NodeId& primary,
                              std::chrono::milliseconds waited);

}  // namespace entente::rpc
