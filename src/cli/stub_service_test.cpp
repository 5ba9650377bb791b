#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/assert.h"
#include "cli/stub_service.h"

namespace entente::cli::test {

std::string stub_answer(int status, const std::string& body, const std::string& extra) {
  return "HTTP/1.1 " + std::to_string(status) + " Status\r\n" + extra +
         "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

StubService::StubService(const std::string& folder, StubHandler handler)
    : handler_(std::move(handler)) {
  std::signal(SIGPIPE, SIG_IGN);
  auto identity = make_identity({folder, "stub", crypto::Curve::p256, 1, false});
  ENTENTE_ASSERT(identity.ok());
  identity_ = *identity;
  context_ = SSL_CTX_new(TLS_server_method());
  ENTENTE_ASSERT(SSL_CTX_use_certificate_chain_file(context_, identity_.certificate.c_str()) == 1);
  ENTENTE_ASSERT(
      SSL_CTX_use_PrivateKey_file(context_, identity_.private_key.c_str(), SSL_FILETYPE_PEM) == 1);
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ENTENTE_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  ENTENTE_ASSERT(::listen(listener_, 64) == 0);
  ENTENTE_ASSERT(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

StubService::~StubService() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  {
    const std::lock_guard lock(mutex_);
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int socket : sockets_) ::close(socket);
  SSL_CTX_free(context_);
}

void StubService::accept_all() {
  while (!stopping_) {
    const int socket = ::accept(listener_, nullptr, nullptr);
    if (socket < 0) continue;
    const std::lock_guard lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { serve(socket); });
  }
}

void StubService::serve(int socket) {
  SSL* ssl = SSL_new(context_);
  SSL_set_fd(ssl, socket);
  std::string received;
  int answers = 0;
  bool open = SSL_accept(ssl) == 1;
  while (open) {
    char buffer[16384];
    const int n = SSL_read(ssl, buffer, sizeof buffer);
    if (n <= 0) break;
    received.append(buffer, static_cast<size_t>(n));
    std::string out;
    while (open) {
      const size_t end = received.find("\r\n\r\n");
      if (end == std::string::npos) break;
      StubRequest request;
      request.header = received.substr(0, end + 2);
      const size_t length_at = request.header.find("\r\ncontent-length: ");
      const size_t length =
          length_at == std::string::npos ? 0 : std::stoul(request.header.substr(length_at + 18));
      if (received.size() < end + 4 + length) break;
      request.method = request.header.substr(0, request.header.find(' '));
      const size_t target = request.method.size() + 1;
      request.target = request.header.substr(target, request.header.find(' ', target) - target);
      request.body = received.substr(end + 4, length);
      received.erase(0, end + 4 + length);
      out += handler_(request);
      if (++answers == answers_per_connection) open = false;
    }
    if (!out.empty() && SSL_write(ssl, out.data(), static_cast<int>(out.size())) <= 0) break;
  }
  SSL_shutdown(ssl);
  ::shutdown(socket, SHUT_RDWR);
  SSL_free(ssl);
}

}  // namespace entente::cli::test
