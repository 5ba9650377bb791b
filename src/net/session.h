#pragma once
// One connection's application protocol: plaintext in, plaintext out. Two implementations,
// HTTP/1.1 and HTTP/2. It never touches the socket or TLS.

#include <chrono>
#include <memory>

#include "net/endpoint.h"
#include "net/exchange.h"
#include "net/mailbox.h"
#include "net/server.h"

namespace entente::net {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What a worker shares with the sessions of its connections.
struct WorkerContext {
  size_t worker = 0;
  const ServerOptions* options = nullptr;
  RequestHandler* handler = nullptr;
  std::shared_ptr<Mailbox> mailbox;
  SteadyTime now{};         ///< read once per turn of the loop
  size_t handled = 0;       ///< requests handled in the current round
  http::Response response;  ///< reused from request to request
};

/// What is known of a connection when its protocol starts. Owned by the connection.
struct PeerContext {
  uint64_t connection = 0;
  Endpoint* endpoint = nullptr;
  Bytes client_certificate;    ///< DER, or empty
  std::shared_ptr<void> user;  ///< see SessionInfo::connection_user
  bool refused = false;        ///< above the soft cap: every request gets 503
};

class Session {
 public:
  virtual ~Session() = default;

  /// Interprets `input`, of which the last `fresh` bytes were received just now and the rest was
  /// left over by the last call; handles the complete requests; appends what is to be sent to
  /// `out`. Returns how many bytes it is done with; the others are handed to it again. Stops early
  /// when it has appended enough or waits for too many answers: see blocked().
  virtual size_t receive(BytesView input, size_t fresh, Bytes& out) = 0;
  /// An answer that comes later; unknown slots are ignored.
  virtual void complete(uint64_t slot, http::Response&& response, Bytes& out) = 0;
  /// The server stops: no more requests; what is due still leaves.
  virtual void shut_down(Bytes& out) = 0;

  /// receive() would do something although nothing new came, once `out` was sent.
  virtual bool has_more() const = 0;
  /// Too many answers are due for more requests to be read.
  virtual bool blocked() const = 0;
  /// Answers are due that will come later.
  virtual bool answers_due() const = 0;
  /// When all that was appended is sent, the connection is to be closed.
  virtual bool finished() const = 0;
};

/// Calls the layer above; an exception becomes an answer that closes. Returns whether the answer
/// is in `context.response` (or else comes later).
bool handle(WorkerContext& context, const http::Request& request, SessionInfo& session,
            uint64_t slot);

SessionInfo make_session_info(PeerContext& peer, bool http2);

/// The 503 above the soft cap.
void set_session_cap_exhausted(http::Response& response);

}  // namespace entente::net
