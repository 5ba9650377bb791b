#include "net/tls_channel.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>

#include "base/assert.h"

namespace entente::net {

int TlsChannel::read_source(BIO* bio, char* out, size_t size, size_t* got) {
  auto& channel = *static_cast<TlsChannel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (channel.source_.empty()) {
    BIO_set_retry_read(bio);
    return 0;
  }
  *got = std::min(size, channel.source_.size());
  std::copy_n(channel.source_.data(), *got, reinterpret_cast<uint8_t*>(out));
  channel.source_ = channel.source_.subspan(*got);
  return 1;
}

int TlsChannel::write_sink(BIO* bio, const char* data, size_t size, size_t* written) {
  auto& channel = *static_cast<TlsChannel*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  append(channel.sink_, as_bytes({data, size}));
  *written = size;
  return 1;
}

long TlsChannel::control(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* TlsChannel::buffer_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "entente buffers");
    ENTENTE_ASSERT(made != nullptr);
    BIO_meth_set_read_ex(made, read_source);
    BIO_meth_set_write_ex(made, write_sink);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

TlsChannel::TlsChannel(SSL_CTX* context, Bytes& sink, Side side)
    : ssl_(SSL_new(context)), sink_(sink) {
  ENTENTE_ASSERT(ssl_ != nullptr);
  BIO* bio = BIO_new(buffer_method());
  ENTENTE_ASSERT(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  side == Side::server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
}

TlsChannel::~TlsChannel() {
  SSL_free(ssl_);
}

TlsChannel::Received TlsChannel::receive(BytesView ciphertext, std::span<uint8_t> plaintext) {
  source_ = ciphertext;
  ERR_clear_error();
  if (!established_) {
    const int outcome = SSL_do_handshake(ssl_);
    if (outcome != 1) {
      const bool waits = SSL_get_error(ssl_, outcome) == SSL_ERROR_WANT_READ;
      return {waits ? Status::open : Status::failed, 0};
    }
    established_ = true;
  }
  Received received;
  // A record is only delivered whole, so without source and pending bytes another read would find
  // nothing: that is the usual end, and it saves the costly "want read" path.
  while (!source_.empty() || SSL_pending(ssl_) > 0) {
    size_t got = 0;
    ENTENTE_ASSERT(received.size < plaintext.size());
    if (SSL_read_ex(ssl_, plaintext.data() + received.size, plaintext.size() - received.size,
                    &got) == 1) {
      received.size += got;
      continue;
    }
    switch (SSL_get_error(ssl_, 0)) {
      case SSL_ERROR_WANT_READ:
        break;
      case SSL_ERROR_ZERO_RETURN:
        received.status = Status::finished;
        return received;
      default:
        received.status = Status::failed;
        return received;
    }
  }
  return received;
}

bool TlsChannel::send(BytesView plaintext) {
  if (plaintext.empty()) return true;
  ERR_clear_error();
  size_t written = 0;
  return SSL_write_ex(ssl_, plaintext.data(), plaintext.size(), &written) == 1 &&
         written == plaintext.size();
}

void TlsChannel::send_close() {
  ERR_clear_error();
  if (established_) SSL_shutdown(ssl_);
}

bool TlsChannel::renew_key() {
  ERR_clear_error();
  return SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED) == 1;
}

std::string_view TlsChannel::alpn() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

Bytes TlsChannel::peer_certificate() const {
  X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) return {};
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  Bytes der(static_cast<size_t>(size));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

}  // namespace entente::net
