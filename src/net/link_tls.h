#pragma once
// TLS as links use it: version 1.3 only, both sides show a certificate, and what counts of it is
// its key alone. Source: docs/node-to-node.md (identity).

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "entente/result.h"
#include "entente/types.h"
#include "net/link_refusals.h"
#include "net/links.h"
#include "net/tls_channel.h"

namespace entente::net {

/// By ALPN (RFC 7301), so that no other protocol's connection is ever taken for a link.
inline constexpr std::string_view link_protocol = "entente-link/1";

struct LinkTls {
  std::shared_ptr<SSL_CTX> listener, dialler;
};
Result<LinkTls> make_link_tls(const LinkIdentity& identity);

/// The node that is at the other end of an established channel: it has proven to hold the key.
struct ProvenPeer {
  NodeId id;
  crypto::Certificate certificate;
};
Result<ProvenPeer> peer_of(const TlsChannel& channel);

/// Why a handshake failed, out of this thread's OpenSSL errors, which stay there.
LinkRefusal refusal_of_handshake();

}  // namespace entente::net
