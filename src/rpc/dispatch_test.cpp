// Which frontend and endpoint answers, and what is said when none does.

#include <gtest/gtest.h>

#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;
using test::header_of;
using test::summary;

class DispatchTest : public testing::Test {
 protected:
  void add(Actor actor, const std::string& path, Method method) {
    service.frontends.registry(actor)
        .make_command_endpoint(
            path, method,
            [actor](CommandEndpointContext& ctx) {
              std::string text = std::to_string(static_cast<int>(actor));
              for (const auto& name : ctx.call.endpoint().parameter_names) {
                text += " " + std::string(ctx.call.path_parameter(name)) + "=" +
                        ctx.call.decoded_path_parameter(name);
              }
              ctx.call.set_body(text);
            },
            auth::none)
        .install();
  }
  std::string get(std::string_view target) { return summary(service.get_request(target)); }

  test::Service service;
};

TEST_F(DispatchTest, first_path_component_selects_the_frontend) {
  for (const Actor actor : {Actor::app, Actor::node, Actor::gov}) add(actor, "/x", Method::get);
  add(Actor::app, "/nodes/x", Method::get);
  add(Actor::app, "/node/z", Method::get);  // can never be reached
  service.start();
  EXPECT_EQ(get("/app/x"), "200 0");
  EXPECT_EQ(get("/x"), "200 0");
  EXPECT_EQ(get("/node/x"), "200 1");
  EXPECT_EQ(get("/gov/x"), "200 2");
  EXPECT_EQ(get("/nodes/x"), "200 0");
  EXPECT_EQ(get("/app/nodes/x"), "200 0");
  EXPECT_EQ(get("/node/z"), "404 ResourceNotFound: Unknown path: /z.");
  EXPECT_EQ(get("/"), "404 ResourceNotFound: Unknown path: /.");
  EXPECT_EQ(get("/app"), "404 ResourceNotFound: Unknown path: /app.");
  EXPECT_EQ(get("/node"), "404 ResourceNotFound: Unknown path: /node.");
  EXPECT_EQ(get("/app/app/x"), "404 ResourceNotFound: Unknown path: /app/x.");
  EXPECT_EQ(get(""), "404 ResourceNotFound: Unknown path: .");
  EXPECT_EQ(get("http://host/app/x"), "404 ResourceNotFound: Unknown path: http://host/app/x.");
}

TEST_F(DispatchTest, paths_are_matched_undecoded_and_parameters_given_both_ways) {
  add(Actor::app, "/r/{key}", Method::get);
  service.start();
  EXPECT_EQ(get("/app/r/a%2Fb?x=1"), "200 0 a%2Fb=a/b");
  EXPECT_EQ(get("/app/%72/a"), "404 ResourceNotFound: Unknown path: /%72/a.");
}

TEST_F(DispatchTest, known_path_with_another_verb) {
  add(Actor::app, "/r", Method::put);
  add(Actor::app, "/r", Method::get);
  service.start();
  auto response = service.send(Method::post, "/app/r");
  EXPECT_EQ(summary(response),
            "405 UnsupportedHttpVerb: Allowed methods for '/r' are: OPTIONS, GET, PUT.");
  EXPECT_EQ(header_of(response, "allow"), "OPTIONS, GET, PUT");
  response = service.send(Method::options, "/app/r");
  EXPECT_EQ(summary(response), "204");
  EXPECT_EQ(header_of(response, "allow"), "OPTIONS, GET, PUT");
  EXPECT_EQ(summary(service.send(Method::options, "/app/unknown")),
            "404 ResourceNotFound: Unknown path: /unknown.");
  EXPECT_EQ(summary(service.send(Method::head, "/app/r")).substr(0, 3), "405");
}

TEST_F(DispatchTest, an_own_options_endpoint_answers) {
  add(Actor::app, "/r", Method::options);
  service.start();
  EXPECT_EQ(summary(service.send(Method::options, "/app/r")), "200 0");
}

TEST_F(DispatchTest, ambiguous_templates_are_named) {
  add(Actor::app, "/{a}/x", Method::get);
  add(Actor::app, "/y/{b}", Method::get);
  service.start();
  EXPECT_EQ(get("/app/y/x"),
            "500 InternalError: Multiple potential matches for path: /y/x\n/{a}/x\n/y/{b}");
}

TEST_F(DispatchTest, a_closed_frontend_is_404_even_for_unknown_paths) {
  for (const Actor actor : {Actor::app, Actor::node}) add(actor, "/x", Method::get);
  service.frontends.seal();
  service.frontends.open(Actor::node);
  EXPECT_EQ(get("/app/x"), "404 FrontendNotOpen: Frontend is not open.");
  EXPECT_EQ(get("/app/nothing"), "404 FrontendNotOpen: Frontend is not open.");
  EXPECT_EQ(get("/node/x"), "200 1");
  service.frontends.open(Actor::app);
  EXPECT_EQ(get("/app/x"), "200 0");
  service.frontends.close(Actor::app);
  EXPECT_EQ(get("/app/x"), "404 FrontendNotOpen: Frontend is not open.");
}

TEST_F(DispatchTest, back_pressure_exempts_node_and_backups_and_precedes_everything) {
  for (const Actor actor : {Actor::app, Actor::node, Actor::gov}) add(actor, "/x", Method::get);
  service.frontends.seal();
  service.frontends.open(Actor::node);
  service.status.full = true;
  constexpr auto refusal =
      "503 TooManyPendingTransactions: Too many transactions pending commit on the service.";
  EXPECT_EQ(get("/app/x"), refusal) << "before the check that the frontend is open";
  EXPECT_EQ(get("/gov/x"), refusal);
  EXPECT_EQ(get("/node/x"), "200 1");
  service.status.primary_here = false;
  EXPECT_EQ(get("/gov/x"), "404 FrontendNotOpen: Frontend is not open.");
}

TEST_F(DispatchTest, default_endpoint_answers_the_rest) {
  add(Actor::app, "/x", Method::get);
  service.app().set_default(
      [](EndpointContext& ctx) { ctx.call.set_body("default " + std::string(ctx.call.path())); },
      auth::none);
  service.start();
  EXPECT_EQ(get("/app/x"), "200 0");
  EXPECT_EQ(get("/app/other/path"), "200 default /app/other/path");
  EXPECT_EQ(summary(service.send(Method::put, "/app/x")), "200 default /app/x");
  EXPECT_EQ(get("/node/other"), "404 ResourceNotFound: Unknown path: /other.");
}

class InterfaceTest : public DispatchTest {
 protected:
  InterfaceTest() {
    add(Actor::node, "/nodes/{node_id}", Method::get);
    add(Actor::node, "/state", Method::get);
    service.frontends.registry(Actor::node)
        .make_command_endpoint(
            "/snapshot", Method::get,
            [](CommandEndpointContext& ctx) { ctx.call.set_body("snapshot"); }, auth::none)
        .require_operator_feature(OperatorFeature::snapshot_read)
        .install();
    service.app()
        .make_command_endpoint("/primary_only", Method::get, [](CommandEndpointContext&) {},
                               {auth::user_cert()})
        .set_redirection_strategy(RedirectionStrategy::to_primary)
        .install();
    service.app()
        .make_command_endpoint(
            "/backup_only", Method::get, [](CommandEndpointContext&) {}, auth::none)
        .set_redirection_strategy(RedirectionStrategy::to_backup)
        .install();
    service.start();
  }
  void listen(InterfaceRules rules) {
    rules.name = "rpc";
    const auto added = service.frontends.add_interface(std::move(rules));
    ASSERT_TRUE(added.ok());
    service.session.interface = *added;
  }
};

TEST_F(InterfaceTest, accepted_endpoints_are_matched_against_the_whole_template) {
  listen({.accepted_endpoints = {{"/node/state", "/node/nodes/.*"}}});
  EXPECT_EQ(get("/node/state"), "200 1");
  EXPECT_EQ(get("/node/nodes/abc"), "200 1 abc=abc");
  EXPECT_EQ(get("/app/backup_only"), "503");
  listen({.accepted_endpoints = {{"/node/stat", "/node/nodes/abc"}}});
  EXPECT_EQ(get("/node/state"), "503");
  EXPECT_EQ(get("/node/nodes/abc"), "503") << "the template is /node/nodes/{node_id}";
  listen({.accepted_endpoints = std::vector<std::string>{}});
  EXPECT_EQ(get("/node/state"), "503");
  EXPECT_EQ(get("/node/unknown").substr(0, 3), "404") << "there is nothing to refuse";
}

TEST_F(InterfaceTest, an_unsecured_interface_serves_only_what_is_listed) {
  listen({.unsecured = true});
  EXPECT_EQ(get("/node/state"), "503");
  listen({.unsecured = true, .accepted_endpoints = {{"/node/state"}}});
  EXPECT_EQ(get("/node/state"), "200 1");
}

TEST_F(InterfaceTest, operator_features_hide_endpoints) {
  listen({});
  EXPECT_EQ(get("/node/snapshot"), "404") << "with an empty body";
  listen({.enabled_features = {OperatorFeature::snapshot_read}});
  EXPECT_EQ(get("/node/snapshot"), "200 snapshot");
}

TEST_F(InterfaceTest, a_bad_expression_is_named) {
  const auto added = service.frontends.add_interface(
      {.name = "bad", .accepted_endpoints = {{"/fine", "/node/("}}});
  ASSERT_FALSE(added.ok());
  EXPECT_NE(added.error().message.find("interface bad: accepted_endpoints: '/node/('"),
            std::string::npos)
      << added.error().message;
}

TEST_F(InterfaceTest, redirection_precedes_authentication) {
  service.status.primary_here = false;
  listen({.redirections = Redirections{}});
  EXPECT_EQ(get("/app/primary_only"),
            "503 PrimaryNotFound: Request should be redirected to primary, but receiving node does "
            "not know current primary address");
  EXPECT_EQ(get("/app/backup_only"), "200");
  service.status.primary_here = true;
  EXPECT_EQ(get("/app/primary_only").substr(0, 3), "401");
  EXPECT_EQ(get("/app/backup_only"),
            "503 BackupNotFound: Request should be redirected to backup, but receiving node does "
            "not know any current backup address");
}

TEST(Redirection, answers_307_with_the_resolved_address_and_the_original_target) {
  kv::Store store;
  test::FakeStatus status(store);
  status.primary_here = false;
  test::FakeClock clock;
  Frontends frontends({.store = store,
                       .status = status,
                       .clock = clock,
                       .resolve = [](const RedirectTarget& target,
                                     const Interface& interface) -> std::optional<std::string> {
                         if (target.kind == RedirectTarget::Kind::static_address) {
                           return target.address;
                         }
                         return interface.rules().name + ".primary:8000";
                       }});
  frontends.registry(Actor::app)
      .make_endpoint(
          "/r/{key}", Method::put,
          [](EndpointContext& ctx) { ctx.tx.wo("records").put(as_bytes("k"), as_bytes("v")); },
          auth::none)
      .install();
  frontends.seal();
  frontends.open(Actor::app);
  Worker worker([&](kv::Tx& tx, const replica::CommitOptions&) { return store.commit(tx); });
  http::Request request;
  request.method = Method::put;
  request.target = "/app/r/a?b=%20";
  request.path = "/app/r/a";
  request.query = "b=%20";
  for (const bool fixed : {false, true}) {
    Redirections redirections;
    if (fixed) {
      redirections.to_primary =
          RedirectTarget{.kind = RedirectTarget::Kind::static_address, .address = "fixed:1"};
    }
    Session session;
    session.interface = *frontends.add_interface({.name = "rpc", .redirections = redirections});
    http::Response response;
    EXPECT_EQ(frontends.process(worker, request, session, response), Outcome::answered);
    EXPECT_EQ(response.status, 307);
    EXPECT_TRUE(response.body.empty());
    EXPECT_EQ(header_of(response, "location"),
              fixed ? "https://fixed:1/app/r/a?b=%20" : "https://rpc.primary:8000/app/r/a?b=%20");
  }
  Session plain;
  plain.interface = *frontends.add_interface({.name = "rpc"});
  http::Response response;
  frontends.process(worker, request, plain, response);
  EXPECT_EQ(summary(response), "500 InternalError: No consensus or forwarder to forward request.")
      << "without redirections it is forwarded, and there is nobody who does that";
}

}  // namespace
}  // namespace entente::rpc
