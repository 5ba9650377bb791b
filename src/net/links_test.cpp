// What links deliver: order, sizes, batches, bounds, back-pressure.

#include "net/links.h"

#include <atomic>
#include <random>
#include <thread>

#include "net/link_test_support.h"

namespace entente::net {
namespace {

using test::in_time;
using test::LinkNode;
using test::quick;
using test::ReceivedMessage;
using test::start_both;

TEST(Links, CarryAllKindsInBothDirections) {
  LinkNode a(quick()), b(quick());
  start_both(a, b);
  EXPECT_TRUE(a.send(b, "append"));
  EXPECT_TRUE(a.send(b, "request", MessageKind::forwarded_request));
  EXPECT_TRUE(b.send(a, "answer", MessageKind::forwarded_response));
  ASSERT_TRUE(in_time([&] { return b.received_count() == 2 && a.received_count() == 1; }));
  const auto at_b = b.take_received();
  EXPECT_EQ(at_b[0].from, a.id);
  EXPECT_EQ(at_b[0].kind, MessageKind::consensus);
  EXPECT_EQ(at_b[0].text(), "append");
  EXPECT_EQ(at_b[1].kind, MessageKind::forwarded_request);
  EXPECT_EQ(at_b[1].text(), "request");
  const auto at_a = a.take_received();
  EXPECT_EQ(at_a[0].from, b.id);
  EXPECT_EQ(at_a[0].kind, MessageKind::forwarded_response);
  EXPECT_EQ(at_a[0].text(), "answer");

  ASSERT_TRUE(in_time([&] { return a.peer(b.id).queued_messages == 0; }));
  const PeerMetrics metrics = a.peer(b.id);
  EXPECT_TRUE(metrics.connected);
  EXPECT_TRUE(metrics.receiving);
  EXPECT_EQ(metrics.address, b.links->address());
  EXPECT_EQ(metrics.sent_messages, 2u);
  EXPECT_EQ(metrics.sent_bytes, 2 * 5 + 6 + 7u);
  EXPECT_EQ(metrics.received_messages, 1u);
  EXPECT_EQ(metrics.received_bytes, 5 + 6u);
  EXPECT_EQ(metrics.connections, 2u);
  EXPECT_EQ(metrics.dropped_messages, 0u);
}

TEST(Links, EveryCurveOfNodeKeys) {
  for (const auto curve : {crypto::Curve::p256, crypto::Curve::p384, crypto::Curve::p521}) {
    LinkNode a(quick(), test::make_link_identity(curve)), b(quick());
    start_both(a, b);
    a.send(b, "x");
    b.send(a, "y");
    EXPECT_TRUE(in_time([&] { return a.received_count() == 1 && b.received_count() == 1; }));
  }
}

TEST(Links, OneBodyForManyPeersEachWithItsHead) {
  LinkNode a(quick()), b(quick()), c(quick());
  for (LinkNode* node : {&b, &c}) {
    node->know(a.id);
    node->start();
  }
  a.start();
  a.links->set_peers({{b.id, b.links->address()}, {c.id, c.links->address()}});
  const auto body = std::make_shared<const Bytes>(100'000, 'e');
  std::vector<LinkMessage> messages;
  messages.push_back({&b.id, MessageKind::consensus, to_bytes("for b "), body});
  messages.push_back({&c.id, MessageKind::consensus, to_bytes("for c "), body});
  messages.push_back({&b.id, MessageKind::consensus, {}, body});
  EXPECT_EQ(a.links->send(messages), 3u);
  ASSERT_TRUE(in_time([&] { return b.received_count() == 2 && c.received_count() == 1; }));
  const std::string text(100'000, 'e');
  EXPECT_EQ(b.received[0].text(), "for b " + text);
  EXPECT_EQ(b.received[1].text(), text);
  EXPECT_EQ(c.received[0].text(), "for c " + text);
  EXPECT_TRUE(in_time([&] { return body.use_count() == 1; }));
}

/// Sends everything, waiting whenever the queue is full.
void send_all(LinkNode& from, const LinkNode& to, size_t count, size_t batch,
              const std::function<Bytes(size_t)>& make) {
  for (size_t i = 0; i < count;) {
    std::vector<LinkMessage> messages;
    for (size_t k = 0; k < batch && i + k < count; ++k) {
      messages.push_back({&to.id, MessageKind::forwarded_request, make(i + k)});
    }
    size_t done = 0;
    while (done < messages.size()) {
      done += from.links->send(std::span(messages).subspan(done));
      if (done < messages.size()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    i += messages.size();
  }
}

TEST(Links, ThousandsOfSmallMessagesInOrderEachOnce) {
  LinkOptions options = quick();
  options.max_queue_messages = 1000;
  LinkNode a(options), b(quick());
  start_both(a, b);
  constexpr size_t count = 50'000;
  send_all(a, b, count, 100, [](size_t i) { return to_bytes(std::to_string(i)); });
  ASSERT_TRUE(in_time([&] { return b.received_count() >= count; }));
  const auto received = b.take_received();
  ASSERT_EQ(received.size(), count);
  for (size_t i = 0; i < count; ++i) ASSERT_EQ(received[i].text(), std::to_string(i));
  EXPECT_LT(b.batches, count);
  EXPECT_EQ(a.peer(b.id).dropped_messages, 0u);
}

/// A pattern that shows where bytes were lost or moved.
Bytes pattern(size_t size, uint64_t seed) {
  Bytes bytes(size);
  std::minstd_rand random(static_cast<uint32_t>(seed + 1));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random() >> 7);
  return bytes;
}

TEST(Links, MessagesOfAnySizeArriveWhole) {
  LinkOptions options = quick();
  options.records_per_key = 5;  // and the key is renewed over and over
  LinkNode a(options), b(quick());
  start_both(a, b);
  const size_t record = 16 << 10;
  const std::vector<size_t> sizes = {0,
                                     1,
                                     record - 6,
                                     record - 5,
                                     record - 4,
                                     record,
                                     2 * record,
                                     0,
                                     65'531,
                                     65'536,
                                     100'000,
                                     262'144 - 5,
                                     262'144,
                                     1'000'001,
                                     0,
                                     16u << 20u,
                                     options.max_payload,
                                     3};
  for (size_t i = 0; i < sizes.size(); ++i) {
    ASSERT_TRUE(in_time(
        [&] { return a.links->send(b.id, MessageKind::forwarded_request, pattern(sizes[i], i)); }));
  }
  ASSERT_TRUE(in_time([&] { return b.received_count() == sizes.size(); }));
  for (size_t i = 0; i < sizes.size(); ++i) {
    EXPECT_TRUE(b.received[i].payload == pattern(sizes[i], i)) << i;
  }
  EXPECT_EQ(b.refused(LinkRefusal::bad_record), 0u);
  EXPECT_EQ(a.peer(b.id).failures, 0u) << "a key renewal broke the connection";
}

TEST(Links, ManyThreadsSendAtOnce) {
  LinkNode a(quick()), b(quick());
  start_both(a, b);
  constexpr size_t threads = 4, each = 3000;
  std::vector<std::thread> senders;
  for (size_t t = 0; t < threads; ++t) {
    senders.emplace_back([&, t] {
      send_all(a, b, each, 1 + t,
               [t](size_t i) { return to_bytes(std::to_string(t) + " " + std::to_string(i)); });
    });
  }
  for (std::thread& sender : senders) sender.join();
  ASSERT_TRUE(in_time([&] { return b.received_count() == threads * each; }));
  std::map<std::string, size_t> next;
  for (const ReceivedMessage& message : b.take_received()) {
    const std::string text = message.text();
    const size_t space = text.find(' ');
    ASSERT_EQ(text.substr(space + 1), std::to_string(next[text.substr(0, space)]++));
  }
}

TEST(Links, HandlersMaySend) {
  LinkNode a(quick()), b(quick());
  b.on_message = [&](const ReceivedMessage& message) {
    b.links->send(message.from, MessageKind::forwarded_response, message.payload);
    return Flow::go_on;
  };
  start_both(a, b);
  for (int i = 0; i < 100; ++i) a.send(b, std::to_string(i), MessageKind::forwarded_request);
  ASSERT_TRUE(in_time([&] { return a.received_count() == 100; }));
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(a.received[i].text(), std::to_string(i));
}

TEST(Links, AFullQueueDropsConsensusMessagesAndRefusesForwardedOnes) {
  LinkOptions options = quick();
  options.max_queue_messages = 10;
  options.max_queue_bytes = 1000;
  options.max_payload = 2000;
  LinkNode a(options), silent;  // it listens, but nobody shakes hands there
  a.start();
  a.links->set_peers({{silent.id, silent.links->address()}});
  const auto send = [&](size_t size, MessageKind kind) {
    return a.links->send(silent.id, kind, Bytes(size));
  };
  EXPECT_FALSE(send(2001, MessageKind::forwarded_request)) << "larger than a frame may be";
  EXPECT_FALSE(send(2001, MessageKind::consensus));
  EXPECT_EQ(a.peer(silent.id).dropped_messages, 1u);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(send(1, MessageKind::consensus));
  EXPECT_FALSE(send(1, MessageKind::consensus));
  EXPECT_FALSE(send(1, MessageKind::forwarded_request));
  EXPECT_FALSE(send(1, MessageKind::forwarded_response));
  const PeerMetrics full = a.peer(silent.id);
  EXPECT_EQ(full.queued_messages, 10u);
  EXPECT_EQ(full.queued_bytes, 60u);
  EXPECT_EQ(full.dropped_messages, 2u) << "only consensus messages are dropped";

  a.links->set_peers({});
  EXPECT_FALSE(send(1, MessageKind::consensus)) << "nobody's queue";
  a.links->set_peers({{silent.id, silent.links->address()}});
  EXPECT_TRUE(send(2000, MessageKind::consensus)) << "a single message always fits";
  EXPECT_FALSE(send(1, MessageKind::consensus)) << "full by bytes";
}

TEST(Links, AReaderThatPausesHoldsTheSenderUpAndLosesNothing) {
  LinkOptions options = quick();
  options.max_queue_bytes = 1 << 20;
  LinkNode a(options), b(quick());
  std::atomic<bool> pausing{true};
  b.on_message = [&](const ReceivedMessage&) { return pausing ? Flow::pause : Flow::go_on; };
  start_both(a, b);
  constexpr size_t size = 10'000;
  size_t queued = 0;
  // The queue, the ciphertext of one write and what two sockets hold: more is never taken.
  const auto full = [&] {
    while (a.links->send(b.id, MessageKind::forwarded_request, pattern(size, queued))) ++queued;
    return a.peer(b.id).queued_bytes + size + 5 > options.max_queue_bytes;
  };
  ASSERT_TRUE(in_time([&] { return b.received_count() == 1 || !full(); }));
  for (int i = 0; i < 20; ++i) {
    full();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(b.received_count(), 1u) << "paused after the first";
  EXPECT_LT(queued * size, 64u << 20);
  b.links->resume(a.id);
  ASSERT_TRUE(in_time([&] { return b.received_count() == 2; })) << "one more, then paused again";
  pausing = false;
  b.links->resume(a.id);
  ASSERT_TRUE(in_time([&] { return b.received_count() == queued; }));
  for (size_t i = 0; i < queued; ++i) {
    ASSERT_TRUE(b.received[i].payload == pattern(size, i)) << i;
  }
}

TEST(Links, APausedPeerDoesNotHoldUpTheOthers) {
  LinkNode a(quick()), b(quick()), c(quick());
  for (LinkNode* node : {&a, &b}) {
    node->start();
    node->links->set_peers({{c.id, c.links->address()}});
    c.know(node->id);
  }
  c.on_message = [&](const ReceivedMessage& message) {
    return message.from == a.id ? Flow::pause : Flow::go_on;
  };
  c.start();
  for (int i = 0; i < 1000; ++i) a.send(c, "a");
  ASSERT_TRUE(in_time([&] { return c.received_count() == 1; }));
  for (int i = 0; i < 1000; ++i) b.send(c, "b");
  EXPECT_TRUE(in_time([&] { return c.received_count() == 1001; }));
}

TEST(Links, ManyPeersAllToAll) {
  constexpr size_t count = 9, each = 20;
  std::vector<std::unique_ptr<LinkNode>> nodes;
  std::map<NodeId, std::string> addresses;
  for (size_t i = 0; i < count; ++i) {
    nodes.push_back(std::make_unique<LinkNode>(quick()));
    addresses.emplace(nodes.back()->id, nodes.back()->links->address());
  }
  for (auto& node : nodes) {
    for (const auto& [id, address] : addresses) node->know(id);
    node->start();
    node->links->set_peers(addresses);  // their own among them
  }
  for (size_t i = 0; i < each; ++i) {
    for (auto& from : nodes) {
      for (auto& to : nodes) {
        EXPECT_EQ(from->send(*to, std::to_string(i)), from != to) << "nobody has a queue to itself";
      }
    }
  }
  for (auto& node : nodes) {
    ASSERT_TRUE(in_time([&] { return node->received_count() == each * (count - 1); }));
    std::map<NodeId, size_t> next;
    for (const ReceivedMessage& message : node->take_received()) {
      EXPECT_EQ(message.text(), std::to_string(next[message.from]++));
    }
    EXPECT_EQ(next.size(), count - 1);
  }
}

}  // namespace
}  // namespace entente::net
