// Forwarding and redirection: who executes a request that arrives at a node in the wrong role, and
// what is answered when nobody can.

#include <gtest/gtest.h>

#include "rpc/forwarder.h"
#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;
using std::chrono::milliseconds;
using test::header_of;
using test::summary;

constexpr auto id_header = "x-ms-ccf-transaction-id";

/// Keeps what it is given, and answers when the test says so.
struct FakeForwarder final : Forwarder {
  struct Call {
    NodeId primary;
    std::string target;
    std::string body;
    uint64_t session;
    std::string interface;
    Bytes certificate;
    View pinned_view;
    TxId last_seen;
    milliseconds patience;
    ForwardedAnswer answer;
  };
  std::vector<Call> calls;
  Forwarded result = Forwarded::sent;

  Forwarded forward(const NodeId& primary, const http::Request& request, const SessionFacts& facts,
                    ForwardedAnswer answer) override {
    calls.push_back({primary, std::string(request.target), to_text(request.body), facts.session,
                     std::string(facts.interface), to_bytes(facts.certificate), facts.pinned_view,
                     facts.last_seen, facts.patience, std::move(answer)});
    return result;
  }
};

class ForwardTest : public testing::Test {
 protected:
  ForwardTest() {
    const auto add = [&](const std::string& name, Forwarding forwarding) {
      service.app()
          .make_endpoint(
              "/" + name, Method::put,
              [](EndpointContext& ctx) {
                ctx.tx.rw("map").put(as_bytes("x"), as_bytes("1"));
                ctx.call.set_body("here");
              },
              auth::none)
          .set_forwarding_required(forwarding)
          .install();
      service.app()
          .make_read_only_endpoint(
              "/" + name, Method::get,
              [](ReadOnlyEndpointContext& ctx) {
                ctx.tx.ro("map").has(as_bytes("x"));
                ctx.call.set_body("here");
              },
              auth::none)
          .set_forwarding_required(forwarding)
          .install();
    };
    add("always", Forwarding::always);
    add("sometimes", Forwarding::sometimes);
    add("never", Forwarding::never);
    service.app()
        .make_endpoint("/user", Method::put, [](EndpointContext&) {}, {auth::user_cert()})
        .install();
    service.start();
    service.frontends.forward_with(forwarder);
    service.session.id = 17;
    listen({.name = "rpc"});
    become_backup();
  }
  void listen(InterfaceRules rules) {
    const auto added = service.frontends.add_interface(std::move(rules));
    ASSERT_TRUE(added.ok());
    service.session.interface = *added;
  }
  void become_backup() {
    service.status.primary_here = false;
    service.status.primary_id = NodeId{"primary"};
    service.store.set_follower(kv::Epoch{2});
  }
  /// `forwarded`, or what was answered at once.
  std::string send(Method method, std::string_view target,
                   const test::Service::Headers& headers = {}) {
    answered.reset();
    const size_t before = forwarder.calls.size();
    const auto response = service.send(method, target, "body", headers, &later);
    if (service.outcome == Outcome::answered) return summary(response);
    if (answered) return "later " + summary(*answered);
    return forwarder.calls.size() == before + 1 ? "forwarded" : "lost";
  }
  std::string put(std::string_view target, const test::Service::Headers& headers = {}) {
    return send(Method::put, target, headers);
  }
  std::string get(std::string_view target, const test::Service::Headers& headers = {}) {
    return send(Method::get, target, headers);
  }
  static http::Response response(int status, std::string_view body) {
    http::Response out;
    out.status = status;
    out.set_body(body, "text/plain");
    return out;
  }

  test::Service service;
  FakeForwarder forwarder;
  std::optional<http::Response> answered;
  AnswerLater later = [this]() -> Answer {
    return [this](http::Response&& response) {
      EXPECT_FALSE(answered) << "an answer is given once";
      answered = std::move(response);
    };
  };
};

constexpr auto no_write = "503 TransactionReplicationFailed: Transaction failed to replicate.";

TEST_F(ForwardTest, the_table_of_a_backup) {
  struct Row {
    const char* target;
    bool sticky;
    std::string read, write;
  };
  const std::vector<Row> rows{
      {"/app/never", false, "200 here", no_write},
      {"/app/never", true, "200 here", no_write},
      {"/app/sometimes", false, "200 here", no_write},
      {"/app/sometimes", true, "forwarded", "forwarded"},
      {"/app/always", false, "forwarded", "forwarded"},
      {"/app/always", true, "forwarded", "forwarded"},
  };
  for (const Row& row : rows) {
    for (const bool write : {false, true}) {
      service.session.has_forwarded = row.sticky;
      EXPECT_EQ(write ? put(row.target) : get(row.target), write ? row.write : row.read)
          << row.target << (row.sticky ? " sticky" : "");
    }
  }
}

TEST_F(ForwardTest, a_primary_executes_everything) {
  service.status.primary_here = true;
  service.store.set_primary(first_view, kv::Epoch{3});
  for (const bool sticky : {false, true}) {
    service.session.has_forwarded = sticky;
    for (const auto* target : {"/app/never", "/app/sometimes", "/app/always"}) {
      EXPECT_EQ(get(target), "200 here");
      EXPECT_EQ(put(target), "200 here");
    }
  }
  EXPECT_TRUE(forwarder.calls.empty());
}

TEST_F(ForwardTest, once_forwarded_always_forwarded) {
  EXPECT_EQ(get("/app/sometimes"), "200 here");
  EXPECT_EQ(put("/app/always"), "forwarded");
  EXPECT_EQ(get("/app/sometimes"), "forwarded");
  EXPECT_EQ(get("/app/never"), "200 here");
  service.session = {.id = 18, .interface = service.session.interface};
  EXPECT_EQ(get("/app/sometimes"), "200 here") << "another connection";
}

TEST_F(ForwardTest, a_forward_that_failed_does_not_stick) {
  for (const Forwarded failure :
       {Forwarded::no_channel, Forwarded::too_many, Forwarded::too_large}) {
    forwarder.result = failure;
    EXPECT_EQ(put("/app/always").substr(0, 6), "later ");
    EXPECT_EQ(get("/app/sometimes"), "200 here");
  }
}

TEST_F(ForwardTest, only_the_primary_answers_linearizable_reads) {
  EXPECT_EQ(get("/app/sometimes"), "200 here");
  EXPECT_EQ(get("/app/sometimes", {{"prefer", "wait=2, linearizable"}}), "forwarded");
}

TEST_F(ForwardTest, what_the_primary_is_told) {
  const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
  service.show_certificate(test::make_certificate(key, service.clock.unix));
  listen({.name = "mine", .forwarding_timeout = milliseconds(1234)});
  EXPECT_EQ(put("/app/user?a=%20"), "forwarded") << "before authentication";
  EXPECT_EQ(put("/app/always", {{"prefer", "wait=2"}}), "forwarded");
  const auto& call = forwarder.calls.at(0);
  EXPECT_EQ(call.primary.value, "primary");
  EXPECT_EQ(call.target, "/app/user?a=%20");
  EXPECT_EQ(call.body, "body");
  EXPECT_EQ(call.session, 17u);
  EXPECT_EQ(call.interface, "mine");
  EXPECT_EQ(call.certificate, service.session.certificate->der());
  EXPECT_EQ(call.pinned_view, first_view);
  EXPECT_EQ(call.last_seen, TxId{});
  EXPECT_EQ(call.patience, milliseconds(1234));
  EXPECT_EQ(forwarder.calls.at(1).patience, milliseconds(3234)) << "the wait comes on top";
}

TEST_F(ForwardTest, the_answer_is_relayed_unchanged_and_remembered) {
  EXPECT_EQ(put("/app/always"), "forwarded");
  http::Response given = response(418, "text");
  given.set_header(id_header, "2.7");
  given.close = true;
  forwarder.calls.at(0).answer(std::move(given), {first_view, SeqNo{7}});
  ASSERT_TRUE(answered);
  EXPECT_EQ(summary(*answered), "418 text");
  EXPECT_EQ(header_of(*answered, id_header), "2.7");
  EXPECT_TRUE(answered->close);
  EXPECT_EQ(service.session.last_seen(), (TxId{first_view, SeqNo{7}}));
  EXPECT_EQ(put("/app/always"), "forwarded");
  EXPECT_EQ(forwarder.calls.at(1).last_seen, (TxId{first_view, SeqNo{7}}));
  forwarder.calls.at(1).answer(response(200, ""), {first_view, SeqNo{3}});
  EXPECT_EQ(service.session.last_seen(), (TxId{first_view, SeqNo{7}})) << "never goes back";
  EXPECT_EQ(get("/app/never"), "200 here") << "a backup may lag behind";
}

TEST_F(ForwardTest, an_answer_may_come_when_the_session_is_gone) {
  EXPECT_EQ(put("/app/always"), "forwarded");
  service.session = {};
  forwarder.calls.at(0).answer(response(200, "late"), {first_view, SeqNo{7}});
  EXPECT_EQ(summary(*answered), "200 late");
}

TEST_F(ForwardTest, failures) {
  service.session.http2 = true;
  EXPECT_EQ(put("/app/always"),
            "501 NotImplemented: Request cannot be forwarded to primary on HTTP/2 interface.");
  EXPECT_EQ(get("/app/sometimes"), "200 here");
  service.session.http2 = false;

  service.status.primary_id.reset();
  EXPECT_EQ(put("/app/always"),
            "503 InternalError: RPC could not be forwarded to unknown primary.");
  service.status.primary_id = NodeId{"primary"};

  forwarder.result = Forwarded::no_channel;
  EXPECT_EQ(put("/app/always"),
            "later 503 InternalError: Unable to establish channel to forward to primary.");
  forwarder.result = Forwarded::too_many;
  EXPECT_EQ(put("/app/always"),
            "later 503 InternalError: RPC could not be forwarded: too many requests wait for an "
            "answer of the primary.");
  forwarder.result = Forwarded::too_large;
  EXPECT_EQ(put("/app/always"),
            "later 413 RequestBodyTooLarge: HTTP request is too large to be forwarded to primary.");

  EXPECT_EQ(summary(service.send(Method::put, "/app/always")),
            "500 InternalError: No consensus or forwarder to forward request.")
      << "a transport that cannot answer later";
}

TEST_F(ForwardTest, without_a_forwarder) {
  test::Service alone;
  alone.app()
      .make_endpoint(
          "/always", Method::put, [](EndpointContext&) {}, auth::none)
      .install();
  alone.start();
  alone.status.primary_here = false;
  EXPECT_EQ(summary(alone.send(Method::put, "/app/always", {}, {}, &later)),
            "500 InternalError: No consensus or forwarder to forward request.");
  EXPECT_FALSE(answered);
}

TEST_F(ForwardTest, no_answer_in_time) {
  http::Response late;
  late.set_header("x-early", "1");
  set_forwarding_timed_out(late, NodeId{"abc"}, milliseconds(3000));
  EXPECT_EQ(summary(late),
            "504 Request was forwarded to node abc, but no response was received after 3000ms");
  EXPECT_EQ(header_of(late, "content-type"), "text/plain");
  EXPECT_EQ(header_of(late, "x-early"), "(absent)");
  EXPECT_FALSE(late.close);
}

TEST_F(ForwardTest, a_session_of_another_view_is_not_forwarded) {
  EXPECT_EQ(put("/app/always"), "forwarded");
  service.status.current_view = View{4};
  const auto response = service.send(Method::put, "/app/always", {}, {}, &later);
  EXPECT_EQ(summary(response),
            "500 SessionConsistencyLost: Potential loss of session consistency on session 17. "
            "Started in view 2, now in view 4. Closing session.");
  EXPECT_TRUE(response.close);
  EXPECT_EQ(forwarder.calls.size(), 1u);
}

TEST_F(ForwardTest, interface_rules_come_first) {
  listen({.name = "narrow", .accepted_endpoints = {{"/app/never"}}});
  EXPECT_EQ(put("/app/always"), "503");
  EXPECT_TRUE(forwarder.calls.empty());
  EXPECT_EQ(get("/app/never"), "200 here");
}

TEST_F(ForwardTest, an_interface_with_redirections_never_forwards) {
  listen({.name = "redirecting", .redirections = Redirections{}});
  service.session.has_forwarded = true;
  for (const auto* target : {"/app/always", "/app/sometimes"}) {
    EXPECT_EQ(put(target),
              "503 PrimaryNotFound: Request should be redirected to primary, but receiving node "
              "does not know current primary address");
  }
  EXPECT_EQ(get("/app/never"), "200 here");
  EXPECT_TRUE(forwarder.calls.empty());
}

// -- on the primary: a request that another node forwarded ---------------------------------------

class ForwardedTest : public ForwardTest {
 protected:
  ForwardedTest() {
    service.status.primary_here = true;
    service.store.set_primary(first_view, kv::Epoch{3});
    service.session = {.id = 99, .forwarded = true, .pinned_view = first_view};
  }
  static constexpr auto lost =
      "500 SessionConsistencyLost: Potential loss of session consistency on session 99. Started in "
      "view 2, now in view 4. Closing session.";
};

TEST_F(ForwardedTest, is_executed_without_interface_rules) {
  EXPECT_EQ(put("/app/always"), "200 here");
  EXPECT_EQ(service.session.last_seen(), (TxId{first_view, SeqNo{1}}));
  EXPECT_EQ(get("/app/sometimes"), "200 here");
}

TEST_F(ForwardedTest, is_not_forwarded_again) {
  service.status.primary_here = false;
  for (const auto* target : {"/app/always", "/app/sometimes"}) {
    EXPECT_EQ(put(target), "503 RequestAlreadyForwarded: RPC was already forwarded.");
  }
  EXPECT_TRUE(forwarder.calls.empty());
}

TEST_F(ForwardedTest, the_view_that_it_believes_in_must_be_this_one) {
  service.status.current_view = View{4};
  EXPECT_EQ(put("/app/always"), lost);
  EXPECT_EQ(get("/app/always"), lost);
  EXPECT_EQ(service.get("map", "x"), std::nullopt);
}

TEST_F(ForwardedTest, a_view_that_began_during_the_execution_is_noticed_at_the_commit) {
  // The store is in the new view, and nobody has said so yet.
  service.store.set_follower(kv::Epoch{4});
  service.store.open_view(View{4}, kv::Epoch{4});
  const auto answer = put("/app/always");
  EXPECT_EQ(answer.substr(0, 26), "500 SessionConsistencyLost") << answer;
  EXPECT_EQ(service.store.last().seqno, SeqNo{1}) << "only the signature that opens the view";
}

TEST_F(ForwardedTest, a_view_that_begins_just_before_the_commit_is_noticed_there) {
  Worker slow([&](kv::Tx& tx, const replica::CommitOptions& options) {
    service.store.set_follower(kv::Epoch{4});
    service.store.open_view(View{4}, kv::Epoch{4});
    service.status.current_view = View{4};
    return service.store.commit(tx, options.conditions);
  });
  http::Request request;
  request.method = Method::put;
  request.target = request.path = "/app/always";
  http::Response response;
  service.frontends.process(slow, request, service.session, response);
  EXPECT_EQ(summary(response), lost);
  EXPECT_TRUE(response.close);
  EXPECT_EQ(service.store.last().seqno, SeqNo{1});
}

TEST_F(ForwardedTest, what_the_session_has_seen_must_be_of_this_branch) {
  service.put("map", "k", "v");  // 2.1
  // Seen on a node that still had another transaction of an earlier view there.
  service.session.seen = {View{1}, SeqNo{1}};
  EXPECT_EQ(get("/app/always").substr(0, 26), "500 SessionConsistencyLost");
  EXPECT_EQ(put("/app/always").substr(0, 26), "500 SessionConsistencyLost");
  service.session.seen = {first_view, SeqNo{1}};
  EXPECT_EQ(put("/app/always"), "200 here");
}

TEST_F(ForwardedTest, what_is_rolled_back_between_the_check_and_the_commit_is_noticed_there) {
  service.put("map", "k", "v");  // 2.1
  service.session.seen = {first_view, SeqNo{1}};
  Worker slow([&](kv::Tx& tx, const replica::CommitOptions& options) {
    EXPECT_EQ(options.conditions.session, (TxId{first_view, SeqNo{1}}));
    EXPECT_EQ(options.conditions.epoch, kv::Epoch{3});
    service.store.rollback(SeqNo{0}, first_view, kv::Epoch{3});
    service.store.set_primary(first_view, kv::Epoch{3});
    return service.store.commit(tx, options.conditions);
  });
  http::Request request;
  request.method = Method::put;
  request.target = request.path = "/app/always";
  http::Response response;
  service.frontends.process(slow, request, service.session, response);
  EXPECT_EQ(summary(response).substr(0, 26), "500 SessionConsistencyLost");
  EXPECT_EQ(service.store.last(), TxId{});
}

TEST_F(ForwardedTest, waits_for_commit_when_asked) {
  EXPECT_EQ(put("/app/always", {{"prefer", "wait=5"}}), "lost") << "deferred, not forwarded";
  ASSERT_EQ(service.status.waiters.size(), 1u);
  service.status.waiters[0].callback(TxStatus::committed);
  ASSERT_TRUE(answered);
  EXPECT_EQ(header_of(*answered, "preference-applied"), "wait=5");
}

// -- sessions of a node's own clients -----------------------------------------------------------

class OwnSessionTest : public ForwardedTest {
 protected:
  OwnSessionTest() { service.session = {.id = 99}; }
};

TEST_F(OwnSessionTest, an_answer_of_an_abandoned_branch_ends_the_session_at_its_next_request) {
  // As a backup that has answered from the tail of view 2, and then follows view 4.
  service.put("map", "k", "v");  // 2.1
  EXPECT_EQ(get("/app/never"), "200 here");
  service.store.rollback(SeqNo{0}, View{4}, kv::Epoch{5});
  service.store.set_primary(View{4}, kv::Epoch{5});
  service.put("map", "k", "w");  // 4.1
  service.status.current_view = View{4};
  service.session.pinned_view = View{4};  // it began after the view did, before the roll-back
  EXPECT_EQ(get("/app/never"),
            "500 SessionConsistencyLost: Potential loss of session consistency on session 99. "
            "Started in view 4, now in view 4. Closing session.");
}

TEST_F(OwnSessionTest, a_commit_is_refused_that_would_leave_the_branch) {
  EXPECT_EQ(put("/app/always"), "200 here");
  ASSERT_FALSE(service.commits.empty());
  EXPECT_EQ(service.commits.back().conditions.session, TxId{});
  EXPECT_EQ(put("/app/always"), "200 here");
  EXPECT_EQ(service.commits.back().conditions.session, (TxId{first_view, SeqNo{1}}));
}

}  // namespace
}  // namespace entente::rpc
