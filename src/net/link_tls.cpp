#include "net/link_tls.h"

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "net/tls_context.h"

namespace entente::net {
namespace {

constexpr const char* suites = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
constexpr const char* groups = "P-521:P-384:P-256";
constexpr std::string_view offered =
    "\x0e"
    "entente-link/1";
static_assert(offered.size() == link_protocol.size() + 1 && offered.front() == 14);

constexpr long max_certificate_bytes = 16 << 10;

int accept_any_certificate(X509_STORE_CTX*, void*) {
  return 1;  // dates, names and issuers do not matter; whose key it is, is checked afterwards
}

int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned int in_size, void*) {
  unsigned char* selected = nullptr;
  const int outcome = SSL_select_next_proto(&selected, out_size,
                                            reinterpret_cast<const unsigned char*>(offered.data()),
                                            static_cast<unsigned int>(offered.size()), in, in_size);
  *out = selected;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<std::shared_ptr<SSL_CTX>> make_context(const SSL_METHOD* method,
                                              const LinkIdentity& identity) {
  std::shared_ptr<SSL_CTX> shared(SSL_CTX_new(method), SSL_CTX_free);
  SSL_CTX* const context = shared.get();
  if (context == nullptr) return Error{take_openssl_error()}.at("TLS context");
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_max_cert_list(context, max_certificate_bytes);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, accept_any_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(context, select_protocol, nullptr);
  // Unlike its neighbours this one returns 0 for success.
  if (SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offered.data()),
                              static_cast<unsigned int>(offered.size())) != 0 ||
      SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context, suites) != 1 ||
      SSL_CTX_set1_groups_list(context, groups) != 1) {
    return Error{take_openssl_error()}.at("TLS settings");
  }
  if (SSL_CTX_use_certificate(context, identity.certificate.native_handle()) != 1 ||
      SSL_CTX_use_PrivateKey(context, identity.key.native_handle()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return Error{take_openssl_error()}.at("TLS identity");
  }
  return shared;
}

}  // namespace

Result<LinkTls> make_link_tls(const LinkIdentity& identity) {
  auto listener = make_context(TLS_server_method(), identity);
  if (!listener) return listener.error();
  auto dialler = make_context(TLS_client_method(), identity);
  if (!dialler) return dialler.error();
  return LinkTls{std::move(*listener), std::move(*dialler)};
}

Result<ProvenPeer> peer_of(const TlsChannel& channel) {
  auto certificate = crypto::Certificate::from_der(channel.peer_certificate());
  if (!certificate) return certificate.error();
  const auto key = certificate->public_key();
  if (!key) return key.error();
  return ProvenPeer{NodeId{key->id()}, std::move(*certificate)};
}

LinkRefusal refusal_of_handshake() {
  switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
      return LinkRefusal::tls_version;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return LinkRefusal::no_certificate;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return LinkRefusal::protocol;
    default:
      return LinkRefusal::not_tls;
  }
}

}  // namespace entente::net
