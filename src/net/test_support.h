#pragma once
// What the tests of this room share: self-signed identities, and a server with a small handler.

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/http_client.h"
#include "net/problem.h"
#include "net/server.h"

namespace entente::net::test {

struct Identity {
  std::string certificate_pem;
  std::string key_pem;
};

inline std::string pem_text(const std::function<void(BIO*)>& write) {
  BIO* out = BIO_new(BIO_s_mem());
  write(out);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(out);
  return text;
}

/// Self-signed, for 127.0.0.1. `from_days` and `to_days` relative to now.
inline Identity make_identity(const char* name, const char* curve = "P-384", long from_days = -1,
                              long to_days = 1) {
  EVP_PKEY* key = EVP_EC_gen(curve);
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_days * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), to_days * 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha384());
  Identity identity{pem_text([&](BIO* out) { PEM_write_bio_X509(out, certificate); }),
                    pem_text([&](BIO* out) {
                      PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
                    })};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return identity;
}

/// Made once: key generation is slow under sanitizers.
inline const Identity& server_identity() {
  static const Identity identity = make_identity("server");
  return identity;
}

/// A handler made of functions.
class FunctionHandler : public RequestHandler {
 public:
  std::function<void(size_t, Exchange&)> on_request;
  std::function<void(size_t)> on_batch;
  std::atomic<size_t> handled{0};

  void handle(size_t worker, Exchange& exchange) override {
    ++handled;
    on_request(worker, exchange);
  }
  void end_of_batch(size_t worker) override {
    if (on_batch) on_batch(worker);
  }
};

/// Says what it understood: `METHOD target header-count body`; some paths do something special.
inline void echo(size_t, Exchange& exchange) {
  const http::Request& request = exchange.request();
  http::Response& response = exchange.response();
  if (request.path == "/throw") throw std::runtime_error("on purpose");
  if (request.path == "/large") {
    response.set_body(std::string(std::stoul(std::string(request.query)), 'x'), "text/plain");
    return;
  }
  if (request.path == "/close") response.close = true;
  std::string text(http::to_text(request.method));
  text += " " + std::string(request.target) + " " + std::to_string(request.headers.size()) + " ";
  text += as_text(request.body);
  response.set_body(text, "text/plain");
  response.set_header("x-caller", std::to_string(exchange.session().client_certificate_der.size()));
}

/// A started server with one interface; stops on destruction.
class TestServer {
 public:
  explicit TestServer(InterfaceConfig config = {}, ServerOptions options = {},
                      std::function<void(size_t, Exchange&)> on_request = echo)
      : server(options, handler) {
    handler.on_request = std::move(on_request);
    if (config.name.empty()) config.name = "main";
    const bool tls = config.tls;
    const auto added = server.add_interface(std::move(config));
    EXPECT_TRUE(added.ok()) << (added.ok() ? "" : added.error().message);
    EXPECT_TRUE(server.start().ok());
    if (tls) set_certificate();
  }

  void set_certificate() {
    const auto set =
        server.set_certificate(0, server_identity().certificate_pem, server_identity().key_pem);
    EXPECT_TRUE(set.ok()) << (set.ok() ? "" : set.error().message);
  }

  HttpClientOptions client_options() const {
    HttpClientOptions options;
    options.timeout = std::chrono::seconds(60);  // sanitizers on a busy machine
    options.port = server.bound_address(0).port;
    options.tls = server.config(0).tls;
    if (options.tls) options.trusted_pem = server_identity().certificate_pem;
    return options;
  }
  Result<HttpClient> try_connect() const { return HttpClient::connect(client_options()); }
  HttpClient connect() const {
    auto client = try_connect();
    if (!client) throw std::runtime_error(client.error().message);
    return std::move(*client);
  }
  InterfaceMetrics metrics() const { return server.metrics().interfaces.front(); }

  FunctionHandler handler;
  Server server;
};

inline InterfaceConfig plain() {
  InterfaceConfig config;
  config.tls = false;
  return config;
}

/// Polls for something that another thread is about to do; the limit only bounds a failing test.
template <typename Condition>
bool eventually(Condition condition, std::chrono::seconds limit = std::chrono::seconds(20)) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace entente::net::test
