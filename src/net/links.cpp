#include "net/links.h"

#include <pthread.h>
#include <unistd.h>

#include <mutex>
#include <system_error>
#include <thread>

#include "base/assert.h"
#include "net/link_loop.h"
#include "net/link_socket.h"

namespace entente::net {

struct Links::Parts {
  Parts(LinkOptions its_options, int its_listener, std::optional<SocketAddress> its_source)
      : options(std::move(its_options)),
        listener(its_listener),
        source(std::move(its_source)),
        address(bound_address(listener).text()),
        mailbox(options.max_payload, options.max_queue_bytes, options.max_queue_messages) {}
  ~Parts() { ::close(listener); }

  const LinkOptions options;
  const int listener;
  const std::optional<SocketAddress> source;
  const std::string address;
  LinkMailbox mailbox;
  LinkRefusals refusals;
  std::unique_ptr<LinkLoop> loop;
  std::mutex stopping;
  std::thread thread;
};

namespace {

Result<std::optional<SocketAddress>> source_address(const LinkOptions& options) {
  if (!options.source_address) return std::optional<SocketAddress>();
  const auto address = parse_address(*options.source_address, 0);
  if (!address) return address.error();
  if (const auto numeric = numeric_address(*address)) return std::optional(*numeric);
  const auto hosts = resolve_host(address->host);
  if (!hosts) return hosts.error();
  for (const std::string& host : *hosts) {
    if (const auto numeric = numeric_address({host, address->port})) return std::optional(*numeric);
  }
  return Error{address->host + " has no address"};
}

}  // namespace

Links::Links(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Links::~Links() {
  stop();
}

Result<std::unique_ptr<Links>> Links::listen(LinkOptions options) {
  ENTENTE_ASSERT(options.max_payload <= UINT32_MAX);
  ENTENTE_ASSERT(options.connect_timeout.count() > 0 && options.idle_timeout.count() > 0);
  ENTENTE_ASSERT(options.first_backoff.count() > 0 && options.max_handshakes > 0);
  const auto source = source_address(options);
  if (!source) return source.error().at("source of node-to-node connections");
  const std::string place = "node-to-node interface " + options.listen_address;
  const auto address = parse_address(options.listen_address);
  if (!address) return address.error().at(place);
  const auto listener = listen_for_links(*address);
  if (!listener) return listener.error().at(place);
  return std::unique_ptr<Links>(
      new Links(std::make_unique<Parts>(std::move(options), *listener, *source)));
}

const std::string& Links::address() const {
  return parts_->address;
}

Result<void> Links::start(const LinkIdentity& identity, LinkHandlers handlers) {
  ENTENTE_ASSERT(!parts_->loop && handlers.known && handlers.received);
  auto tls = make_link_tls(identity);
  if (!tls) return tls.error().at("node-to-node links");
  Parts& parts = *parts_;
  const NodeId self{identity.key.public_key().id()};
  parts.mailbox.set_self(self);
  parts.loop = std::make_unique<LinkLoop>(parts.options, std::move(*tls), std::move(handlers), self,
                                          identity.address, parts.source, parts.listener,
                                          parts.mailbox, parts.refusals);
  try {
    parts.thread = std::thread([loop = parts.loop.get()] { loop->run(); });
  } catch (const std::system_error& failure) {
    return Error{failure.what()}.at("node-to-node links");
  }
  pthread_setname_np(parts.thread.native_handle(), "links");
  return {};
}

void Links::stop() {
  parts_->mailbox.stop();
  const std::lock_guard guard(parts_->stopping);
  if (!parts_->thread.joinable()) return;
  ENTENTE_ASSERT(parts_->thread.get_id() != std::this_thread::get_id());
  parts_->thread.join();
}

void Links::set_peers(std::map<NodeId, std::string> peers) {
  parts_->mailbox.set_peers(std::move(peers));
}

bool Links::send(const NodeId& to, MessageKind kind, Bytes payload) {
  LinkMessage message{&to, kind, std::move(payload)};
  return send(std::span(&message, 1)) == 1;
}

size_t Links::send(std::span<LinkMessage> messages) {
  return parts_->mailbox.send(messages);
}

void Links::resume(const NodeId& peer) {
  parts_->mailbox.resume(peer);
}

LinkMetrics Links::metrics() const {
  return {parts_->mailbox.metrics(), parts_->refusals.counts()};
}

}  // namespace entente::net
