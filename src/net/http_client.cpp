#include "net/http_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "net/http1_characters.h"
#include "net/tls_context.h"

namespace entente::net {
namespace {

using Time = std::chrono::steady_clock::time_point;

Error system_error(std::string_view what) {
  return {fmt::format("{}: {}", what, std::strerror(errno))};
}

/// False at the deadline.
bool wait_for(int socket, short events, Time deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() < 0) return false;
    pollfd waited{socket, events, 0};
    const int ready = ::poll(&waited, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Result<int> connect_to(const HttpClientOptions& options, Time deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(options.host.c_str(), std::to_string(options.port).c_str(), &hints, &found);
  if (failure != 0) return Error{gai_strerror(failure)};
  Error last{"no address"};
  int connected = -1;
  for (const addrinfo* a = found; a != nullptr && connected < 0; a = a->ai_next) {
    const int fd = ::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      last = system_error("socket");
      continue;
    }
    int outcome = ::connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (outcome == EINPROGRESS) {
      socklen_t size = sizeof outcome;
      outcome = ETIMEDOUT;
      if (wait_for(fd, POLLOUT, deadline)) {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &outcome, &size);
      }
    }
    if (outcome == 0) {
      connected = fd;
    } else {
      last = {std::strerror(outcome)};
      ::close(fd);
    }
  }
  freeaddrinfo(found);
  if (connected < 0) return last;
  const int on = 1;
  setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connected;
}

Result<void> trust(SSL_CTX* context, const std::string& pem) {
  std::unique_ptr<BIO, int (*)(BIO*)> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  size_t count = 0;
  while (X509* certificate = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_cert(store, certificate);
    X509_free(certificate);
    ++count;
  }
  ERR_clear_error();
  if (count == 0) return Error{"no trusted certificate in the PEM text"};
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return {};
}

Result<std::shared_ptr<SSL_CTX>> make_client_context(const HttpClientOptions& options) {
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) return Error{take_openssl_error()};
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  // One of the server's groups first, so that no second round trip is needed for the key share.
  SSL_CTX_set1_groups_list(context.get(), "P-256:P-384:P-521:X25519");
  if (!options.trusted_pem.empty()) {
    if (const auto trusted = trust(context.get(), options.trusted_pem); !trusted) {
      return trusted.error();
    }
  }
  if (!options.client_certificate_pem.empty()) {
    const auto used =
        use_identity(context.get(), options.client_certificate_pem, options.client_key_pem);
    if (!used) return used.error().at("client");
  }
  std::string names;
  for (const std::string& name : options.alpn) {
    names += static_cast<char>(name.size());
    names += name;
  }
  if (!names.empty()) {
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(names.data()),
                            static_cast<unsigned int>(names.size()));
  }
  return context;
}

bool is_number(const std::string& text, size_t& out) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

/// Status line and headers, without the empty line.
Result<ClientResponse> parse_head(std::string_view head) {
  ClientResponse response;
  const size_t line_end = std::min(head.find("\r\n"), head.size());
  const std::string_view line = head.substr(0, line_end);
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') {
    return Error{fmt::format("not an HTTP/1.1 status line: '{}'", line.substr(0, 80))};
  }
  const auto status = std::from_chars(line.data() + 9, line.data() + 12, response.status);
  if (status.ec != std::errc{}) return Error{"the status is not a number"};
  head.remove_prefix(std::min(line_end + 2, head.size()));
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view field = head.substr(0, end);
    const size_t colon = field.find(':');
    if (colon == field.npos) return Error{"a header line has no colon"};
    std::string name(field.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    const size_t value = std::min(field.find_first_not_of(" \t", colon + 1), field.size());
    response.headers.emplace_back(std::move(name), field.substr(value));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return response;
}

}  // namespace

const std::string* ClientResponse::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return &value;
  }
  return nullptr;
}

/// The socket with TLS on it, and what arrived but was not consumed.
class HttpClient::Link {
 public:
  Link(int socket, const HttpClientOptions& its_options) : options(its_options), fd(socket) {}
  ~Link() {
    if (ssl != nullptr) SSL_free(ssl);
    ::close(fd);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  enum class Got { bytes, end, timeout, failed };

  Time deadline() const { return std::chrono::steady_clock::now() + options.timeout; }

  Result<void> secure(SSL_CTX* context, Time until) {
    ssl = SSL_new(context);
    if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) return Error{take_openssl_error()};
    if (options.check_host) {
      SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
      if (X509_VERIFY_PARAM_set1_ip_asc(param, options.host.c_str()) != 1 &&
          SSL_set1_host(ssl, options.host.c_str()) != 1) {
        return Error{take_openssl_error()};
      }
    }
    SSL_set_connect_state(ssl);
    for (;;) {
      ERR_clear_error();
      const int outcome = SSL_do_handshake(ssl);
      if (outcome == 1) return {};
      if (!wait_tls(outcome, until)) {
        const long verified = SSL_get_verify_result(ssl);
        if (verified != X509_V_OK) {
          return Error{std::string("TLS: the server's certificate is not trusted: ") +
                       X509_verify_cert_error_string(verified)};
        }
        return Error{"TLS: " + (ERR_peek_error() != 0 ? take_openssl_error()
                                                      : std::string("connection closed"))};
      }
    }
  }

  Result<void> send(std::string_view bytes) {
    const Time until = deadline();
    while (!bytes.empty()) {
      size_t written = 0;
      if (ssl != nullptr) {
        ERR_clear_error();
        if (SSL_write_ex(ssl, bytes.data(), bytes.size(), &written) != 1) {
          if (!wait_tls(0, until)) return Error{"sending: connection broken or time-out"};
          continue;
        }
      } else {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
          if (errno != EAGAIN && errno != EINTR) return system_error("sending");
          if (!wait_for(fd, POLLOUT, until)) return Error{"sending: time-out"};
          continue;
        }
        written = static_cast<size_t>(sent);
      }
      bytes.remove_prefix(written);
    }
    return {};
  }

  /// Appends what arrives to `input`.
  Got receive(Time until) {
    char buffer[16 << 10];
    for (;;) {
      size_t got = 0;
      if (ssl != nullptr) {
        ERR_clear_error();
        if (SSL_read_ex(ssl, buffer, sizeof buffer, &got) == 1) {
          input.append(buffer, got);
          return Got::bytes;
        }
        const int reason = SSL_get_error(ssl, 0);
        if (reason == SSL_ERROR_ZERO_RETURN) return Got::end;
        if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) return Got::failed;
        if (!wait_tls(0, until)) return Got::timeout;
      } else {
        const ssize_t outcome = ::recv(fd, buffer, sizeof buffer, 0);
        if (outcome > 0) {
          input.append(buffer, static_cast<size_t>(outcome));
          return Got::bytes;
        }
        if (outcome == 0) return Got::end;
        if (errno != EAGAIN && errno != EINTR) return Got::failed;
        if (!wait_for(fd, POLLIN, until)) return Got::timeout;
      }
    }
  }

  HttpClientOptions options;
  int fd;
  SSL* ssl = nullptr;
  std::string input;

 private:
  bool wait_tls(int outcome, Time until) {
    switch (SSL_get_error(ssl, outcome)) {
      case SSL_ERROR_WANT_READ:
        return wait_for(fd, POLLIN, until);
      case SSL_ERROR_WANT_WRITE:
        return wait_for(fd, POLLOUT, until);
      default:
        return false;
    }
  }
};

HttpClient::HttpClient(std::unique_ptr<Link> link) : link_(std::move(link)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::connect(const HttpClientOptions& options) {
  const std::string place = fmt::format("{}:{}", options.host, options.port);
  const Time until = std::chrono::steady_clock::now() + options.timeout;
  const auto socket = connect_to(options, until);
  if (!socket) return socket.error().at(place);
  auto link = std::make_unique<Link>(*socket, options);
  if (options.tls) {
    const auto context = make_client_context(options);
    if (!context) return context.error().at(place);
    if (const auto secured = link->secure(context->get(), until); !secured) {
      return secured.error().at(place);
    }
  }
  return HttpClient(std::move(link));
}

std::string format_request(http::Method method, std::string_view target, std::string_view host,
                           std::string_view body, const ClientHeaders& headers) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nhost: {}\r\n", http::to_text(method), target, host);
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
  const bool bodiless = method == http::Method::get || method == http::Method::head;
  if (!body.empty() || !bodiless) text += fmt::format("content-length: {}\r\n", body.size());
  text += "\r\n";
  text += body;
  return text;
}

Result<ClientResponse> HttpClient::request(http::Method method, std::string_view target,
                                           std::string_view body, const ClientHeaders& headers) {
  const std::string host = fmt::format("{}:{}", link_->options.host, link_->options.port);
  const auto sent = send_raw(format_request(method, target, host, body, headers));
  // A server may answer (and close) before it has read everything: look for that answer too.
  auto response = receive(method == http::Method::head);
  if (!response && !sent) return sent.error();
  return response;
}

Result<ClientResponse> HttpClient::get(std::string_view target, const ClientHeaders& headers) {
  return request(http::Method::get, target, {}, headers);
}

Result<ClientResponse> HttpClient::post(std::string_view target, std::string_view body,
                                        const ClientHeaders& headers) {
  return request(http::Method::post, target, body, headers);
}

Result<void> HttpClient::send_raw(std::string_view bytes) {
  return link_->send(bytes);
}

Result<ClientResponse> HttpClient::receive(bool to_head) {
  const Time until = link_->deadline();
  std::string& input = link_->input;
  const auto more = [&]() -> Result<void> {
    if (input.size() > link_->options.max_response_size) return Error{"the response is too large"};
    switch (link_->receive(until)) {
      case Link::Got::bytes:
        return {};
      case Link::Got::timeout:
        return Error{"no response in time"};
      default:
        return Error{"the server closed the connection"};
    }
  };
  size_t head_end;
  while ((head_end = input.find("\r\n\r\n")) == input.npos) {
    if (const auto got = more(); !got) return got.error();
  }
  auto response = parse_head(std::string_view(input).substr(0, head_end));
  if (!response) return response;
  size_t body_size = 0;
  const bool bodiless = to_head || response->status == 204 || response->status == 304;
  if (!bodiless) {
    const std::string* length = response->header("content-length");
    if (length == nullptr || !is_number(*length, body_size)) {
      return Error{"the response has no valid content-length"};
    }
    if (body_size > link_->options.max_response_size) return Error{"the response is too large"};
  }
  const size_t whole = head_end + 4 + body_size;
  while (input.size() < whole) {
    if (const auto got = more(); !got) return got.error();
  }
  response->body = input.substr(head_end + 4, body_size);
  input.erase(0, whole);
  return response;
}

Result<std::string> HttpClient::receive_some() {
  if (link_->input.empty()) {
    switch (link_->receive(link_->deadline())) {
      case Link::Got::bytes:
        break;
      case Link::Got::timeout:
        return Error{"nothing arrived in time"};
      default:
        return Error{"the server closed the connection"};
    }
  }
  return std::exchange(link_->input, {});
}

Result<std::string> HttpClient::receive_until_closed() {
  const Time until = link_->deadline();
  for (;;) {
    const Link::Got got = link_->receive(until);
    if (got == Link::Got::timeout) return Error{"the server did not close in time"};
    if (got != Link::Got::bytes) return std::exchange(link_->input, {});
    if (link_->input.size() > link_->options.max_response_size) {
      return Error{"the response is too large"};
    }
  }
}

bool HttpClient::closed_within(std::chrono::milliseconds wait) {
  const Time until = std::chrono::steady_clock::now() + wait;
  for (;;) {
    const Link::Got got = link_->receive(until);
    if (got != Link::Got::bytes) return got != Link::Got::timeout;
    link_->input.clear();
  }
}

void HttpClient::finish_sending() {
  if (link_->ssl != nullptr) SSL_shutdown(link_->ssl);
  ::shutdown(link_->fd, SHUT_WR);
}

std::string HttpClient::server_certificate_pem() const {
  if (link_->ssl == nullptr) return {};
  X509* certificate = SSL_get0_peer_certificate(link_->ssl);
  if (certificate == nullptr) return {};
  std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(out.get(), certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string HttpClient::tls_version() const {
  return link_->ssl == nullptr ? "" : SSL_get_version(link_->ssl);
}

std::string HttpClient::cipher() const {
  return link_->ssl == nullptr ? "" : SSL_get_cipher_name(link_->ssl);
}

std::string HttpClient::alpn() const {
  if (link_->ssl == nullptr) return {};
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(link_->ssl, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

int HttpClient::socket() const {
  return link_->fd;
}

}  // namespace entente::net
