// Transactions, retries, exceptions, transaction ids, sessions, waiting for commit.

#include <gtest/gtest.h>

#include "entente/json_adapter.h"
#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;
using test::body_text;
using test::header_of;
using test::summary;

constexpr std::string_view map = "records";
constexpr std::string_view id_header = "x-ms-ccf-transaction-id";

class ExecutionTest : public testing::Test {
 protected:
  void write_endpoint(const std::string& path, EndpointFunction function) {
    service.app().make_endpoint(path, Method::put, std::move(function), auth::none).install();
  }
  void put_x_with(const std::string& path, std::function<void(EndpointContext&)> also) {
    write_endpoint(path, [also](EndpointContext& ctx) {
      ctx.tx.wo(map).put(as_bytes("x"), as_bytes("1"));
      also(ctx);
    });
  }
  http::Response put(std::string_view target) { return service.send(Method::put, target); }

  test::Service service;
};

TEST_F(ExecutionTest, successful_writes_are_applied_and_carry_their_id) {
  put_x_with("/ok", [](EndpointContext&) {});
  put_x_with("/created", [](EndpointContext& ctx) { ctx.call.set_status(201); });
  service.start();
  auto response = put("/app/ok");
  EXPECT_EQ(summary(response), "200");
  EXPECT_EQ(header_of(response, id_header), "2.1");
  EXPECT_EQ(service.get(map, "x"), "1");
  EXPECT_EQ(header_of(put("/app/created"), id_header), "2.2");
}

TEST_F(ExecutionTest, what_is_not_2xx_is_discarded_unless_forced) {
  for (const int status : {304, 307, 400, 404, 500}) {
    const auto text = std::to_string(status);
    put_x_with("/plain" + text, [status](EndpointContext& ctx) { ctx.call.set_status(status); });
    put_x_with("/forced" + text, [status](EndpointContext& ctx) {
      ctx.call.set_status(status);
      ctx.call.set_apply_writes(true);
    });
  }
  put_x_with("/withheld", [](EndpointContext& ctx) { ctx.call.set_apply_writes(false); });
  service.start();
  for (const int status : {304, 307, 400, 404, 500}) {
    const auto response = put("/app/plain" + std::to_string(status));
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(header_of(response, id_header), "(absent)");
    EXPECT_EQ(service.get(map, "x"), std::nullopt);
  }
  EXPECT_EQ(header_of(put("/app/withheld"), id_header), "(absent)");
  EXPECT_EQ(service.get(map, "x"), std::nullopt);
  EXPECT_TRUE(service.commits.empty());
  const auto response = put("/app/forced404");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(header_of(response, id_header), "2.1");
  EXPECT_EQ(service.get(map, "x"), "1");
}

TEST_F(ExecutionTest, reads_carry_the_last_transaction_that_they_could_see) {
  service.app()
      .make_read_only_endpoint(
          "/read", Method::get,
          [](ReadOnlyEndpointContext& ctx) {
            ctx.tx.ro(map).get(as_bytes("x"));
            ctx.call.set_body("read");
          },
          auth::none)
      .install();
  service.app()
      .make_read_only_endpoint(
          "/untouched", Method::get, [](ReadOnlyEndpointContext&) {}, auth::none)
      .install();
  service.app()
      .make_endpoint(
          "/reads_only", Method::get,
          [](EndpointContext& ctx) { ctx.tx.ro(map).get(as_bytes("x")); }, auth::none)
      .install();
  service.app()
      .make_endpoint(
          "/nothing", Method::get, [](EndpointContext&) {}, auth::none)
      .install();
  service.app()
      .make_read_only_endpoint(
          "/missing", Method::get,
          [](ReadOnlyEndpointContext& ctx) {
            ctx.tx.ro(map).get(as_bytes("x"));
            ctx.call.set_error(404, errors::resource_not_found, "No");
          },
          auth::none)
      .install();
  service.app()
      .make_command_endpoint(
          "/command", Method::get, [](CommandEndpointContext&) {}, auth::none)
      .install();
  service.start();
  EXPECT_EQ(header_of(service.get_request("/app/read"), id_header), "(absent)") << "empty store";
  service.put("other", "k", "v");
  service.put("other", "k", "v");
  EXPECT_EQ(header_of(service.get_request("/app/read"), id_header), "2.2");
  EXPECT_EQ(header_of(service.get_request("/app/reads_only"), id_header), "2.2");
  EXPECT_EQ(header_of(service.get_request("/app/untouched"), id_header), "(absent)");
  EXPECT_EQ(header_of(service.get_request("/app/nothing"), id_header), "(absent)");
  EXPECT_EQ(header_of(service.get_request("/app/missing"), id_header), "(absent)");
  EXPECT_EQ(header_of(service.get_request("/app/command"), id_header), "(absent)");
}

TEST_F(ExecutionTest, exceptions_become_answers_without_the_headers_set_before) {
  const auto thrower = [](auto error) {
    return [error](EndpointContext& ctx) {
      ctx.call.set_header("x-early", "1");
      ctx.call.set_apply_writes(true);
      throw error;
    };
  };
  put_x_with("/rpc", thrower(RpcException(403, errors::authorization_failed, "Not you")));
  put_x_with("/json", thrower(JsonException("At #/a: no")));
  put_x_with("/std", thrower(std::runtime_error("broken")));
  put_x_with("/int", thrower(3));
  put_x_with("/parameter", [](EndpointContext& ctx) { ctx.call.path_parameter("absent"); });
  put_x_with("/caller", [](EndpointContext& ctx) { ctx.call.caller<UserCertIdentity>(); });
  put_x_with("/forbidden", [](EndpointContext& ctx) { ctx.tx.wo("public:ccf.gov.users.certs"); });
  service.start();
  EXPECT_EQ(summary(put("/app/rpc")), "403 AuthorizationFailed: Not you");
  EXPECT_EQ(summary(put("/app/json")), "400 InvalidInput: At #/a: no");
  EXPECT_EQ(summary(put("/app/std")), "500 InternalError: broken");
  EXPECT_EQ(summary(put("/app/int")), "500 InternalError: Unknown exception");
  EXPECT_EQ(summary(put("/app/parameter")),
            "500 InternalError: No path parameter 'absent' in the template");
  EXPECT_EQ(summary(put("/app/caller")), "500 InternalError: Caller is not of the expected type");
  EXPECT_EQ(summary(put("/app/forbidden")).substr(0, 18), "500 InternalError:");
  const auto response = put("/app/std");
  EXPECT_EQ(header_of(response, "x-early"), "(absent)");
  EXPECT_EQ(header_of(response, id_header), "(absent)");
  EXPECT_EQ(header_of(response, "content-type"), "application/json");
  EXPECT_FALSE(response.close);
  EXPECT_EQ(service.get(map, "x"), std::nullopt);
}

TEST_F(ExecutionTest, two_interleaved_transactions_conflict_and_the_second_runs_again) {
  int executions = 0;
  bool nested = false;
  http::Response inner;
  Session other;
  write_endpoint("/increment", [&](EndpointContext& ctx) {
    ++executions;
    auto handle = ctx.tx.rw(map);
    const auto old = handle.get(as_bytes("counter"));
    const int value = old ? std::stoi(to_text(*old)) : 0;
    ctx.call.set_header("x-run-" + std::to_string(executions), "1");
    if (!nested) {
      nested = true;  // another client gets in between read and commit
      Worker worker(
          [&](kv::Tx& tx, const replica::CommitOptions&) { return service.store.commit(tx); });
      service.frontends.process(worker, ctx.call.request(), other, inner);
    }
    handle.put(as_bytes("counter"), as_bytes(std::to_string(value + 1)));
    ctx.call.set_body(std::to_string(value + 1));
  });
  service.start();
  const auto outer = put("/app/increment");
  EXPECT_EQ(summary(inner), "200 1");
  EXPECT_EQ(summary(outer), "200 2");
  EXPECT_EQ(executions, 3);
  EXPECT_EQ(header_of(outer, "x-run-1"), "(absent)") << "the response starts afresh";
  EXPECT_EQ(header_of(outer, "x-run-3"), "1");
  EXPECT_EQ(header_of(inner, id_header), "2.1");
  EXPECT_EQ(header_of(outer, id_header), "2.2");
  EXPECT_EQ(service.get(map, "counter"), "2");
  const auto counts = service.frontends.counts();
  EXPECT_EQ(counts.at(0).calls, 2u);
  EXPECT_EQ(counts.at(0).retries, 1u);
}

TEST_F(ExecutionTest, gives_up_after_thirty_conflicts) {
  int executions = 0;
  write_endpoint("/unlucky", [&](EndpointContext& ctx) {
    ++executions;
    auto handle = ctx.tx.rw(map);
    handle.get(as_bytes("x"));
    service.put(map, "x", std::to_string(executions));
    handle.put(as_bytes("y"), as_bytes("1"));
    ctx.call.set_header("x-early", "1");
  });
  service.start();
  const auto response = put("/app/unlucky");
  EXPECT_EQ(summary(response),
            "503 TransactionCommitAttemptsExceedLimit: Transaction continued to conflict after 30 "
            "attempts. Retry later.");
  EXPECT_EQ(header_of(response, "retry-after"), "3");
  EXPECT_EQ(header_of(response, "x-early"), "(absent)");
  EXPECT_EQ(header_of(response, id_header), "(absent)");
  EXPECT_EQ(executions, 30);
  EXPECT_EQ(service.get(map, "y"), std::nullopt);
  EXPECT_EQ(service.frontends.counts().at(0).server_errors, 1u);
}

TEST_F(ExecutionTest, a_node_that_is_not_primary_refuses_writes_only) {
  put_x_with("/write", [](EndpointContext& ctx) { ctx.call.set_header("x-early", "1"); });
  service.app()
      .make_read_only_endpoint(
          "/read", Method::get, [](ReadOnlyEndpointContext& ctx) { ctx.tx.ro(map).size(); },
          auth::none)
      .install();
  service.start();
  service.store.set_follower(kv::Epoch{2});
  const auto response = put("/app/write");
  EXPECT_EQ(summary(response),
            "503 TransactionReplicationFailed: Transaction failed to replicate.");
  EXPECT_EQ(header_of(response, "x-early"), "(absent)");
  EXPECT_EQ(service.get_request("/app/read").status, 200);
}

TEST_F(ExecutionTest, claims_digest_reaches_the_commit) {
  Digest digest;
  digest.bytes.fill(7);
  put_x_with("/claims", [&](EndpointContext& ctx) { ctx.call.set_claims_digest(digest); });
  put_x_with("/none", [](EndpointContext&) {});
  service.start();
  put("/app/claims");
  put("/app/none");
  ASSERT_EQ(service.commits.size(), 2u);
  EXPECT_EQ(service.commits[0].claims, digest);
  EXPECT_EQ(service.commits[1].claims, Digest{});
  EXPECT_FALSE(service.commits[0].urgent);
}

TEST_F(ExecutionTest, local_commit_functions_replace_the_header_and_may_fail) {
  const auto install = [&](const std::string& path, LocallyCommittedFunction function) {
    service.app()
        .make_endpoint(
            path, Method::put,
            [](EndpointContext& ctx) {
              ctx.tx.wo(map).put(as_bytes("x"), as_bytes("1"));
              ctx.call.set_user_data(std::make_shared<std::string>("carried"));
              ctx.call.set_header("x-early", "1");
            },
            auth::none)
        .set_locally_committed_function(std::move(function))
        .install();
  };
  install("/ok", [](CommandEndpointContext& ctx, const TxId& id) {
    ctx.call.set_body(*ctx.call.user_data<std::string>() + " " + id.text());
  });
  install("/throws", [](CommandEndpointContext&, const TxId&) {
    throw std::runtime_error("didn't set user_data!");
  });
  service.start();
  auto response = put("/app/ok");
  EXPECT_EQ(summary(response), "200 carried 2.1");
  EXPECT_EQ(header_of(response, id_header), "(absent)") << "the function did not set it";
  response = put("/app/throws");
  EXPECT_EQ(body_text(response),
            R"({"error":{"code":"InternalError","message":"Failed to execute local commit handler )"
            R"(func: didn't set user_data!"}})");
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(header_of(response, id_header), "2.2");
  EXPECT_EQ(header_of(response, "x-early"), "(absent)");
  EXPECT_EQ(service.store.last(), (TxId{first_view, SeqNo{2}})) << "the write stays";
}

TEST_F(ExecutionTest, a_session_ends_when_the_view_changes) {
  put_x_with("/write", [](EndpointContext&) {});
  service.app()
      .make_command_endpoint(
          "/command", Method::get, [](CommandEndpointContext&) {}, auth::none)
      .install();
  service.start();
  service.session.id = 17;
  EXPECT_EQ(service.get_request("/app/command").status, 200);
  service.status.current_view = View{4};
  auto response = put("/app/write");
  EXPECT_EQ(summary(response),
            "500 SessionConsistencyLost: Potential loss of session consistency on session 17. "
            "Started in view 2, now in view 4. Closing session.");
  EXPECT_TRUE(response.close);
  EXPECT_EQ(service.get(map, "x"), std::nullopt);
  EXPECT_EQ(service.get_request("/app/command").status, 500);
  service.session = {};
  EXPECT_EQ(service.get_request("/app/command").status, 200) << "a new session is fine";
}

// -- wait for commit -----------------------------------------------------------------------------

class WaitTest : public ExecutionTest {
 protected:
  WaitTest() {
    put_x_with("/write", [](EndpointContext& ctx) { ctx.call.set_body("done"); });
    put_x_with("/fails",
               [](EndpointContext& ctx) { ctx.call.set_error(400, errors::invalid_input, "no"); });
    service.app()
        .make_read_only_endpoint(
            "/read", Method::get, [](ReadOnlyEndpointContext& ctx) { ctx.tx.ro(map).size(); },
            auth::none)
        .install();
    service.start();
    service.clock.monotonic = std::chrono::seconds(100);
  }
  http::Response put_and_wait(std::string_view target, const std::string& prefer) {
    return service.send(Method::put, target, {}, {{"prefer", prefer}}, &later);
  }

  int promised = 0;
  std::optional<http::Response> answered;
  AnswerLater later = [this]() -> Answer {
    ++promised;
    return [this](http::Response&& response) { answered = std::move(response); };
  };
};

TEST_F(WaitTest, the_answer_leaves_when_the_transaction_is_committed) {
  put_and_wait("/app/write", "wait=10");
  EXPECT_EQ(service.outcome, Outcome::deferred);
  ASSERT_EQ(service.status.waiters.size(), 1u);
  EXPECT_EQ(service.status.waiters[0].id.text(), "2.1");
  EXPECT_EQ(service.status.waiters[0].deadline, std::chrono::seconds(110));
  EXPECT_TRUE(service.commits.at(0).urgent);
  EXPECT_FALSE(answered);
  service.status.waiters[0].callback(TxStatus::committed);
  ASSERT_TRUE(answered);
  EXPECT_EQ(summary(*answered), "200 done");
  EXPECT_EQ(header_of(*answered, "preference-applied"), "wait=10");
  EXPECT_EQ(header_of(*answered, id_header), "2.1");
}

TEST_F(WaitTest, at_the_time_out_it_is_the_local_answer) {
  put_and_wait("/app/write", "wait=10");
  service.status.waiters.at(0).callback(TxStatus::pending);
  ASSERT_TRUE(answered);
  EXPECT_EQ(summary(*answered), "200 done");
  EXPECT_EQ(header_of(*answered, "preference-applied"), "(absent)");
  EXPECT_EQ(header_of(*answered, id_header), "2.1");
}

TEST_F(WaitTest, a_transaction_that_was_rolled_back_is_an_error) {
  put_and_wait("/app/write", "wait=10");
  service.status.waiters.at(0).callback(TxStatus::invalid);
  ASSERT_TRUE(answered);
  EXPECT_EQ(summary(*answered),
            "503 TransactionReplicationFailed: Transaction failed to replicate.");
  EXPECT_EQ(header_of(*answered, "preference-applied"), "(absent)");
  EXPECT_EQ(header_of(*answered, id_header), "(absent)");
}

TEST_F(WaitTest, the_wait_is_cut_down_to_the_maximum) {
  put_and_wait("/app/write", "wait=100000");
  ASSERT_EQ(service.status.waiters.size(), 1u);
  EXPECT_EQ(service.status.waiters[0].deadline, std::chrono::seconds(160));
  service.status.waiters[0].callback(TxStatus::committed);
  EXPECT_EQ(header_of(*answered, "preference-applied"), "wait=60");
}

TEST_F(WaitTest, reads_wait_for_what_they_saw) {
  service.put(map, "k", "v");
  service.send(Method::get, "/app/read", {}, {{"prefer", "wait=1"}}, &later);
  EXPECT_EQ(service.outcome, Outcome::deferred);
  EXPECT_EQ(service.status.waiters.at(0).id.text(), "2.1");
}

TEST_F(WaitTest, linearizable_reads_wait_until_leadership_is_confirmed_too) {
  service.put(map, "k", "v");
  for (const bool confirmed : {true, false}) {
    answered.reset();
    service.send(Method::get, "/app/read", {}, {{"prefer", "wait=3, linearizable"}}, &later);
    EXPECT_EQ(service.outcome, Outcome::deferred);
    EXPECT_TRUE(service.status.waiters.empty()) << "first things first";
    ASSERT_EQ(service.status.confirmations.size(), 1u);
    EXPECT_EQ(service.status.confirmations[0].first, first_view);
    service.status.confirmations[0].second(confirmed);
    ASSERT_EQ(service.status.waiters.size(), 1u);
    EXPECT_FALSE(answered);
    service.status.waiters[0].callback(TxStatus::committed);
    ASSERT_TRUE(answered);
    EXPECT_EQ(header_of(*answered, "preference-applied"),
              confirmed ? "wait=3, linearizable" : "wait=3");
    service.status.confirmations.clear();
    service.status.waiters.clear();
  }
  // A write gets its place by being committed: there is nothing to confirm.
  put_and_wait("/app/write", "wait=3, linearizable");
  EXPECT_TRUE(service.status.confirmations.empty());
  EXPECT_EQ(service.status.waiters.size(), 1u);
}

TEST_F(WaitTest, no_wait_where_nothing_was_committed_or_asked_for) {
  for (const auto& [target, prefer] :
       std::vector<std::pair<std::string, std::string>>{{"/app/write", "wait=0"},
                                                        {"/app/write", "respond-async"},
                                                        {"/app/write", "wait=soon"},
                                                        {"/app/fails", "wait=10"},
                                                        {"/app/unknown", "wait=10"}}) {
    const auto response = put_and_wait(target, prefer);
    EXPECT_EQ(service.outcome, Outcome::answered) << target << prefer;
    EXPECT_NE(response.status, 0);
  }
  EXPECT_EQ(promised, 0);
  EXPECT_TRUE(service.status.waiters.empty());
  for (const auto& options : service.commits) EXPECT_FALSE(options.urgent);
  EXPECT_EQ(summary(service.send(Method::put, "/app/write", {}, {{"prefer", "wait=9"}}, nullptr)),
            "200 done")
      << "a transport that cannot answer later gets the local answer";
}

// -- JSON adapter --------------------------------------------------------------------------------

struct Record {
  uint64_t id = 0;
  std::string msg;
};
BOOST_DESCRIBE_STRUCT(Record, (), (id, msg))

class JsonAdapterTest : public ExecutionTest {
 protected:
  JsonAdapterTest() {
    for (const Method method : {Method::get, Method::post}) {
      service.app()
          .make_endpoint("/echo", method,
                         json_adapter([](EndpointContext&, json::value&& body) { return body; }),
                         auth::none)
          .install();
    }
    const auto add = [this](const std::string& path, EndpointFunction function) {
      service.app().make_endpoint(path, Method::post, std::move(function), auth::none).install();
    };
    add("/typed", json_adapter<Record>([](EndpointContext&, Record&& record) {
          ++record.id;
          return record;
        }));
    add("/null", json_adapter<void>([](EndpointContext&) { return make_success(); }));
    add("/error", json_adapter<void>([](EndpointContext&) {
          return make_error(409, errors::invalid_input, "clash", {json::object{{"a", 1}}});
        }));
    add("/redirect", json_adapter<void>([](EndpointContext&) {
          return make_redirect(308, "https://elsewhere/");
        }));
    add("/done", json_adapter<void>([](EndpointContext& ctx) {
          ctx.call.set_body("by hand");
          return already_populated_response();
        }));
    add("/binary", json_adapter<void>([](EndpointContext&) { return std::string("a\xff\"b"); }));
    service.start();
  }
  http::Response post(std::string_view target, std::string_view body,
                      const test::Service::Headers& headers = {}) {
    return service.send(Method::post, target, body, headers);
  }
};

TEST_F(JsonAdapterTest, bodies) {
  const auto response = post("/app/echo", R"({ "b" : [1, 2], "a":"x" })");
  EXPECT_EQ(summary(response), R"(200 {"a":"x","b":[1,2]})");
  EXPECT_EQ(header_of(response, "content-type"), "application/json");
  EXPECT_EQ(summary(post("/app/echo", "")), "200 {}");
  EXPECT_EQ(summary(post("/app/echo", "3")), "200 3");
  EXPECT_EQ(summary(service.send(Method::get, "/app/echo", "not json")), "200 {}");
  EXPECT_EQ(summary(post("/app/echo", "{")).substr(0, 17), "400 InvalidInput:");
  EXPECT_EQ(summary(post("/app/echo", "{} x")).substr(0, 17), "400 InvalidInput:");
}

TEST_F(JsonAdapterTest, types) {
  EXPECT_EQ(summary(post("/app/typed", R"({"id":1,"msg":"m","more":true})")),
            R"(200 {"id":2,"msg":"m"})");
  EXPECT_EQ(summary(post("/app/typed", R"({"id":1})")),
            R"(400 InvalidInput: At #: Missing required field 'msg' in object: {"id":1})");
  EXPECT_EQ(summary(post("/app/typed", R"({"id":"1","msg":""})")),
            R"(400 InvalidInput: At #/id: Expected an unsigned integer, found: "1")");
}

TEST_F(JsonAdapterTest, answers) {
  auto response = post("/app/null", "");
  EXPECT_EQ(summary(response), "204");
  EXPECT_EQ(header_of(response, "content-type"), "(absent)");
  EXPECT_EQ(body_text(post("/app/error", "")),
            R"({"error":{"code":"InvalidInput","details":[{"a":1}],"message":"clash"}})");
  response = post("/app/redirect", "");
  EXPECT_EQ(summary(response), "308");
  EXPECT_EQ(header_of(response, "location"), "https://elsewhere/");
  EXPECT_EQ(header_of(post("/app/done", ""), "content-type"), "text/plain");
  EXPECT_EQ(body_text(post("/app/binary", "")), "\"a\xef\xbf\xbd\\\"b\"");
}

TEST_F(JsonAdapterTest, accept_is_checked_only_when_there_is_a_body) {
  EXPECT_EQ(post("/app/echo", "1", {{"accept", "application/*"}}).status, 200);
  EXPECT_EQ(post("/app/echo", "1", {{"accept", "text/html"}}).status, 406);
  EXPECT_EQ(summary(post("/app/echo", "1", {{"accept", "nonsense"}})),
            "400 InvalidHeaderValue: Entry in Accept header is not a valid MIME type: nonsense");
  EXPECT_EQ(post("/app/null", "1", {{"accept", "text/html"}}).status, 204);
  EXPECT_EQ(post("/app/error", "1", {{"accept", "text/html"}}).status, 409);
}

}  // namespace
}  // namespace entente::rpc
