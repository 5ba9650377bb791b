// Forwarding between whole replicas with their frontends, over a link in memory that loses, holds
// back and repeats what it is told to.

#include "node/forwarding.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <latch>

#include "replica/test_cluster.h"
#include "rpc/test_service.h"

namespace entente::node {
namespace {

using http::Method;
using replica::TestCluster;
using rpc::test::header_of;
using rpc::test::summary;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto id_header = "x-ms-ccf-transaction-id";
constexpr auto request_kind = net::MessageKind::forwarded_request;
constexpr auto response_kind = net::MessageKind::forwarded_response;

struct SharedClock final : Clock {
  std::atomic<int64_t> microseconds{1'000'000};
  MonotonicTime now() const override { return MonotonicTime(microseconds.load()); }
  UnixTime unix_time() const override { return UnixTime(1'700'000'000); }
  void advance(milliseconds time) { microseconds += 1000 * time.count(); }
};

struct Mail {
  NodeId from, to;
  net::MessageKind kind;
  Bytes bytes;
};

/// What is on its way. Anybody sends; the test delivers.
class Post {
 public:
  size_t send(const NodeId& from, std::span<net::LinkMessage> messages) {
    const std::lock_guard lock(mutex_);
    if (broken) return 0;
    for (net::LinkMessage& message : messages) {
      mail_.push_back({from, *message.to, message.kind, std::move(message.head)});
    }
    return messages.size();
  }
  std::deque<Mail> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mail_, {});
  }
  std::atomic<bool> broken{false};

 private:
  std::mutex mutex_;
  std::deque<Mail> mail_;
};

class Peer {
 public:
  Peer(TestCluster::Node& hosted, Post& post, const Clock& clock, ForwardingOptions options,
       const std::function<void(EndpointRegistry&)>& install)
      : node(hosted),
        frontends(
            {.store = hosted.store, .status = *hosted.replica, .clock = clock, .resolve = {}}),
        lane(hosted.replica->make_lane()),
        worker(*lane) {
    install(frontends.registry(rpc::Actor::app));
    frontends.seal();
    frontends.open(rpc::Actor::app);
    interface = *frontends.add_interface({.name = "rpc"});
    forwarding =
        std::make_unique<Forwarding>(options, frontends, *node.replica, clock,
                                     [&post, id = node.id](std::span<net::LinkMessage> messages) {
                                       return post.send(id, messages);
                                     });
    frontends.forward_with(*forwarding);
  }

  TestCluster::Node& node;
  rpc::Frontends frontends;
  std::unique_ptr<replica::Lane> lane;
  rpc::Worker worker;
  const rpc::Interface* interface = nullptr;
  std::unique_ptr<Forwarding> forwarding;  // before what it uses goes
};

/// An answer that may still have to come.
class Reply {
 public:
  void give(http::Response&& response) {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(response_) << "an answer is given once";
    response_ = std::move(response);
  }
  std::optional<http::Response> get() const {
    const std::lock_guard lock(mutex_);
    return response_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<http::Response> response_;
};

class ForwardingTest : public testing::Test {
 protected:
  /// Of three nodes, the first is primary.
  void start(ForwardingOptions options = {}) {
    for (size_t i = 1; i < 3; ++i) {
      cluster.add_node();
      ASSERT_TRUE(cluster.commit(cluster.set_status({i}, "Trusted")));
    }
    for (const auto& node : cluster.nodes) {
      peers.push_back(std::make_unique<Peer>(*node, post, clock, options,
                                             [this](auto& registry) { install(registry); }));
    }
    connect();
  }
  void TearDown() override {
    if (!go_on.try_wait()) go_on.count_down();
    for (const auto& peer : peers) peer->forwarding->stop();
    // Whoever waits for a commit is answered while everything that the answer needs is there.
    for (const auto& node : cluster.nodes) node->replica->answer_waiting();
    peers.clear();
  }

  void install(EndpointRegistry& registry) {
    registry
        .make_endpoint(
            "/records/{key}", Method::put,
            [](EndpointContext& ctx) {
              ctx.tx.rw("records").put(as_bytes(ctx.call.path_parameter("key")), ctx.call.body());
              ctx.call.set_status(http::status::no_content);
            },
            auth::none)
        .install();
    registry
        .make_read_only_endpoint(
            "/records/{key}", Method::get,
            [](ReadOnlyEndpointContext& ctx) {
              const auto value = ctx.tx.ro("records").get(as_bytes(ctx.call.path_parameter("key")));
              ctx.call.set_body(value ? as_text(*value) : "nothing");
            },
            auth::none)
        .install();
    registry
        .make_endpoint("/whoami", Method::get,
                       [](EndpointContext& ctx) {
                         const auto& caller = ctx.call.caller<AnyCertIdentity>();
                         ctx.call.set_body(to_text(caller.certificate_der));
                       },
                       {auth::any_cert()})
        .install();
    registry
        .make_endpoint(
            "/large", Method::get, [](EndpointContext& ctx) { ctx.call.set_body(Bytes(100'000)); },
            auth::none)
        .install();
    registry
        .make_endpoint(
            "/slow", Method::get,
            [this](EndpointContext&) {
              arrived.count_down();
              go_on.wait();
            },
            auth::none)
        .install();
  }

  /// A new connection of a client to that node.
  void connect(size_t node = 1) {
    at = node;
    session = {};
    session.id = ++sessions;
    session.interface = peers[node]->interface;
  }
  std::shared_ptr<Reply> send(Method method, std::string_view target, std::string_view body = {},
                              const std::string& prefer = {}) {
    http::Request request;
    request.method = method;
    request.target = request.path = target;
    request.body = as_bytes(body);
    if (!prefer.empty()) request.headers.push_back({"prefer", prefer});
    auto reply = std::make_shared<Reply>();
    const rpc::AnswerLater later = [&] {
      return [reply](http::Response&& response) { reply->give(std::move(response)); };
    };
    http::Response response;
    Peer& peer = *peers[at];
    if (peer.frontends.process(peer.worker, request, session, response, &later) ==
        rpc::Outcome::answered) {
      reply->give(std::move(response));
    }
    peer.lane->hand_over();
    return reply;
  }
  auto put(std::string_view key, std::string_view value, const std::string& prefer = {}) {
    return send(Method::put, "/app/records/" + std::string(key), value, prefer);
  }
  auto get(std::string_view key) { return send(Method::get, "/app/records/" + std::string(key)); }

  /// Steps of the replicas, and delivery of what is on its way, as often as `copies` says.
  void deliver() {
    cluster.rounds(1);
    for (Mail& mail : post.take()) {
      const int times = copies(mail);
      for (const auto& peer : peers) {
        if (peer->node.id != mail.to || !peer->node.alive) continue;
        for (int i = 0; i < times; ++i)
          peer->forwarding->received(mail.from, mail.kind, mail.bytes);
      }
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  template <typename Condition>
  bool until(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + seconds(60);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      deliver();
    }
    return true;
  }
  /// The summary of the answer, once it is there.
  std::string answer(const std::shared_ptr<Reply>& reply) {
    if (!until([&] { return reply->get().has_value(); })) return "none";
    return summary(*reply->get());
  }
  ForwardingCounts counts(size_t node) { return peers[node]->forwarding->counts(); }
  const NodeId& id(size_t node) { return peers[node]->node.id; }
  std::string timed_out(int after) {
    return "504 Request was forwarded to node " + id(0).value +
           ", but no response was received after " + std::to_string(after) + "ms";
  }

  SharedClock clock;
  Post post;
  TestCluster cluster;
  std::vector<std::unique_ptr<Peer>> peers;
  std::function<int(const Mail&)> copies = [](const Mail&) { return 1; };
  size_t at = 1;
  uint64_t sessions = 0;
  rpc::Session session;
  std::latch arrived{1}, go_on{1};
};

TEST_F(ForwardingTest, a_write_at_a_backup_is_executed_by_the_primary_and_seen_by_its_session) {
  start();
  const auto reply = put("k", "v");
  EXPECT_EQ(answer(reply), "204");
  const auto id = TxId::parse(header_of(*reply->get(), id_header));
  ASSERT_TRUE(id);
  EXPECT_EQ(session.last_seen(), *id);
  EXPECT_EQ(answer(get("k")), "200 v") << "wherever it is read";
  EXPECT_EQ(counts(0).executed, 2u) << "the session goes on at the primary";
  ASSERT_TRUE(cluster.commit(*id));
  connect();
  EXPECT_EQ(answer(get("k")), "200 v") << "and then here";
  EXPECT_EQ(counts(0).executed, 2u);
  EXPECT_EQ(counts(1).calls.answered, 2u);
}

TEST_F(ForwardingTest, the_caller_is_authenticated_by_the_primary) {
  start();
  EXPECT_EQ(answer(send(Method::get, "/app/whoami")).substr(0, 3), "401");
  EXPECT_EQ(counts(0).executed, 1u);
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  const auto certificate = rpc::test::make_certificate(key, clock.unix_time());
  session.certificate = std::make_shared<rpc::ClientCertificate>(certificate.der());
  for (int i = 0; i < 2; ++i) {
    const auto reply = send(Method::get, "/app/whoami");
    EXPECT_EQ(answer(reply).substr(0, 3), "200");
    EXPECT_EQ(reply->get()->body, certificate.der());
  }
}

TEST_F(ForwardingTest, answers_find_their_calls_in_any_order_and_are_taken_once) {
  start();
  std::vector<Mail> held;
  copies = [&](const Mail& mail) {
    if (mail.kind == response_kind) held.push_back(mail);
    return mail.kind == request_kind ? 1 : 0;
  };
  std::vector<std::shared_ptr<Reply>> replies;
  for (int i = 0; i < 20; ++i) replies.push_back(put("k" + std::to_string(i), "v"));
  ASSERT_TRUE(until([&] { return held.size() == 20; }));
  for (auto mail = held.rbegin(); mail != held.rend(); ++mail) {
    // First as if another node had sent it.
    peers[1]->forwarding->received(id(2), mail->kind, mail->bytes);
    for (int i = 0; i < 2; ++i) peers[1]->forwarding->received(mail->from, mail->kind, mail->bytes);
  }
  for (size_t i = 0; i < replies.size(); ++i) {
    ASSERT_TRUE(replies[i]->get());
    const auto id = TxId::parse(header_of(*replies[i]->get(), id_header));
    ASSERT_TRUE(id);
    if (i == 0) continue;
    const auto before = TxId::parse(header_of(*replies[i - 1]->get(), id_header));
    EXPECT_GT(id->seqno, before->seqno) << "requests of a session are executed in order";
  }
  EXPECT_EQ(counts(1).calls.answered, 20u);
  EXPECT_EQ(counts(1).calls.late, 40u);
}

TEST_F(ForwardingTest, a_lost_answer_is_504_in_time_and_the_connection_goes_on) {
  start();
  std::vector<Mail> held;
  copies = [&](const Mail& mail) {
    if (mail.kind != response_kind) return 1;
    held.push_back(mail);
    return 0;
  };
  const auto reply = put("k", "v");
  ASSERT_TRUE(until([&] { return held.size() == 1; }));
  clock.advance(milliseconds(2999));
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_FALSE(reply->get());
  clock.advance(milliseconds(500));
  EXPECT_EQ(answer(reply), timed_out(3000));
  EXPECT_EQ(header_of(*reply->get(), "content-type"), "text/plain");
  EXPECT_FALSE(reply->get()->close);
  EXPECT_EQ(counts(1).calls.timed_out, 1u);

  peers[1]->forwarding->received(held[0].from, held[0].kind, held[0].bytes);
  EXPECT_EQ(counts(1).calls.late, 1u);
  copies = [](const Mail&) { return 1; };
  EXPECT_EQ(answer(get("k")), "200 v") << "it was executed all the same";
}

TEST_F(ForwardingTest, a_lost_request_is_504_and_was_not_executed) {
  start();
  copies = [](const Mail&) { return 0; };
  const auto reply = put("k", "v");
  deliver();
  clock.advance(seconds(4));
  EXPECT_EQ(answer(reply), timed_out(3000));
  copies = [](const Mail&) { return 1; };
  EXPECT_EQ(answer(get("k")), "200 nothing");
}

TEST_F(ForwardingTest, time_outs_come_also_after_a_long_silence) {
  start();
  std::this_thread::sleep_for(milliseconds(1500));  // the timekeeper went to sleep
  copies = [](const Mail&) { return 0; };
  const auto reply = put("k", "v");
  clock.advance(seconds(4));
  EXPECT_EQ(answer(reply), timed_out(3000));
}

TEST_F(ForwardingTest, a_lost_connection_ends_its_calls_at_once) {
  start();
  copies = [](const Mail&) { return 0; };
  const auto reply = put("k", "v");
  clock.advance(milliseconds(7));
  peers[1]->forwarding->connection_changed(id(0), true);
  peers[1]->forwarding->connection_changed(id(2), false);
  EXPECT_FALSE(reply->get());
  peers[1]->forwarding->connection_changed(id(0), false);
  ASSERT_TRUE(reply->get());
  EXPECT_EQ(summary(*reply->get()), timed_out(7));
  EXPECT_TRUE(reply->get()->close);
  EXPECT_EQ(counts(1).calls.cut_off, 1u);
}

TEST_F(ForwardingTest, a_link_that_takes_nothing_is_503) {
  start();
  post.broken = true;
  EXPECT_EQ(answer(put("k", "v")),
            "503 InternalError: Unable to establish channel to forward to primary.");
  EXPECT_EQ(answer(get("k")), "200 nothing") << "a failure does not stick";
  EXPECT_EQ(counts(1).calls.forwarded, 0u);
  EXPECT_EQ(counts(1).calls.open, 0u);
}

TEST_F(ForwardingTest, a_change_of_the_primary_ends_sessions) {
  start();
  EXPECT_EQ(answer(put("k", "v")), "204");
  copies = [](const Mail&) { return 0; };
  const auto open = put("k", "w");
  peers[0]->node.alive = false;
  ASSERT_TRUE(cluster.until([&] {
    return cluster.leader() != nullptr &&
           peers[1]->node.replica->view() == peers[2]->node.replica->view() &&
           peers[1]->node.replica->primary() == peers[2]->node.replica->primary();
  }));
  const std::string lost = "500 SessionConsistencyLost";
  EXPECT_EQ(answer(open).substr(0, 4), "504 ") << "the former primary may have executed it";
  EXPECT_TRUE(open->get()->close);
  EXPECT_EQ(answer(get("k")).substr(0, lost.size()), lost) << "had the connection not been closed";
  copies = [](const Mail&) { return 1; };
  connect(cluster.leader() == &peers[1]->node ? 2 : 1);
  EXPECT_EQ(answer(put("k", "x")), "204") << "a new session with the new primary";
  EXPECT_EQ(answer(get("k")), "200 x");
}

TEST_F(ForwardingTest, a_request_that_believes_in_another_view_is_refused_by_the_primary) {
  start();
  session.pinned_view = peers[1]->node.replica->view();
  ForwardedRequest request;
  request.correlation = 5;
  request.session = 77;
  request.pinned_view = View{session.pinned_view->value - 1};
  request.request.method = Method::put;
  request.request.target = "/app/records/k";
  peers[0]->forwarding->received(id(1), request_kind, *encode(request, 1000));
  std::deque<Mail> mail;
  ASSERT_TRUE(until([&] {
    copies = [&](const Mail& one) {
      mail.push_back(one);
      return 0;
    };
    return !mail.empty();
  }));
  const auto refused = decode_forwarded_response(mail[0].bytes);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->correlation, 5u);
  EXPECT_EQ(summary(refused->response),
            "500 SessionConsistencyLost: Potential loss of session consistency on session 77. "
            "Started in view " +
                std::to_string(request.pinned_view.value) + ", now in view " +
                std::to_string(session.pinned_view->value) + ". Closing session.");
  EXPECT_TRUE(refused->response.close);
  EXPECT_EQ(peers[0]->node.read("k"), "");
}

TEST_F(ForwardingTest, a_node_that_is_not_primary_does_not_forward_what_was_forwarded) {
  start();
  // The link brings it to the wrong node.
  copies = [&](const Mail& mail) {
    if (mail.kind != request_kind) return 1;
    peers[2]->forwarding->received(mail.from, mail.kind, mail.bytes);
    return 0;
  };
  const auto reply = put("k", "v");
  ASSERT_TRUE(until([&] { return counts(2).executed == 1; }));
  clock.advance(seconds(4));
  EXPECT_EQ(answer(reply), timed_out(3000)) << "an answer of somebody who was not asked";
  EXPECT_EQ(counts(2).calls.forwarded, 0u);
  EXPECT_EQ(peers[2]->node.read("k"), "");
}

TEST_F(ForwardingTest, waiting_for_global_commit_goes_through) {
  start();
  const auto reply = put("k", "v", "wait=10");
  EXPECT_EQ(answer(reply), "204");
  EXPECT_EQ(header_of(*reply->get(), "preference-applied"), "wait=10");
  const auto id = TxId::parse(header_of(*reply->get(), id_header));
  ASSERT_TRUE(id);
  EXPECT_EQ(peers[0]->node.replica->status(*id), TxStatus::committed);
  EXPECT_EQ(session.last_seen(), *id);
}

TEST_F(ForwardingTest, an_answer_that_waits_may_outlive_the_forwarding) {
  start();
  cluster.lost = [](const TestCluster::Mail&) { return true; };  // nothing is committed any more
  const auto reply = put("k", "v", "wait=10");
  ASSERT_TRUE(until([&] { return counts(0).executed == 1; }));
  peers[0]->forwarding->stop();
  peers[0]->node.replica->answer_waiting();
  deliver();
  EXPECT_FALSE(reply->get()) << "nobody sends after the stop";
}

TEST_F(ForwardingTest, open_calls_are_bounded) {
  start({.max_open_calls = 2});
  copies = [](const Mail&) { return 0; };
  put("a", "v");
  put("b", "v");
  EXPECT_EQ(answer(put("c", "v")),
            "503 InternalError: RPC could not be forwarded: too many requests wait for an answer "
            "of the primary.");
  EXPECT_EQ(counts(1).calls.open, 2u);
}

TEST_F(ForwardingTest, the_queue_of_the_primary_is_bounded_and_no_node_fills_it_alone) {
  start({.executor = {.queued_requests = 12}});
  const auto slow = send(Method::get, "/app/slow");
  ASSERT_TRUE(until([&] { return arrived.try_wait(); }));
  std::vector<std::shared_ptr<Reply>> replies;
  for (int i = 0; i < 5; ++i) replies.push_back(put("k", std::to_string(i)));
  for (int i = 3; i < 5; ++i) {
    EXPECT_EQ(answer(replies[static_cast<size_t>(i)]),
              "503 InternalError: Too many forwarded requests wait for execution on the primary.");
  }
  EXPECT_EQ(header_of(*replies[4]->get(), "retry-after"), "1");
  EXPECT_EQ(counts(0).refused, 2u);
  const rpc::Session flooding = session;
  connect(2);
  const auto other = put("other", "v");
  deliver();
  EXPECT_EQ(counts(0).refused, 2u);
  go_on.count_down();
  EXPECT_EQ(answer(other), "204");
  session = flooding;
  at = 1;
  EXPECT_EQ(answer(slow), "200");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(answer(replies[static_cast<size_t>(i)]), "204");
  EXPECT_EQ(answer(get("k")), "200 2");
}

TEST_F(ForwardingTest, sizes_are_bounded_both_ways) {
  start({.max_payload = 50'000});
  EXPECT_EQ(answer(put("k", std::string(60'000, 'x'))),
            "413 RequestBodyTooLarge: HTTP request is too large to be forwarded to primary.");
  EXPECT_EQ(counts(1).calls.forwarded, 0u);
  EXPECT_EQ(answer(send(Method::get, "/app/large")),
            "500 InternalError: The answer is too large to be sent back from the primary.");
}

TEST_F(ForwardingTest, sessions_keep_their_order_on_several_threads) {
  start({.executors = 3});
  std::vector<rpc::Session> clients(4);
  std::vector<std::shared_ptr<Reply>> replies;
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i].id = 100 + i;
    clients[i].interface = peers[1]->interface;
  }
  for (int round = 0; round < 25; ++round) {
    for (size_t i = 0; i < clients.size(); ++i) {
      session = clients[i];
      put("k" + std::to_string(i), std::to_string(round));
      replies.push_back(get("k" + std::to_string(i)));
      clients[i] = session;
    }
    deliver();
  }
  for (size_t n = 0; n < replies.size(); ++n) {
    EXPECT_EQ(answer(replies[n]), "200 " + std::to_string(n / clients.size()));
  }
}

TEST_F(ForwardingTest, what_cannot_be_read_is_counted_and_answered_where_possible) {
  start();
  Forwarding& primary = *peers[0]->forwarding;
  primary.received(id(1), request_kind, {});
  primary.received(id(1), request_kind, Bytes(16));
  primary.received(id(1), request_kind, Bytes(200, 0xff));
  primary.received(id(1), response_kind, {});
  primary.received(id(1), net::MessageKind::consensus, Bytes(100));
  ASSERT_TRUE(until([&] { return counts(0).malformed == 4; }));

  copies = [&](const Mail& mail) {
    if (mail.kind != response_kind) return 1;
    Bytes cut = mail.bytes;
    cut.pop_back();
    peers[1]->forwarding->received(mail.from, mail.kind, cut);
    return 0;
  };
  EXPECT_EQ(answer(put("k", "v")),
            "500 InternalError: The answer of the primary could not be read.");
  EXPECT_EQ(counts(1).malformed, 1u);
}

TEST_F(ForwardingTest, stop_answers_what_is_open_and_takes_nothing_more) {
  start();
  copies = [](const Mail&) { return 0; };
  const auto open = put("k", "v");
  peers[1]->forwarding->stop();
  ASSERT_TRUE(open->get());
  EXPECT_EQ(open->get()->status, 504);
  EXPECT_EQ(answer(put("k", "v")).substr(0, 3), "503");
  peers[1]->forwarding->stop();
}

}  // namespace
}  // namespace entente::node
