// Any bytes behind the client's preface (and without it) through an HTTP/2 session, with a handler
// that answers some requests at once, some later and some never.

#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "net/http2_session.h"

namespace entente::net {
namespace {

class FuzzHandler : public RequestHandler {
 public:
  void handle(size_t, Exchange& exchange) override {
    const size_t kind = exchange.request().headers.size() % 3;
    if (kind == 0) exchange.response().set_body(std::string(70000, 'x'), "text/plain");
    if (kind == 1) later.push_back(exchange.answer_later());
    if (kind == 2) exchange.response().body = to_bytes(exchange.request().body);
  }
  void end_of_batch(size_t) override {}
  std::vector<LaterAnswer> later;
};

struct Surroundings {
  Surroundings() {
    InterfaceConfig config;
    config.name = "fuzz";
    config.tls = false;
    config.limits = {.max_body_size = 512, .max_header_size = 64, .max_headers_count = 8};
    auto listening = Endpoint::listen(config, 0, total);
    ENTENTE_ASSERT(listening.ok());
    endpoint = std::move(*listening);
    worker.options = &options;
    worker.handler = &handler;
    worker.mailbox = std::make_shared<Mailbox>();
  }
  ConnectionCount total;
  std::unique_ptr<Endpoint> endpoint;
  ServerOptions options;
  FuzzHandler handler;
  WorkerContext worker;
};

}  // namespace
}  // namespace entente::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entente;
  using namespace entente::net;
  static Surroundings around;
  if (size < 2) return 0;
  PeerContext peer;
  peer.connection = 1;
  peer.endpoint = around.endpoint.get();
  const auto session = make_http2_session(around.worker, peer);
  Bytes out;
  if ((data[0] & 1) != 0) {
    session->receive(as_bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 24, out);
  }
  const size_t step = size_t{1} + data[1];
  for (size_t at = 2; at < size && !session->finished(); at += step) {
    const BytesView part(data + at, std::min(step, size - at));
    ENTENTE_ASSERT(session->receive(part, part.size(), out) == part.size());
    std::vector<Mailbox::Item> items;
    if ((data[0] & 2) != 0) around.handler.later.clear();  // dropped: answered by 500
    around.worker.mailbox->take(items);
    for (Mailbox::Item& item : items) {
      auto& late = std::get<LateAnswer>(item);
      session->complete(late.slot, std::move(late.response), out);
    }
    while (session->has_more() && !session->finished()) session->receive({}, 0, out);
    out.clear();
  }
  around.handler.later.clear();
  std::vector<Mailbox::Item> unread;
  around.worker.mailbox->take(unread);
  return 0;
}
