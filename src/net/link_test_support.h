#pragma once
// What the tests of links share: nodes with links that note what they receive.

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "crypto/x509_issue.h"
#include "net/links.h"
#include "net/test_support.h"

namespace entente::net::test {

inline LinkIdentity make_link_identity(crypto::Curve curve = crypto::Curve::p256) {
  auto key = crypto::KeyPair::generate(curve);
  // Long expired, and for nobody's name: only the key counts.
  auto certificate = crypto::self_signed_ca(key, "CN=Node", {UnixTime(1'000'000'000), 1});
  if (!certificate) throw std::runtime_error(certificate.error().message);
  return {std::move(key), std::move(*certificate)};
}

/// The same with a certificate that another key issued.
inline LinkIdentity make_issued_identity(const LinkIdentity& issuer) {
  auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  const auto request = crypto::make_request(key, "CN=Node", {});
  auto certificate = crypto::issue_from_request(*request, issuer.key, issuer.certificate,
                                                {UnixTime(1'000'000'000), 1});
  if (!certificate) throw std::runtime_error(certificate.error().message);
  return {std::move(key), std::move(*certificate)};
}

/// eventually(), on a machine so busy that a sanitizer's build stands still for many seconds.
template <typename Condition>
bool in_time(Condition condition) {
  return eventually(condition, std::chrono::seconds(120));
}

struct ReceivedMessage {
  NodeId from;
  MessageKind kind;
  Bytes payload;
  std::string text() const { return to_text(BytesView(payload)); }
};

/// A node that knows the nodes that it was told of. Stops on destruction.
class LinkNode {
 public:
  explicit LinkNode(LinkOptions options = {}, LinkIdentity its_identity = make_link_identity())
      : identity(std::move(its_identity)), id{identity.key.public_key().id()} {
    auto made = Links::listen(std::move(options));
    if (!made) throw std::runtime_error(made.error().message);
    links = std::move(*made);
  }
  ~LinkNode() { links->stop(); }

  void start() {
    const auto started =
        links->start(identity, {.known = [this](const NodeId& node) { return is_known(node); },
                                .vouched_for =
                                    [this](const NodeId&, const crypto::Certificate& certificate) {
                                      return issuer && certificate.signed_by(*issuer);
                                    },
                                .received =
                                    [this](const NodeId& from, MessageKind kind, Bytes payload) {
                                      const std::lock_guard guard(lock);
                                      received.push_back({from, kind, std::move(payload)});
                                      return on_message ? on_message(received.back()) : Flow::go_on;
                                    },
                                .introduced =
                                    [this](const NodeId& peer, const std::string& address) {
                                      const std::lock_guard guard(lock);
                                      introductions[peer] = address;
                                    },
                                .end_of_batch = [this] { ++batches; },
                                .connection_changed =
                                    [this](const NodeId& peer, bool connected) {
                                      const std::lock_guard guard(lock);
                                      changes.emplace_back(peer, connected);
                                    }});
    ASSERT_TRUE(started.ok()) << started.error().message;
  }

  bool is_known(const NodeId& node) {
    const std::lock_guard guard(lock);
    return known.contains(node);
  }
  void know(const NodeId& node) {
    const std::lock_guard guard(lock);
    known.insert(node);
  }
  void forget(const NodeId& node) {
    const std::lock_guard guard(lock);
    known.erase(node);
  }
  size_t received_count() {
    const std::lock_guard guard(lock);
    return received.size();
  }
  std::vector<ReceivedMessage> take_received() {
    const std::lock_guard guard(lock);
    return std::exchange(received, {});
  }
  bool send(const LinkNode& to, std::string_view text,
            MessageKind kind = MessageKind::consensus) const {
    return links->send(to.id, kind, to_bytes(text));
  }
  PeerMetrics peer(const NodeId& node) const {
    for (PeerMetrics& one : links->metrics().peers) {
      if (one.id == node) return one;
    }
    return {};
  }
  uint64_t refused(LinkRefusal reason) const {
    return links->metrics().refusals[static_cast<size_t>(reason)];
  }

  const LinkIdentity identity;
  const NodeId id;
  std::unique_ptr<Links> links;
  std::optional<crypto::Certificate> issuer;  ///< vouches for strangers; before start()

  std::mutex lock;
  std::map<NodeId, std::string> introductions;
  std::set<NodeId> known;
  std::vector<ReceivedMessage> received;
  std::vector<std::pair<NodeId, bool>> changes;
  /// Called under the lock.
  std::function<Flow(const ReceivedMessage&)> on_message;
  std::atomic<size_t> batches{0};
};

/// Makes both know each other, and starts both.
inline void start_both(LinkNode& a, LinkNode& b) {
  a.know(b.id);
  b.know(a.id);
  a.start();
  b.start();
  a.links->set_peers({{b.id, b.links->address()}});
  b.links->set_peers({{a.id, a.links->address()}});
}

inline LinkOptions quick() {
  LinkOptions options;
  options.first_backoff = std::chrono::milliseconds(2);
  options.last_backoff = std::chrono::milliseconds(20);
  options.connect_timeout = std::chrono::seconds(60);  // sanitizers on a busy machine
  return options;
}

}  // namespace entente::net::test
