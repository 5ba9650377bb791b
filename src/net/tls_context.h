#pragma once
// The TLS settings of a listening interface. Source: docs/http-api.md (TLS and transport).

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "entente/result.h"
#include "net/interface.h"

namespace entente::net {

/// TLS 1.2 and 1.3; any client certificate is taken and none required; no resumption, no
/// renegotiation. Serves exactly the certificates of `chain_pem`, leaf first.
Result<std::shared_ptr<SSL_CTX>> make_server_context(std::string_view chain_pem,
                                                     std::string_view key_pem,
                                                     AppProtocol protocol);

/// Puts certificate, chain and key of the PEM texts into a context (also of a client).
Result<void> use_identity(SSL_CTX* context, std::string_view chain_pem, std::string_view key_pem);

/// The oldest error of this thread's OpenSSL queue as text; empties the queue.
std::string take_openssl_error();

}  // namespace entente::net
