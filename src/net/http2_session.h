#pragma once
// HTTP/2 on one connection, over nghttp2 (RFC 9113). Source: docs/http-api.md (HTTP/2).

#include <memory>

#include "net/session.h"

namespace entente::net {

/// Both must outlive the session.
std::unique_ptr<Session> make_http2_session(WorkerContext& worker, PeerContext& peer);

}  // namespace entente::net
