#include "net/link_incoming.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "net/link_socket.h"
#include "net/tls_context.h"

namespace entente::net {
namespace {

constexpr SteadyTime never = SteadyTime::max();
/// What a listener may have to say: the handshake, alerts, answers to key updates.
constexpr size_t max_unsent = 64 << 10;
/// When the process has no descriptors left.
constexpr std::chrono::milliseconds exhaustion_pause{100};

}  // namespace

IncomingLink::IncomingLink(LinkContext& context, IncomingLinks& all, uint64_t number, int socket)
    : context_(context),
      all_(all),
      number_(number),
      connection_(socket, context.tls.listener.get(), TlsChannel::Side::server, context.poll,
                  *this),
      deadline_(context.now + context.options.connect_timeout),
      frames_(context.options.max_payload) {
  connection_.watch(true, false);
}

void IncomingLink::on_event(uint32_t) {
  using Status = LinkConnection::Input::Status;
  if (ended_) return;
  if (paused_) {
    if (!connection_.flush()) return end();
    return connection_.watch(false, connection_.unsent() > 0);
  }
  const auto input = connection_.read(*context_.buffers);
  if (input.status == Status::tls_error) {
    const LinkRefusal reason =
        connection_.tls().established() ? LinkRefusal::bad_record : refusal_of_handshake();
    return refuse(reason, take_openssl_error());
  }
  if (!peer_ && connection_.tls().established() && !identify()) return;
  if (!input.plaintext.empty()) take(input.plaintext);
  if (ended_) return;
  // What a paused link still holds is delivered first; it finds the end again when it reads on.
  if (input.status != Status::open && !paused_) return end();
  if (!connection_.flush() || connection_.unsent() > max_unsent) return end();
  connection_.watch(!paused_, connection_.unsent() > 0);
}

bool IncomingLink::identify() {
  const std::string_view protocol = connection_.tls().alpn();
  if (protocol != link_protocol) {
    refuse(LinkRefusal::protocol, protocol);
    return false;
  }
  const auto node = peer_of(connection_.tls());
  if (!node) {
    refuse(LinkRefusal::unusable_key, node.error().message);
    return false;
  }
  const LinkHandlers& handlers = context_.handlers;
  vouched_for_ = !handlers.known(node->id) && handlers.vouched_for &&
                 handlers.vouched_for(node->id, node->certificate);
  if (!vouched_for_ && !handlers.known(node->id)) {
    refuse(LinkRefusal::unknown_node, node->id.value);
    return false;
  }
  peer_ = context_.mailbox.incoming(node->id);
  peer_->connections.fetch_add(1, std::memory_order_relaxed);
  deadline_ = context_.now + 2 * context_.options.idle_timeout;
  all_.identified(*this);
  return true;
}

void IncomingLink::on_time() {
  if (!peer_) return refuse(LinkRefusal::handshake_timeout, "");
  if (paused_) {
    deadline_ = context_.now + 2 * context_.options.idle_timeout;
  } else {
    end();
  }
}

void IncomingLink::resume() {
  if (!paused_ || ended_) return;
  paused_ = false;
  const Bytes rest = std::move(left_over_);
  left_over_.clear();
  take(rest);
  if (!ended_ && !paused_) connection_.watch(true, connection_.unsent() > 0);
}

/// Everything that one read brought.
void IncomingLink::take(BytesView rest) {
  deadline_ = context_.now + 2 * context_.options.idle_timeout;
  const size_t bytes = rest.size();
  uint64_t messages = 0;
  while (!ended_ && !paused_ && take_message(rest) == FrameReader::Outcome::message) ++messages;
  peer_->received.add(messages, bytes - rest.size());
  if (paused_) left_over_.assign(rest.begin(), rest.end());
  if (messages > 0 && context_.handlers.end_of_batch) context_.handlers.end_of_batch();
}

FrameReader::Outcome IncomingLink::take_message(BytesView& rest) {
  const auto outcome = frames_.next(rest);
  switch (outcome) {
    case FrameReader::Outcome::need_more:
      break;
    case FrameReader::Outcome::unknown_kind:
      refuse(LinkRefusal::unknown_kind, "");
      break;
    case FrameReader::Outcome::oversized:
      refuse(LinkRefusal::oversized, "");
      break;
    case FrameReader::Outcome::message:
      if (!deliver(frames_.kind(), frames_.take_payload())) return FrameReader::Outcome::need_more;
  }
  return outcome;
}

bool IncomingLink::deliver(MessageKind kind, Bytes payload) {
  const bool first = std::exchange(first_, false);
  if (kind == MessageKind::introduction) return introduced(first, as_text(payload));
  const bool known = context_.handlers.known(peer_->id);
  // Once it was known, or is known to be removed, it depends on the store alone.
  const LinkHandlers& handlers = context_.handlers;
  if (known || (vouched_for_ && handlers.removed && handlers.removed(peer_->id))) {
    vouched_for_ = false;
  }
  if (!known && !(vouched_for_ && kind == MessageKind::consensus)) {
    refuse(LinkRefusal::unknown_node, vouched_for_ ? "for anything but consensus" : "any more");
    return false;
  }
  paused_ = context_.handlers.received(peer_->id, kind, std::move(payload)) == Flow::pause;
  return true;
}

bool IncomingLink::introduced(bool first, std::string_view address) {
  const auto parsed = parse_address(address);
  if (!first || !parsed) {
    refuse(LinkRefusal::bad_introduction, first ? parsed.error().message : "too late");
    return false;
  }
  if (context_.handlers.introduced) {
    context_.handlers.introduced(peer_->id, std::string(address));
  }
  return true;
}

void IncomingLink::refuse(LinkRefusal reason, std::string_view detail) {
  context_.refusals.refuse(reason, peer_ ? peer_->id.value : connection_.peer_address(), detail);
  connection_.flush();  // a TLS alert that tells the peer why
  end();
}

void IncomingLink::end() {
  if (ended_) return;
  silence();
  all_.ended(*this);
}

void IncomingLink::silence() {
  ended_ = true;
  connection_.watch(false, false);
}

// --- all of them --------------------------------------------------------------------------------

IncomingLinks::IncomingLinks(LinkContext& context, int socket)
    : context_(context),
      socket_(socket),
      number_(context.poll.add(*this)),
      allowance_(context.options.handshakes_per_second),
      allowance_at_(context.now),
      accept_again_(never) {
  watch(true);
}

IncomingLinks::~IncomingLinks() {
  close();
}

void IncomingLinks::watch(bool input) {
  const uint32_t wanted = input ? uint32_t{EPOLLIN} : 0;
  if (context_.poll.watch(socket_, number_, interest_, wanted)) {
    interest_ = wanted;
  } else {
    accept_again_ = context_.now + exhaustion_pause;
  }
}

void IncomingLinks::close() {
  watch(false);
  context_.poll.remove(number_);
  accept_again_ = never;
  for (auto& [number, link] : links_) {
    if (link->peer()) context_.mailbox.incoming_ended(*link->peer());
    dead_.push_back(std::move(link));
  }
  links_.clear();
  by_peer_.clear();
}

void IncomingLinks::on_event(uint32_t) {
  while (may_accept()) {
    const int socket = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      accept(socket);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accept_again_ = context_.now + exhaustion_pause;
      break;
    }  // else that connection failed on its way in: take the next
  }
  watch(false);
}

/// A handshake costs milliseconds; without this bound a flood of them would hold up the links.
bool IncomingLinks::may_accept() {
  const double rate = std::max(1u, context_.options.handshakes_per_second);
  const std::chrono::duration<double> passed = context_.now - allowance_at_;
  allowance_ = std::min(rate, allowance_ + passed.count() * rate);
  allowance_at_ = context_.now;
  if (allowance_ >= 1) return true;
  accept_again_ = context_.now + std::chrono::milliseconds(1 + static_cast<int>(1000 / rate));
  return false;
}

void IncomingLinks::accept(int socket) {
  allowance_ -= 1;
  set_link_options(socket, context_.options.connect_timeout);
  const auto strangers = std::count_if(links_.begin(), links_.end(),
                                       [](const auto& link) { return !link.second->peer(); });
  if (static_cast<size_t>(strangers) >= context_.options.max_handshakes) end_oldest_handshake();
  const uint64_t number = next_++;
  links_.emplace(number, std::make_unique<IncomingLink>(context_, *this, number, socket));
}

void IncomingLinks::end_oldest_handshake() {
  for (auto& [number, link] : links_) {
    if (!link->peer()) return link->refuse(LinkRefusal::too_many_handshakes, "");
  }
}

void IncomingLinks::identified(IncomingLink& link) {
  const auto [found, is_new] = by_peer_.try_emplace(link.peer()->id, &link);
  if (is_new) return;
  IncomingLink* const older = std::exchange(found->second, &link);
  older->silence();
  const auto place = links_.find(older->number());
  dead_.push_back(std::move(place->second));
  links_.erase(place);
}

void IncomingLinks::ended(IncomingLink& link) {
  if (link.peer()) {
    context_.mailbox.incoming_ended(*link.peer());
    by_peer_.erase(link.peer()->id);
  }
  const auto place = links_.find(link.number());
  dead_.push_back(std::move(place->second));
  links_.erase(place);
}

void IncomingLinks::resume(const NodeId& peer) {
  const auto found = by_peer_.find(peer);
  if (found != by_peer_.end()) found->second->resume();
}

SteadyTime IncomingLinks::deadline() const {
  SteadyTime next = accept_again_;
  for (const auto& [number, link] : links_) next = std::min(next, link->deadline());
  return next;
}

void IncomingLinks::on_time() {
  if (context_.now >= accept_again_) {
    accept_again_ = never;
    watch(true);
  }
  for (auto it = links_.begin(); it != links_.end();) {
    IncomingLink& link = *(it++)->second;  // it may go
    if (context_.now >= link.deadline()) link.on_time();
  }
}

}  // namespace entente::net
