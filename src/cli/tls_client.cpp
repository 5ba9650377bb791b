#include "cli/tls_client.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "cli/bench_response.h"
#include "node/config.h"

namespace entente::cli {
namespace {

Result<int> open_socket(const std::string& address, int timeout_seconds) {
  const auto parsed = node::Address::parse(address);
  if (!parsed) return parsed.error();
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(parsed->host.c_str(), std::to_string(parsed->port).c_str(), &wanted, &found);
  if (failed != 0) return Error{address + ": " + gai_strerror(failed)};
  int last_error = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    const int fd = ::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol);
    if (fd < 0) {
      last_error = errno;
      continue;
    }
    const timeval timeout{timeout_seconds, 0};
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd, one->ai_addr, one->ai_addrlen) == 0) {
      freeaddrinfo(found);
      return fd;
    }
    last_error = errno;
    ::close(fd);
  }
  freeaddrinfo(found);
  return Error{address + ": " + std::strerror(last_error)};
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

Result<TlsContext> TlsContext::make(const TlsIdentity& identity) {
  TlsContext out;
  out.context_.reset(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX* context = out.context_.get();
  if (context == nullptr) return Error{"TLS: " + openssl_reason()};
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Many records a system call.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 64 << 10);
  if (!identity.service_certificate_file.empty()) {
    if (SSL_CTX_load_verify_file(context, identity.service_certificate_file.c_str()) != 1) {
      return Error{identity.service_certificate_file + ": " + openssl_reason()};
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    // The service certificate is trusted as it stands, whoever issued it.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
  }
  if (!identity.certificate_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, identity.certificate_file.c_str()) != 1) {
      return Error{identity.certificate_file + ": " + openssl_reason()};
    }
    const std::string& key =
        identity.key_file.empty() ? identity.certificate_file : identity.key_file;
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
      return Error{key + ": " + openssl_reason()};
    }
  }
  return out;
}

Result<TlsClient> TlsClient::connect(const TlsContext& context, const std::string& address,
                                     int timeout_seconds) {
  auto socket = open_socket(address, timeout_seconds);
  if (!socket) return socket.error();
  TlsClient client(SSL_new(context.native()), *socket);
  if (client.ssl_ == nullptr || SSL_set_fd(client.ssl_, *socket) != 1) {
    return Error{"TLS: " + openssl_reason()};
  }
  ERR_clear_error();
  if (SSL_connect(client.ssl_) != 1) {
    const long verified = SSL_get_verify_result(client.ssl_);
    const std::string reason = verified != X509_V_OK
                                   ? std::string(
                                         "the server's certificate is not endorsed by the "
                                         "service certificate given: ") +
                                         X509_verify_cert_error_string(verified)
                                   : "TLS handshake: " + openssl_reason();
    return Error{address + ": " + reason};
  }
  return client;
}

TlsClient::TlsClient(TlsClient&& other) noexcept
    : ssl_(std::exchange(other.ssl_, nullptr)), socket_(std::exchange(other.socket_, -1)) {}

TlsClient& TlsClient::operator=(TlsClient&& other) noexcept {
  std::swap(ssl_, other.ssl_);
  std::swap(socket_, other.socket_);
  return *this;
}

TlsClient::~TlsClient() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  if (socket_ >= 0) ::close(socket_);
}

Result<void> TlsClient::send(std::string_view request) {
  ERR_clear_error();
  while (!request.empty()) {
    size_t written = 0;
    if (SSL_write_ex(ssl_, request.data(), request.size(), &written) != 1) {
      return Error{"writing a request: " + openssl_reason()};
    }
    request.remove_prefix(written);
  }
  return {};
}

/// The next answer; `received` keeps what came after it.
Result<Answer> TlsClient::receive(std::string& received, bool without_body) {
  constexpr size_t longest_answer = 64 << 20;
  while (true) {
    auto frame = parse_response(received);
    if (!frame) return frame.error();
    if (*frame && without_body) (*frame)->body_size = 0;
    if (*frame && (*frame)->size() > longest_answer) return Error{"the answer is too long"};
    if (*frame && received.size() >= (*frame)->size()) {
      Answer answer{(*frame)->status, received.substr(0, (*frame)->header_size),
                    received.substr((*frame)->header_size, (*frame)->body_size)};
      received.erase(0, (*frame)->size());
      return answer;
    }
    char buffer[16384];
    size_t got = 0;
    if (SSL_read_ex(ssl_, buffer, sizeof buffer, &got) != 1) {
      return Error{received.empty() ? "the connection ended before an answer came"
                                    : "the connection ended within an answer"};
    }
    received.append(buffer, got);
  }
}

Result<Answer> TlsClient::exchange(std::string_view request) {
  if (auto sent = send(request); !sent) return sent.error();
  std::string received;
  return receive(received, request.starts_with("HEAD "));  // RFC 9110 9.3.2
}

Result<std::vector<Answer>> TlsClient::exchange_all(std::string_view requests, size_t count) {
  if (auto sent = send(requests); !sent) return sent.error();
  std::vector<Answer> answers;
  std::string received;
  while (answers.size() < count) {
    auto answer = receive(received, false);
    if (!answer) return answer.error();
    answers.push_back(std::move(*answer));
  }
  return answers;
}

Result<void> TlsClient::make_non_blocking() {
  const int flags = fcntl(socket_, F_GETFL);
  if (flags < 0 || fcntl(socket_, F_SETFL, flags | O_NONBLOCK) != 0) {
    return Error{std::string("fcntl: ") + std::strerror(errno)};
  }
  return {};
}

std::string request_text(std::string_view method, std::string_view target, std::string_view body,
                         std::string_view extra) {
  std::string out;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nhost: entente\r\n");
  out.append(extra);
  if (!body.empty() || method == "PUT" || method == "POST") {
    out.append("content-length: ").append(std::to_string(body.size())).append("\r\n");
  }
  return out.append("\r\n").append(body);
}

}  // namespace entente::cli
