#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>

namespace entente::net {
namespace {

constexpr const char* tls12_suites =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";
constexpr const char* tls13_suites = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
constexpr const char* groups = "P-521:P-384:P-256";

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;
using Certificate = std::unique_ptr<X509, FreeCertificate>;
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// ALPN protocol list in wire form, in the server's order of preference.
std::string_view offered(AppProtocol protocol) {
  static constexpr std::array<std::string_view, 3> lists = {std::string_view("\x08http/1.1"),
                                                            std::string_view("\x02h2"),
                                                            std::string_view("\x02h2\x08http/1.1")};
  return lists[static_cast<size_t>(protocol)];
}

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned int in_size, void* argument) {
  const std::string_view ours =
      offered(static_cast<AppProtocol>(reinterpret_cast<uintptr_t>(argument)));
  unsigned char* selected = nullptr;
  const int outcome = SSL_select_next_proto(&selected, out_size,
                                            reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned int>(ours.size()), in, in_size);
  *out = selected;
  // Without overlap the handshake goes on without ALPN rather than with an alert.
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/// Who the client is, is decided by the layer above; TLS only proves that it holds the key.
int accept_any_certificate(X509_STORE_CTX*, void*) {
  return 1;
}
int accept_verification(int, X509_STORE_CTX*) {
  return 1;
}

}  // namespace

std::string take_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

Result<void> use_identity(SSL_CTX* context, std::string_view chain_pem, std::string_view key_pem) {
  const Bio chain = reader(chain_pem);
  const Certificate leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  if (!leaf || SSL_CTX_use_certificate(context, leaf.get()) != 1) {
    return Error{take_openssl_error()}.at("certificate");
  }
  while (const Certificate next{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context, next.get()) != 1) {
      return Error{take_openssl_error()}.at("certificate chain");
    }
  }
  ERR_clear_error();  // the end of the PEM text is reported as an error
  const Bio key_text = reader(key_pem);
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr));
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return Error{take_openssl_error()}.at("private key");
  }
  return {};
}

Result<std::shared_ptr<SSL_CTX>> make_server_context(std::string_view chain_pem,
                                                     std::string_view key_pem,
                                                     AppProtocol protocol) {
  std::shared_ptr<SSL_CTX> shared(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  SSL_CTX* context = shared.get();
  if (context == nullptr) return Error{take_openssl_error()}.at("TLS context");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  if (SSL_CTX_set_cipher_list(context, tls12_suites) != 1 ||
      SSL_CTX_set_ciphersuites(context, tls13_suites) != 1 ||
      SSL_CTX_set1_groups_list(context, groups) != 1) {
    return Error{take_openssl_error()}.at("TLS settings");
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_verification);
  SSL_CTX_set_cert_verify_callback(context, accept_any_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(context, select_alpn,
                             reinterpret_cast<void*>(static_cast<uintptr_t>(protocol)));
  if (const auto used = use_identity(context, chain_pem, key_pem); !used) return used.error();
  return shared;
}

}  // namespace entente::net
