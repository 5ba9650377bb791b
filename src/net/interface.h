#pragma once
// What an operator can set for one listening interface, and what is counted for it.
// Source: docs/http-api.md (limits, caps, timeouts), docs/configuration.md.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace entente::net {

/// Bounds on one request, in bytes unless said otherwise. A size equal to its limit is accepted.
struct HttpLimits {
  uint64_t max_body_size = 1 << 20;
  uint64_t max_header_size = 16 << 10;  ///< of each header name and of each header value
  uint64_t max_headers_count = 256;
  uint64_t max_target_size = 64 << 10;  ///< of the request target (path and query), ours
  // HTTP/2 only
  uint32_t max_concurrent_streams_count = 100;
  uint32_t initial_window_size = 64 << 10;
  uint32_t max_frame_size = 16 << 10;  ///< 16 KB to 16 MB, larger or smaller values are clamped
};

enum class AppProtocol {
  http1,
  http2,  ///< always HTTP/2, whatever ALPN said; over unsecured TCP with prior knowledge
  both    ///< ALPN decides; without ALPN HTTP/1.1
};

struct InterfaceConfig {
  std::string name;                ///< unique within a server
  std::string host = "127.0.0.1";  ///< a numeric address or a name to resolve
  uint16_t port = 0;               ///< 0: the system chooses, see Server::bound_address
  AppProtocol app_protocol = AppProtocol::http1;
  bool tls = true;
  uint64_t max_open_sessions_soft = 1000;  ///< at or above: 503 SessionCapExhausted, then close
  uint64_t max_open_sessions_hard = 1010;  ///< reaching it: closed at accept
  HttpLimits limits;
  /// Without inbound bytes for longer than this the connection is closed; nullopt: never.
  std::optional<std::chrono::milliseconds> idle_timeout = std::chrono::seconds(60);
};

struct ErrorCounts {
  uint64_t parsing = 0;
  uint64_t request_payload_too_large = 0;
  uint64_t request_header_too_large = 0;
  bool operator==(const ErrorCounts&) const = default;
};

struct InterfaceMetrics {
  std::string name;
  uint64_t active = 0;  ///< open connections, those being refused at the soft cap included
  uint64_t peak = 0;
  uint64_t soft_cap = 0;
  uint64_t hard_cap = 0;
  ErrorCounts errors;
};

struct ServerMetrics {
  uint64_t active = 0;
  uint64_t peak = 0;                         ///< of the sum, not the sum of the peaks
  std::vector<InterfaceMetrics> interfaces;  ///< in the order in which they were added
};

}  // namespace entente::net
