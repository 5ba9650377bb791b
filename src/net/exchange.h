#pragma once
// One request and its answer, as the layer above sees them.

#include <cstdint>
#include <memory>
#include <string_view>

#include "entente/bytes.h"
#include "entente/http.h"
#include "net/interface.h"

namespace entente::net {

class Mailbox;

/// Who is at the other end: one per connection (HTTP/1.1) or per stream (HTTP/2, where the id is
/// that of the connection). Only its worker touches it; it lives until the connection or stream
/// ends, so beyond a LaterAnswer of it only if the peer stays.
struct SessionInfo {
  uint64_t id = 0;  ///< unique within the life of the server
  const InterfaceConfig* interface = nullptr;
  size_t interface_index = 0;        ///< in the order of Server::add_interface
  BytesView client_certificate_der;  ///< leaf, unverified; empty if none was presented
  bool http2 = false;
  std::shared_ptr<void> user;  ///< the upper layer's, of this connection or stream
  /// The upper layer's, of the whole connection in both protocols (such as a parsed certificate).
  std::shared_ptr<void>* connection_user = nullptr;
};

/// The promise to answer one request after its handler returned. Movable, may be completed on any
/// thread; the answer travels to the worker that owns the connection. Dropping it unanswered
/// answers 500; completing it when the client or the server has gone does nothing.
class LaterAnswer {
 public:
  LaterAnswer() = default;
  LaterAnswer(std::shared_ptr<Mailbox> mailbox, uint64_t connection, uint64_t slot);
  LaterAnswer(LaterAnswer&&) noexcept = default;
  LaterAnswer& operator=(LaterAnswer&& other) noexcept;
  ~LaterAnswer();

  bool pending() const { return mailbox_ != nullptr; }
  /// Only when pending(); once.
  void complete(http::Response&& response);

 private:
  std::shared_ptr<Mailbox> mailbox_;
  uint64_t connection_ = 0;
  uint64_t slot_ = 0;
};

/// Lives as long as the call of the handler.
class Exchange {
 public:
  Exchange(const http::Request& request, http::Response& response, SessionInfo& session,
           const std::shared_ptr<Mailbox>& mailbox, uint64_t slot)
      : request_(request), response_(response), session_(session), mailbox_(mailbox), slot_(slot) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Views into the read buffer: copy what an answer that comes later needs.
  const http::Request& request() const { return request_; }
  /// Fresh (200, empty); sent when the handler returns, unless answer_later() was called.
  http::Response& response() { return response_; }
  SessionInfo& session() { return session_; }
  /// At most once. response() is then ignored.
  LaterAnswer answer_later();
  bool answers_later() const { return later_; }

 private:
  const http::Request& request_;
  http::Response& response_;
  SessionInfo& session_;
  const std::shared_ptr<Mailbox>& mailbox_;
  uint64_t slot_;
  bool later_ = false;
};

/// The layer above. Called on worker threads, by each worker one call at a time.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  /// An exception becomes 500 `InternalError`, `Exception: {what}`, and closes the connection.
  virtual void handle(size_t worker, Exchange& exchange) = 0;
  /// After all requests of one round of reads were handled, before any of their answers is sent.
  virtual void end_of_batch(size_t worker) = 0;
};

}  // namespace entente::net
