// How connections come and go: reconnecting, idling, replaced peers, names, stopping.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "net/link_backoff.h"
#include "net/link_test_support.h"

namespace entente::net {
namespace {

using test::in_time;
using test::LinkNode;
using test::quick;
using test::start_both;

/// Sends until something arrives: what is sent to a lost connection may be lost.
bool gets_through(LinkNode& from, LinkNode& to) {
  const size_t before = to.received_count();
  return in_time([&] {
    from.send(to, "hello");
    return to.received_count() > before;
  });
}

TEST(LinkConnections, APeerThatComesBackIsReached) {
  LinkNode a(quick());
  auto b = std::make_unique<LinkNode>(quick());
  start_both(a, *b);
  ASSERT_TRUE(gets_through(a, *b));
  LinkOptions options = quick();
  options.listen_address = b->links->address();
  const LinkIdentity identity = b->identity;
  const NodeId id = b->id;
  b.reset();
  ASSERT_TRUE(in_time([&] { return !a.peer(id).connected && !a.peer(id).receiving; }));
  ASSERT_TRUE(in_time([&] { return a.peer(id).failures > 2; })) << "it goes on trying";
  EXPECT_NE(a.peer(id).last_error.find("cannot connect"), std::string::npos)
      << a.peer(id).last_error;
  b = std::make_unique<LinkNode>(options, identity);
  b->know(a.id);
  b->start();
  EXPECT_TRUE(gets_through(a, *b));
  EXPECT_TRUE(a.peer(id).connected);
  const std::lock_guard guard(a.lock);
  EXPECT_EQ(a.changes.front(), std::pair(id, true));
  EXPECT_NE(std::find(a.changes.begin(), a.changes.end(), std::pair(id, false)), a.changes.end());
  EXPECT_EQ(a.changes.back(), std::pair(id, true));
}

TEST(LinkConnections, WhatWasQueuedForALostPeerIsDroppedAndCounted) {
  LinkNode a(quick());
  a.start();
  const NodeId nobody{std::string(64, '0')};
  a.links->set_peers({{nobody, "127.0.0.1:1"}});
  ASSERT_TRUE(in_time([&] {
    a.links->send(nobody, MessageKind::forwarded_request, to_bytes("x"));
    return a.peer(nobody).dropped_messages > 10;
  }));
  EXPECT_TRUE(in_time([&] { return a.peer(nobody).queued_messages == 0; }));
  EXPECT_EQ(a.peer(nobody).queued_bytes, 0u);
}

TEST(LinkConnections, IdleOnesAreClosedAndTheNextMessageDials) {
  LinkOptions options = quick();
  options.idle_timeout = std::chrono::milliseconds(50);
  LinkNode a(options), b(quick());
  start_both(a, b);
  for (uint64_t round = 1; round <= 3; ++round) {
    EXPECT_TRUE(a.send(b, "x"));
    ASSERT_TRUE(in_time([&] { return b.received_count() == round; }));
    ASSERT_TRUE(in_time([&] { return !a.peer(b.id).connected && !b.peer(a.id).receiving; }));
    EXPECT_EQ(a.peer(b.id).failures, 0u);
    EXPECT_EQ(a.peer(b.id).dropped_messages, 0u);
  }
}

TEST(LinkConnections, PeersThatAreTakenAwayLoseTheirConnection) {
  LinkNode a(quick()), b(quick()), c(quick());
  c.know(a.id);
  c.start();
  start_both(a, b);
  ASSERT_TRUE(gets_through(a, b));
  a.links->set_peers({{c.id, c.links->address()}});
  EXPECT_FALSE(a.send(b, "x"));
  EXPECT_TRUE(in_time([&] { return !b.peer(a.id).receiving; }));
  EXPECT_TRUE(gets_through(a, c));
  a.links->set_peers({{b.id, b.links->address()}, {c.id, c.links->address()}});
  EXPECT_TRUE(gets_through(a, b));
  EXPECT_EQ(c.peer(a.id).connections, 1u) << "c's connection was not touched";
  ASSERT_TRUE(in_time([&] { return a.peer(b.id).receiving; }));
  b.links->set_peers({});
  EXPECT_TRUE(in_time([&] { return !a.peer(b.id).receiving; }));
}

TEST(LinkConnections, APeerIsDialledAtItsNewAddress) {
  LinkNode a(quick());
  const LinkIdentity identity = test::make_link_identity();
  LinkNode before(quick(), identity), after(quick(), identity);
  for (LinkNode* node : {&before, &after}) {
    node->know(a.id);
    node->start();
  }
  a.start();
  a.links->set_peers({{before.id, before.links->address()}});
  ASSERT_TRUE(gets_through(a, before));
  a.links->set_peers({{after.id, after.links->address()}});
  EXPECT_TRUE(gets_through(a, after));
  EXPECT_TRUE(in_time([&] { return !before.peer(a.id).receiving; }));
}

TEST(LinkConnections, BadAddressesAreThatPeersErrorOnly) {
  LinkOptions options = quick();
  options.resolve = [](const std::string& host) -> Result<std::vector<std::string>> {
    if (host == "empty") return std::vector<std::string>();
    if (host == "odd") return std::vector<std::string>{"not numeric", "999.1.1.1"};
    return Error{"no such host"};
  };
  LinkNode a(options), good(quick());
  good.know(a.id);
  good.start();
  a.start();
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"", "no host"},
      {"nonsense", "no port"},
      {"127.0.0.1:", "no port"},
      {"127.0.0.1:70000", "not a number"},
      {"127.0.0.1:0", "port 0"},
      {"host name:1", "unexpected character"},
      {std::string("a\0b:1", 5), "unexpected character"},
      {std::string(254, 'h') + ":1", "too long"},
      {"::1:1", "brackets"},
      {"[::1", "bracket"},
      {"no-such-host:1", "no such host"},
      {"empty:1", "no address"},
      {"odd:1", "no address"},
      {"127.0.0.1:1", "cannot connect"},
  };
  std::map<NodeId, std::string> peers{{good.id, good.links->address()}};
  const auto name = [](size_t i) { return NodeId{"bad " + std::to_string(i)}; };
  for (size_t i = 0; i < bad.size(); ++i) peers.emplace(name(i), bad[i].first);
  a.links->set_peers(peers);
  EXPECT_TRUE(gets_through(a, good));
  for (size_t i = 0; i < bad.size(); ++i) {
    EXPECT_TRUE(in_time([&] { return a.peer(name(i)).failures > 1; })) << bad[i].first;
    EXPECT_NE(a.peer(name(i)).last_error.find(bad[i].second), std::string::npos)
        << a.peer(name(i)).last_error;
    EXPECT_FALSE(a.peer(name(i)).connected);
  }
}

/// A resolver that hangs until the test ends; what it waits on outlives the links.
struct HangingResolver {
  std::shared_ptr<std::promise<void>> release = std::make_shared<std::promise<void>>();
  std::shared_future<void> released = release->get_future().share();
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);

  ~HangingResolver() { release->set_value(); }
  auto function() const {
    return [released = released,
            asked = asked](const std::string& host) -> Result<std::vector<std::string>> {
      if (host == "localhost") return std::vector<std::string>{"127.0.0.1"};
      ++*asked;
      released.wait();
      return Error{"released"};
    };
  }
};

TEST(LinkConnections, AHangingResolverHoldsUpNobodyElseAndNotTheStop) {
  HangingResolver resolver;
  LinkOptions options = quick();
  options.resolve = resolver.function();
  options.connect_timeout = std::chrono::milliseconds(200);
  LinkNode good(quick());
  const std::string port = good.links->address().substr(good.links->address().rfind(':'));
  {
    LinkNode a(options);
    good.know(a.id);
    good.start();
    a.start();
    a.links->set_peers(
        {{NodeId{"1"}, "hangs:1"}, {NodeId{"2"}, "hangs-too:1"}, {good.id, "localhost" + port}});
    // The bound is short for a busy machine: it is retried.
    EXPECT_TRUE(gets_through(a, good));
    EXPECT_TRUE(in_time([&] { return a.peer(NodeId{"1"}).failures > 3; }));
    EXPECT_EQ(*resolver.asked, 2) << "one look-up per peer at a time";
  }
}

TEST(LinkConnections, EveryAddressOfANameIsTried) {
  LinkOptions options = quick();
  options.resolve = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"::1", "127.0.0.1"};
  };
  LinkNode a(options), b(quick());
  b.know(a.id);
  b.start();
  a.start();
  a.links->set_peers({{b.id, "peer" + b.links->address().substr(b.links->address().rfind(':'))}});
  EXPECT_TRUE(gets_through(a, b));
}

TEST(LinkConnections, TheSystemsResolverIsUsed) {
  LinkNode a(quick()), b(quick());
  b.know(a.id);
  b.start();
  a.start();
  a.links->set_peers(
      {{b.id, "localhost" + b.links->address().substr(b.links->address().rfind(':'))}});
  EXPECT_TRUE(gets_through(a, b));
}

TEST(LinkConnections, StopInEveryStageOfDialling) {
  HangingResolver resolver;
  LinkNode silent;  // accepts, but never shakes hands
  for (int stage = 0; stage < 4; ++stage) {
    LinkOptions options = quick();
    options.resolve = resolver.function();
    LinkNode a(options);
    a.start();
    const NodeId peer = silent.id;
    switch (stage) {
      case 0:
        a.links->set_peers({{peer, "hangs:1"}});
        EXPECT_TRUE(in_time([&] { return *resolver.asked > 0; }));
        break;
      case 1:
        a.links->set_peers({{peer, silent.links->address()}});
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        break;
      case 2:
        a.links->set_peers({{peer, "127.0.0.1:1"}});
        EXPECT_TRUE(in_time([&] { return a.peer(peer).failures > 0; }));
        break;
      case 3:
        a.links->set_peers({{peer, "192.0.2.1:1"}});  // nobody's: RFC 5737
        break;
    }
    a.links->send(peer, MessageKind::consensus, to_bytes("x"));
    a.links->stop();
    EXPECT_FALSE(a.links->send(peer, MessageKind::consensus, to_bytes("x")));
    a.links->stop();
  }
}

TEST(LinkConnections, StopSendsWhatIsQueued) {
  LinkOptions options = quick();
  options.stop_grace = std::chrono::seconds(60);  // bounds a failing test only
  LinkNode a(options), b(quick());
  start_both(a, b);
  ASSERT_TRUE(gets_through(a, b));
  ASSERT_TRUE(in_time([&] { return a.peer(b.id).queued_messages == 0; }));
  const size_t before = b.received_count();
  for (int i = 0; i < 1000; ++i) a.links->send(b.id, MessageKind::consensus, Bytes(5000));
  a.links->stop();
  EXPECT_FALSE(a.peer(b.id).connected);
  EXPECT_TRUE(in_time([&] { return b.received_count() >= before + 1000; }))
      << b.received_count() << " of " << before + 1000 << ", receiving " << b.peer(a.id).receiving;
}

TEST(LinkConnections, StopWithoutStartAndStartAfterPeers) {
  { LinkNode never_started; }
  LinkNode a(quick()), b(quick());
  b.know(a.id);
  a.links->set_peers({{b.id, b.links->address()}});
  EXPECT_TRUE(a.send(b, "early"));
  a.start();
  b.start();
  EXPECT_TRUE(in_time([&] { return b.received_count() == 1; }));
}

TEST(LinkConnections, ComeFromTheSourceAddress) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof address;
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  LinkOptions options = quick();
  options.source_address = "127.0.0.9";
  LinkNode a(options);
  a.start();
  a.links->set_peers({{NodeId{"x"}, "127.0.0.1:" + std::to_string(ntohs(address.sin_port))}});
  const int accepted = ::accept(listener, reinterpret_cast<sockaddr*>(&address), &size);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(ntohl(address.sin_addr.s_addr), 0x7f000009u);
  ::close(accepted);
  ::close(listener);
}

TEST(LinkConnections, UnusableListenAndSourceAddressesAreErrors) {
  for (const char* text : {"", "invalid", "127.0.0.1:x", "no such host:0", "no-such-host.invalid:0",
                           "192.0.2.1:0", "[::1:0"}) {
    LinkOptions options;
    options.listen_address = text;
    const auto made = Links::listen(options);
    ASSERT_FALSE(made.ok()) << text;
    EXPECT_NE(made.error().message.find("node-to-node interface"), std::string::npos);
  }
  LinkNode taken;
  LinkOptions again;
  again.listen_address = taken.links->address();
  EXPECT_FALSE(Links::listen(again).ok());
  for (const char* text : {"", "no-such-host.invalid", "a b"}) {
    LinkOptions options;
    options.source_address = text;
    EXPECT_FALSE(Links::listen(options).ok()) << text;
  }
}

TEST(LinkConnections, AnIdentityWhoseCertificateIsOfAnotherKeyIsRefused) {
  auto links = Links::listen({});
  ASSERT_TRUE(links.ok());
  const LinkIdentity mixed{test::make_link_identity().key, test::make_link_identity().certificate};
  const auto started = (*links)->start(
      mixed, {.known = [](const NodeId&) { return true; },
              .received = [](const NodeId&, MessageKind, Bytes) { return Flow::go_on; }});
  EXPECT_FALSE(started.ok());
}

TEST(LinkBackoff, DoublesUpToTheBoundAndIsShortenedAtRandom) {
  using std::chrono::milliseconds;
  LinkBackoff backoff(milliseconds(20), milliseconds(1000));
  std::minstd_rand random(1);
  for (int round = 0; round < 2; ++round) {
    EXPECT_FALSE(backoff.pending());
    for (const int whole : {20, 40, 80, 160, 320, 640, 1000, 1000}) {
      const auto pause = backoff.next(random);
      EXPECT_LE(pause, milliseconds(whole));
      EXPECT_GE(pause, milliseconds(whole / 2));
      EXPECT_TRUE(backoff.pending());
    }
    backoff.reset();
  }
}

}  // namespace
}  // namespace entente::net
