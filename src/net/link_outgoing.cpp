#include "net/link_outgoing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/log.h"
#include "net/link_frame.h"
#include "net/link_socket.h"
#include "net/tls_context.h"

namespace entente::net {
namespace {

/// Ciphertext that is made before it is sent: what one system call carries at most.
constexpr size_t write_bytes = 256 << 10;
/// Of one message at a time, so that a large one does not exceed this by much.
constexpr size_t step_bytes = 64 << 10;
/// Then the other links get their turn.
constexpr size_t turn_bytes = 1 << 20;
/// Of the emptied queue that is kept for the next messages.
constexpr size_t kept_capacity = 8192;

constexpr SteadyTime never = SteadyTime::max();

/// The next contiguous bytes of a frame from `position` on; empty at its end.
BytesView frame_part(const QueuedMessage& message, size_t position,
                     const std::array<uint8_t, frame_header_size>& header) {
  if (position < header.size()) return BytesView(header).subspan(position);
  position -= header.size();
  if (position < message.head.size()) return BytesView(message.head).subspan(position);
  position -= message.head.size();
  if (!message.body) return {};
  return BytesView(*message.body).subspan(position);
}

}  // namespace

OutgoingLink::OutgoingLink(LinkContext& context, LinkPeerPtr peer, std::string address,
                           uint64_t token)
    : context_(context),
      peer_(std::move(peer)),
      address_(std::move(address)),
      token_(token),
      deadline_(context.now),
      backoff_(context.options.first_backoff, context.options.last_backoff) {}

OutgoingLink::~OutgoingLink() {
  drop_connection();
}

// --- time and orders ----------------------------------------------------------------------------

void OutgoingLink::on_time() {
  switch (stage_) {
    case Stage::dormant:
      break;
    case Stage::waiting:
      dial();
      break;
    case Stage::resolving:
      fail("the name was not resolved in time");
      break;
    case Stage::connecting:
      fail("no connection in time");
      break;
    case Stage::handshaking:
      fail("no TLS handshake in time");
      break;
    case Stage::open:
      // With something under way it is for TCP to find out that the peer is gone.
      if (connection_->unsent() > 0) {
        deadline_ = context_.now + context_.options.idle_timeout;
      } else {
        go_dormant();
      }
  }
}

void OutgoingLink::on_ready() {
  if (stage_ == Stage::dormant && !finishing_) dial();
  if (stage_ == Stage::open && connection_->unsent() == 0) send_queued();
}

void OutgoingLink::finish() {
  finishing_ = true;
  if (stage_ != Stage::open) {
    go_dormant();
  } else if (connection_->unsent() == 0) {
    send_queued();
  }
}

// --- dialling -----------------------------------------------------------------------------------

void OutgoingLink::dial() {
  deadline_ = context_.now + context_.options.connect_timeout;
  const auto address = parse_address(address_);
  if (!address) return fail(address.error().message);
  if (address->port == 0) return fail("port 0 cannot be dialled");
  if (const auto numeric = numeric_address(*address)) {
    candidates_ = {*numeric};
    return dial_next_address();
  }
  stage_ = Stage::resolving;
  if (look_up_pending_) return fail("the name is still being resolved");
  if (!context_.resolver.start(token_, address->host)) return fail("too many names to resolve");
  look_up_pending_ = true;
}

void OutgoingLink::resolved(const Result<std::vector<std::string>>& hosts) {
  look_up_pending_ = false;
  if (stage_ != Stage::resolving) return;
  if (!hosts) return fail(hosts.error().message);
  const auto address = parse_address(address_);
  candidates_.clear();
  for (const std::string& host : *hosts) {
    if (const auto numeric = numeric_address({host, address->port})) {
      candidates_.push_back(*numeric);
    }
  }
  if (candidates_.empty()) return fail("the name has no address");
  dial_next_address();
}

/// One attempt tries one address; the next attempt tries the next.
void OutgoingLink::dial_next_address() {
  stage_ = Stage::connecting;
  const SocketAddress& target = candidates_[next_candidate_++ % candidates_.size()];
  const auto socket = net::dial(target, context_.source, context_.options.connect_timeout);
  if (!socket) return fail(socket.error().message);
  connection_ = std::make_unique<LinkConnection>(*socket, context_.tls.dialler.get(),
                                                 TlsChannel::Side::client, context_.poll, *this);
  connection_->watch(false, true);
}

// --- events of the connection -------------------------------------------------------------------

void OutgoingLink::on_event(uint32_t events) {
  if (stage_ == Stage::connecting) {
    if (const auto outcome = dialled(connection_->socket()); !outcome) {
      return fail(outcome.error().message);
    }
    stage_ = Stage::handshaking;
    connection_->begin_handshake(*context_.buffers);
  } else if ((events & ~uint32_t{EPOLLOUT}) != 0) {
    read();
  }
  if (stage_ == Stage::open) return send_queued();
  if (stage_ != Stage::handshaking) return;
  if (!connection_->flush()) return fail(std::strerror(errno));
  connection_->watch(true, connection_->unsent() > 0);
}

void OutgoingLink::read() {
  using Status = LinkConnection::Input::Status;
  const auto input = connection_->read(*context_.buffers);
  const int reason = errno;
  if (stage_ == Stage::handshaking && connection_->tls().established()) established();
  if (!connection_) return;
  if (!input.plaintext.empty()) {
    context_.refusals.refuse(LinkRefusal::unexpected_data, peer_->id.value, "");
    return fail("the peer sent data where it may only receive");
  }
  switch (input.status) {
    case Status::open:
      return;
    case Status::closed:
      return fail("closed by the peer");
    case Status::lost:
      return fail(std::strerror(reason));
    case Status::tls_error:
      return fail("TLS: " + take_openssl_error());
  }
}

/// TLS has proven who is there: is it whom this link is for?
void OutgoingLink::established() {
  const auto refuse = [&](LinkRefusal reason, const std::string& detail) {
    const std::string who = address_ + " for node " + peer_->id.value;
    context_.refusals.refuse(reason, who, detail);
    fail(fmt::format("{}: {}", name_of(reason), detail));
  };
  const std::string_view protocol = connection_->tls().alpn();
  if (protocol != link_protocol) return refuse(LinkRefusal::protocol, std::string(protocol));
  const auto found = peer_of(connection_->tls());
  if (!found) return refuse(LinkRefusal::unusable_key, found.error().message);
  if (found->id != peer_->id) {
    return refuse(LinkRefusal::wrong_node, "found node " + found->id.value);
  }
  stage_ = Stage::open;
  opened_ = context_.now;
  deadline_ = context_.now + context_.options.idle_timeout;
  records_ = 0;
  introduce();
  peer_->connected = true;
  peer_->connections.fetch_add(1, std::memory_order_relaxed);
  log::debug("link", "connected to node {} at {}", peer_->id.value, address_);
  if (context_.handlers.connection_changed) context_.handlers.connection_changed(peer_->id, true);
}

/// Who is connected to for the first time may not know yet how to answer. Leaves with what is sent
/// next, which is at the end of this event.
void OutgoingLink::introduce() {
  const std::string& own = context_.own_address;
  if (own.empty()) return;
  const auto header = frame_header(MessageKind::introduction, own.size());
  const bool gathered = encrypt(header) && encrypt(as_bytes(own));
  ENTENTE_ASSERT(gathered && record_filled_ > 0);  // less than a record
}

void OutgoingLink::go_dormant() {
  if (stage_ == Stage::open) connection_->close_gracefully();
  drop_connection();
  stage_ = Stage::dormant;
  deadline_ = never;
}

void OutgoingLink::fail(const std::string& error) {
  const bool first = !backoff_.pending();
  if (stage_ == Stage::open && context_.now - opened_ >= context_.options.last_backoff) {
    backoff_.reset();
  }
  if (first || stage_ == Stage::open) {
    log::info("link", "no connection to node {} at {}: {}", peer_->id.value, address_, error);
  }
  if (connection_) connection_->flush();  // a TLS alert that tells the peer why
  drop_connection();
  peer_->failures.fetch_add(1, std::memory_order_relaxed);
  context_.mailbox.lose_waiting(*peer_, error);
  stage_ = finishing_ ? Stage::dormant : Stage::waiting;
  deadline_ = finishing_ ? never : context_.now + backoff_.next(context_.random);
  if (context_.handlers.connection_changed) context_.handlers.connection_changed(peer_->id, false);
}

void OutgoingLink::drop_connection() {
  connection_.reset();
  peer_->connected = false;
  LinkAmount lost;
  for (size_t i = current_; i < sending_.size(); ++i) lost.add(sending_[i]);
  peer_->sent.add(sent_.messages, sent_.bytes);
  context_.mailbox.settle(*peer_, std::exchange(sent_, {}), lost);
  sending_ = {};
  current_ = position_ = record_filled_ = 0;
}

// --- sending ------------------------------------------------------------------------------------

void OutgoingLink::send_queued() {
  for (size_t spent = 0;;) {
    if (!connection_->flush()) return fail(std::strerror(errno));
    if (connection_->unsent() > 0 || spent >= turn_bytes) return connection_->watch(true, true);
    if (!fill()) return fail("TLS: " + take_openssl_error());
    if (connection_->unsent() == 0) break;
    spent += connection_->unsent();
    deadline_ = context_.now + context_.options.idle_timeout;
  }
  connection_->watch(true, false);
  if (finishing_) go_dormant();
}

/// Encrypts what is queued, many messages to a record, until there is enough for one write.
bool OutgoingLink::fill() {
  while (connection_->unsent() < write_bytes) {
    if (current_ == sending_.size()) {
      current_ = 0;
      sending_.clear();
      if (sending_.capacity() > kept_capacity) sending_ = {};
      peer_->sent.add(sent_.messages, sent_.bytes);
      context_.mailbox.take_messages(*peer_, std::exchange(sent_, {}), sending_);
      if (sending_.empty()) break;
    }
    QueuedMessage& message = sending_[current_];
    const size_t payload = message.payload_size();
    const auto header = frame_header(message.kind, payload);
    while (position_ < header.size() + payload && connection_->unsent() < write_bytes) {
      const BytesView part = frame_part(message, position_, header);
      const BytesView step = part.first(std::min(part.size(), step_bytes));
      if (!encrypt(step)) return false;
      position_ += step.size();
    }
    if (position_ < header.size() + payload) break;
    sent_.add(message);
    position_ = 0;
    ++current_;
  }
  const BytesView rest = BytesView(context_.record).first(std::exchange(record_filled_, 0));
  return write_records(rest);
}

/// Whole records straight from where the bytes are, the others out of the gathered ones.
bool OutgoingLink::encrypt(BytesView part) {
  auto& record = context_.record;
  while (!part.empty()) {
    if (record_filled_ == 0 && part.size() >= record.size()) {
      const size_t whole = part.size() - part.size() % record.size();
      if (!write_records(part.first(whole))) return false;
      part = part.subspan(whole);
      continue;
    }
    const size_t taken = std::min(part.size(), record.size() - record_filled_);
    std::copy_n(part.begin(), taken, record.begin() + static_cast<ptrdiff_t>(record_filled_));
    part = part.subspan(taken);
    record_filled_ += taken;
    if (record_filled_ < record.size()) continue;
    record_filled_ = 0;
    if (!write_records(record)) return false;
  }
  return true;
}

bool OutgoingLink::write_records(BytesView plaintext) {
  if (plaintext.empty()) return true;
  TlsChannel& tls = connection_->tls();
  if (records_ >= context_.options.records_per_key) {
    if (!tls.renew_key()) return false;
    records_ = 0;
  }
  const size_t record = context_.record.size();
  records_ += (plaintext.size() + record - 1) / record;
  return tls.send(plaintext);
}

}  // namespace entente::net
