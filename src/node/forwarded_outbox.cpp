#include "node/forwarded_outbox.h"

#include "base/assert.h"
#include "entente/call.h"

namespace entente::node {

size_t ForwardedOutbox::send(std::span<net::LinkMessage> messages) {
  const std::lock_guard lock(mutex_);
  return send_ && !messages.empty() ? send_(messages) : 0;
}

bool ForwardedOutbox::send(const NodeId& to, net::MessageKind kind, Bytes payload) {
  net::LinkMessage message{&to, kind, std::move(payload)};
  return send({&message, 1}) == 1;
}

Bytes ForwardedOutbox::encode_answer(const ForwardedResponse& answer) const {
  if (auto bytes = encode(answer, max_payload_)) return std::move(*bytes);
  ForwardedResponse error;
  error.correlation = answer.correlation;
  error.last_seen = answer.last_seen;
  set_error(error.response, http::status::internal_server_error, errors::internal_error,
            "The answer is too large to be sent back from the primary.");
  error.response.close = answer.response.close;
  auto bytes = encode(error, max_payload_);
  ENTENTE_ASSERT(bytes.has_value());
  return std::move(*bytes);
}

void ForwardedOutbox::send_answer(const NodeId& to, const ForwardedResponse& answer) {
  if (!send(to, net::MessageKind::forwarded_response, encode_answer(answer))) ++unsent;
}

void ForwardedOutbox::close() {
  const std::lock_guard lock(mutex_);
  send_ = nullptr;
}

}  // namespace entente::node
