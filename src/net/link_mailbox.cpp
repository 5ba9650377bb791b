#include "net/link_mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.h"
#include "net/link_frame.h"

namespace entente::net {

void LinkAmount::add(const QueuedMessage& message) {
  ++messages;
  bytes += message.payload_size() + frame_header_size;
}

void LinkMail::clear() {
  peers.reset();
  ready.clear();
  resumed.clear();
  resolved.clear();
}

LinkMailbox::LinkMailbox(size_t max_payload, size_t max_queue_bytes, size_t max_queue_messages)
    : max_payload_(max_payload),
      max_queue_bytes_(max_queue_bytes),
      max_queue_messages_(max_queue_messages),
      event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  ENTENTE_ASSERT(event_ >= 0);
}

LinkMailbox::~LinkMailbox() {
  ::close(event_);
}

void LinkMailbox::wake() {
  const uint64_t one = 1;
  ENTENTE_ASSERT(::write(event_, &one, sizeof one) == sizeof one);
}

/// Applies a change and wakes the link thread if it sleeps and the change says that it must know.
template <typename Change>
void LinkMailbox::change(Change change) {
  bool must_wake = false;
  {
    const std::lock_guard guard(lock_);
    must_wake = change() && asleep_;
    if (must_wake) asleep_ = false;
  }
  if (must_wake) wake();
}

std::vector<QueuedMessage> LinkMailbox::drop_waiting(LinkPeer& peer) {
  LinkAmount amount;
  for (const QueuedMessage& message : peer.waiting_) amount.add(message);
  peer.queued_.messages -= amount.messages;
  peer.queued_.bytes -= amount.bytes;
  peer.dropped_ += amount.messages;
  return std::exchange(peer.waiting_, {});
}

// --- any thread ---------------------------------------------------------------------------------

void LinkMailbox::set_self(const NodeId& self) {
  const std::lock_guard guard(lock_);
  self_ = self;
  const auto found = peers_.find(self.value);
  if (found == peers_.end()) return;
  drop_waiting(*found->second);
  found->second->address_.reset();
  peers_.erase(found);
}

size_t LinkMailbox::send(std::span<LinkMessage> messages) {
  size_t queued = 0;
  change([&] {
    for (LinkMessage& message : messages) queued += queue(message) ? 1 : 0;
    return queued > 0;
  });
  return queued;
}

bool LinkMailbox::queue(LinkMessage& message) {
  if (stopped_) return false;
  const auto found = peers_.find(message.to->value);
  if (found == peers_.end()) return false;
  LinkPeer& peer = *found->second;
  if (!peer.address_) return false;
  const size_t payload = message.payload_size();
  const size_t bytes = payload + frame_header_size;
  const bool fits = peer.queued_.messages == 0 || (peer.queued_.bytes + bytes <= max_queue_bytes_ &&
                                                   peer.queued_.messages < max_queue_messages_);
  if (payload > max_payload_ || !fits) {
    if (message.kind == MessageKind::consensus) ++peer.dropped_;
    return false;
  }
  peer.queued_.bytes += bytes;
  ++peer.queued_.messages;
  peer.waiting_.push_back({message.kind, std::move(message.head), std::move(message.body)});
  if (!peer.announced_) {
    peer.announced_ = true;
    mail_.ready.push_back(found->second);
  }
  return true;
}

void LinkMailbox::set_peers(std::map<NodeId, std::string> peers) {
  std::vector<std::vector<QueuedMessage>> lost;  // destroyed after the lock was released
  change([&] {
    if (stopped_) return false;
    peers.erase(self_);
    for (auto it = peers_.begin(); it != peers_.end();) {
      LinkPeer& peer = *it->second;
      const auto wanted = peers.find(peer.id);
      if (wanted != peers.end() && peer.address_ == wanted->second) {
        ++it;
        continue;
      }
      if (peer.address_) {
        peer.address_.reset();
        lost.push_back(drop_waiting(peer));
      }
      it = peer.receiving ? std::next(it) : peers_.erase(it);
    }
    mail_.peers.emplace();
    for (auto& [id, address] : peers) {
      auto found = peers_.find(id.value);
      if (found == peers_.end()) {
        auto peer = std::make_shared<LinkPeer>(id);
        const std::string_view key = peer->id.value;
        found = peers_.emplace(key, std::move(peer)).first;
      }
      found->second->address_ = address;
      mail_.peers->emplace_back(found->second, address);
    }
    return true;
  });
}

void LinkMailbox::resume(const NodeId& peer) {
  change([&] {
    auto& resumed = mail_.resumed;
    if (std::find(resumed.begin(), resumed.end(), peer) == resumed.end()) resumed.push_back(peer);
    return true;
  });
}

void LinkMailbox::resolved(LinkMail::Resolved answer) {
  change([&] {
    mail_.resolved.push_back(std::move(answer));
    return true;
  });
}

void LinkMailbox::stop() {
  change([&] {
    stopped_ = true;
    mail_.stop = true;
    return true;
  });
}

std::vector<PeerMetrics> LinkMailbox::metrics() const {
  std::vector<PeerMetrics> all;
  {
    const std::lock_guard guard(lock_);
    all.reserve(peers_.size());
    for (const auto& [id, peer] : peers_) {
      PeerMetrics& one = all.emplace_back();
      one.id = peer->id;
      one.address = peer->address_.value_or("");
      one.connected = peer->connected;
      one.receiving = peer->receiving;
      one.sent_messages = peer->sent.messages;
      one.sent_bytes = peer->sent.bytes;
      one.received_messages = peer->received.messages;
      one.received_bytes = peer->received.bytes;
      one.dropped_messages = peer->dropped_;
      one.queued_messages = peer->queued_.messages;
      one.queued_bytes = peer->queued_.bytes;
      one.connections = peer->connections;
      one.failures = peer->failures;
      one.last_error = peer->last_error_;
    }
  }
  std::sort(all.begin(), all.end(),
            [](const PeerMetrics& a, const PeerMetrics& b) { return a.id < b.id; });
  return all;
}

// --- the link thread ----------------------------------------------------------------------------

bool LinkMailbox::may_sleep() {
  const std::lock_guard guard(lock_);
  asleep_ = !mail_.peers && mail_.ready.empty() && mail_.resumed.empty() &&
            mail_.resolved.empty() && !mail_.stop;
  return asleep_;
}

void LinkMailbox::take(LinkMail& mail) {
  mail.clear();
  mail.stop = false;
  const std::lock_guard guard(lock_);
  asleep_ = false;
  std::swap(mail, mail_);
  for (const LinkPeerPtr& peer : mail.ready) peer->announced_ = false;
}

void LinkMailbox::take_messages(LinkPeer& peer, LinkAmount sent, std::vector<QueuedMessage>& into) {
  const std::lock_guard guard(lock_);
  peer.queued_.messages -= sent.messages;
  peer.queued_.bytes -= sent.bytes;
  into.swap(peer.waiting_);
}

void LinkMailbox::settle(LinkPeer& peer, LinkAmount sent, LinkAmount lost) {
  const std::lock_guard guard(lock_);
  peer.queued_.messages -= sent.messages + lost.messages;
  peer.queued_.bytes -= sent.bytes + lost.bytes;
  peer.dropped_ += lost.messages;
}

void LinkMailbox::lose_waiting(LinkPeer& peer, const std::string& error) {
  std::vector<QueuedMessage> lost;  // destroyed after the lock was released
  const std::lock_guard guard(lock_);
  lost = drop_waiting(peer);
  peer.last_error_ = error;
}

LinkPeerPtr LinkMailbox::incoming(const NodeId& id) {
  const std::lock_guard guard(lock_);
  auto found = peers_.find(id.value);
  if (found == peers_.end()) {
    auto peer = std::make_shared<LinkPeer>(id);
    const std::string_view key = peer->id.value;
    found = peers_.emplace(key, std::move(peer)).first;
  }
  found->second->receiving = true;
  return found->second;
}

void LinkMailbox::incoming_ended(LinkPeer& peer) {
  const std::lock_guard guard(lock_);
  peer.receiving = false;
  if (peer.address_) return;
  const auto found = peers_.find(peer.id.value);
  if (found != peers_.end() && found->second.get() == &peer) peers_.erase(found);
}

}  // namespace entente::net
