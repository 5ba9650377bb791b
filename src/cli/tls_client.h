#pragma once
// One TLS connection to a service, for the command line: certificate of the server checked against
// the service certificate, own certificate shown if there is one. Blocking until made non-blocking
// by the load client. Not thread-safe.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entente/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace entente::cli {

/// Files are PEM.
struct TlsIdentity {
  std::string service_certificate_file;  ///< empty: any server is trusted
  std::string certificate_file;          ///< empty: no own certificate
  std::string key_file;
};

/// What many connections share. Thread-safe once made.
class TlsContext {
 public:
  static Result<TlsContext> make(const TlsIdentity& identity);
  ssl_ctx_st* native() const { return context_.get(); }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
};

struct Answer {
  int status = 0;
  std::string header;  ///< status line and headers
  std::string body;
};

class TlsClient {
 public:
  /// `address` is host:port. Gives up after `timeout_seconds` of silence, then and later.
  static Result<TlsClient> connect(const TlsContext& context, const std::string& address,
                                   int timeout_seconds = 10);
  TlsClient(TlsClient&&) noexcept;
  TlsClient& operator=(TlsClient&&) noexcept;
  ~TlsClient();

  /// Sends the bytes of one request and waits for its answer, of at most 64 MiB.
  Result<Answer> exchange(std::string_view request);

  /// Sends the bytes of `count` requests at once and waits for all answers.
  Result<std::vector<Answer>> exchange_all(std::string_view requests, size_t count);

  Result<void> make_non_blocking();
  ssl_st* native() const { return ssl_; }
  int socket() const { return socket_; }

 private:
  Result<void> send(std::string_view request);
  Result<Answer> receive(std::string& received, bool without_body);
  TlsClient(ssl_st* ssl, int socket) : ssl_(ssl), socket_(socket) {}
  ssl_st* ssl_ = nullptr;
  int socket_ = -1;
};

/// The bytes of a request with the usual headers. `extra` are whole header lines.
std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view extra = "");

/// The last error that OpenSSL noted on this thread, in words.
std::string openssl_reason();

}  // namespace entente::cli
