#pragma once
// One TLS connection between two byte buffers; it never touches the socket. So the
// worker decides about system calls: one receive feeds many records, one send carries all that
// was written, and no connection owns a read buffer of its own while it is idle.

#include <openssl/ssl.h>

#include <span>
#include <string_view>

#include "entente/bytes.h"

namespace entente::net {

class TlsChannel {
 public:
  enum class Side { server, client };
  /// What is to be sent to the peer is appended to `sink`, which must outlive the channel. A client
  /// begins its handshake with the first receive(), which may be an empty one.
  TlsChannel(SSL_CTX* context, Bytes& sink, Side side = Side::server);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  enum class Status {
    open,
    finished,  ///< the peer said that it sends no more
    failed
  };
  struct Received {
    Status status = Status::open;
    size_t size = 0;  ///< bytes of plaintext
  };
  /// Plaintext that `ciphertext` can add beyond its own size: the record that was incomplete.
  static constexpr size_t max_surplus = 2 * (16384 + 2048);

  /// Takes all of `ciphertext`; `plaintext` must have room for its size and max_surplus.
  Received receive(BytesView ciphertext, std::span<uint8_t> plaintext);
  bool established() const { return established_; }
  /// Only when established. False: the connection is broken.
  bool send(BytesView plaintext);
  void send_close();
  /// Only when established, TLS 1.3: what is sent from now on is encrypted under a new key.
  bool renew_key();

  /// Only when established.
  std::string_view alpn() const;
  /// DER of the client's leaf certificate; empty if it presented none.
  Bytes client_certificate() const { return peer_certificate(); }
  /// The same of either side's peer.
  Bytes peer_certificate() const;

 private:
  static BIO_METHOD* buffer_method();
  static int read_source(BIO* bio, char* out, size_t size, size_t* got);
  static int write_sink(BIO* bio, const char* data, size_t size, size_t* written);
  static long control(BIO* bio, int command, long number, void* pointer);

  SSL* ssl_;
  Bytes& sink_;
  BytesView source_;
  bool established_ = false;
};

}  // namespace entente::net
