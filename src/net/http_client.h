#pragma once
// A small blocking HTTP/1.1 client over TLS or plain TCP, for the command line and for end-to-end
// tests. Not thread-safe. Every call ends within the time limit of the options.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entente/bytes.h"
#include "entente/http.h"
#include "entente/result.h"

namespace entente::net {

struct HttpClientOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  bool tls = true;
  /// PEM certificates that are trusted, as roots even if they are not authorities. Empty: the
  /// server is not authenticated (for tests, and for fetching a certificate to pin).
  std::string trusted_pem;
  bool check_host = false;             ///< with trusted_pem: the certificate must also name `host`
  std::string client_certificate_pem;  ///< with client_key_pem, or both empty
  std::string client_key_pem;
  std::vector<std::string> alpn;             ///< such as {"http/1.1"}; empty: not offered
  std::chrono::milliseconds timeout{10000};  ///< of connecting and of each call
  size_t max_response_size = 256u << 20;     ///< head and body, bytes
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  const std::string* header(std::string_view name) const;
};

using ClientHeaders = std::vector<std::pair<std::string, std::string>>;

class HttpClient {
 public:
  static Result<HttpClient> connect(const HttpClientOptions& options);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// Sends one request (`content-length` and `host` are added) and waits for its answer.
  Result<ClientResponse> request(http::Method method, std::string_view target,
                                 std::string_view body = {}, const ClientHeaders& headers = {});
  Result<ClientResponse> get(std::string_view target, const ClientHeaders& headers = {});
  Result<ClientResponse> post(std::string_view target, std::string_view body,
                              const ClientHeaders& headers = {});

  /// The pieces, for pipelining and for hostile input: raw bytes out, the next response in.
  Result<void> send_raw(std::string_view bytes);
  /// `to_head`: the request was HEAD, so no body follows.
  Result<ClientResponse> receive(bool to_head = false);
  /// The next bytes, whatever they are, at least one; an error when the server closes.
  Result<std::string> receive_some();
  /// Whatever arrives until the server closes, at most max_response_size.
  Result<std::string> receive_until_closed();
  /// True when the server has closed; waits up to `wait` for that. Unread bytes are dropped.
  bool closed_within(std::chrono::milliseconds wait);
  /// Ends the sending direction (TLS close_notify and TCP FIN).
  void finish_sending();

  std::string server_certificate_pem() const;  ///< "" without TLS
  std::string tls_version() const;             ///< `TLSv1.3`
  std::string cipher() const;
  std::string alpn() const;  ///< as selected by the server, or ""
  int socket() const;

 private:
  class Link;
  explicit HttpClient(std::unique_ptr<Link> link);
  std::unique_ptr<Link> link_;
};

/// The text of one HTTP/1.1 request, as `request` sends it.
std::string format_request(http::Method method, std::string_view target, std::string_view host,
                           std::string_view body, const ClientHeaders& headers);

}  // namespace entente::net
