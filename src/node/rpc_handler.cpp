#include "node/rpc_handler.h"

namespace entente::node {

RpcHandler::RpcHandler(rpc::Frontends& frontends, replica::Replica& replica, size_t workers)
    : frontends_(frontends), replica_(replica) {
  for (size_t i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<PerWorker>(replica.make_lane()));
  }
}

rpc::Session& RpcHandler::session_of(net::SessionInfo& info) const {
  if (!info.user) {
    auto session = std::make_shared<rpc::Session>();
    session->id = info.id;
    session->interface = interfaces_.at(info.interface_index);
    session->http2 = info.http2;
    if (!info.client_certificate_der.empty()) {
      std::shared_ptr<void>& shared = *info.connection_user;
      if (!shared) {
        shared = std::make_shared<rpc::ClientCertificate>(to_bytes(info.client_certificate_der));
      }
      session->certificate = std::static_pointer_cast<rpc::ClientCertificate>(shared);
    }
    info.user = std::move(session);
  }
  return *static_cast<rpc::Session*>(info.user.get());
}

void RpcHandler::handle(size_t worker, net::Exchange& exchange) {
  const rpc::AnswerLater later = [&exchange]() -> rpc::Answer {
    auto answer = std::make_shared<net::LaterAnswer>(exchange.answer_later());
    return [answer](http::Response&& response) { answer->complete(std::move(response)); };
  };
  frontends_.process(workers_[worker]->rpc, exchange.request(), session_of(exchange.session()),
                     exchange.response(), &later);
}

void RpcHandler::end_of_batch(size_t worker) {
  if (workers_[worker]->lane->hand_over()) replica_.brake();
}

}  // namespace entente::node
