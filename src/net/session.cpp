#include "net/session.h"

#include <exception>
#include <string>

#include "net/problem.h"

namespace entente::net {

bool handle(WorkerContext& context, const http::Request& request, SessionInfo& session,
            uint64_t slot) {
  http::Response& response = context.response;
  response.reset();
  ++context.handled;
  Exchange exchange(request, response, session, context.mailbox, slot);
  const char* what = nullptr;
  std::string text;
  try {
    context.handler->handle(context.worker, exchange);
    return !exchange.answers_later();
  } catch (const std::exception& thrown) {
    text = thrown.what();
    what = text.c_str();
  } catch (...) {
    what = "unknown";
  }
  // Once its answer was promised for later, that promise (or its drop) answers.
  if (exchange.answers_later()) return false;
  response.reset();
  set_problem(response, http::status::internal_server_error, "InternalError",
              std::string("Exception: ") + what);
  response.close = true;
  return true;
}

SessionInfo make_session_info(PeerContext& peer, bool http2) {
  SessionInfo info;
  info.id = peer.connection;
  info.interface = &peer.endpoint->config;
  info.interface_index = peer.endpoint->index;
  info.client_certificate_der = peer.client_certificate;
  info.http2 = http2;
  info.connection_user = &peer.user;
  return info;
}

void set_session_cap_exhausted(http::Response& response) {
  set_problem(response, http::status::service_unavailable, "SessionCapExhausted",
              "Service is currently busy and unable to serve new connections");
  response.close = true;
}

}  // namespace entente::net
