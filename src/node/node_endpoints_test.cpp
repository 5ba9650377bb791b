#include "node/node_endpoints.h"

#include <gtest/gtest.h>

#include "entente/query.h"
#include "node/tables.h"
#include "rpc/test_service.h"

namespace entente::node {
namespace {

using http::Method;
using rpc::test::summary;

class NodeEndpoints : public testing::Test {
 protected:
  NodeEndpoints() {
    facts.id = NodeId{"n0"};
    facts.sessions = [] { return net::ServerMetrics{}; };
    facts.node_to_node = [] { return api::NodeToNodeMetrics{}; };
    facts.app_open = facts.gov_open = [] { return true; };
    facts.index_strategies = [] { return json::value(json::array()); };
    install_node_endpoints(service.frontends.registry(rpc::Actor::node), facts, service.node,
                           service.status);
    service.start();
  }
  void listen(rpc::InterfaceRules rules) {
    rules.name = "rpc";
    const auto added = service.frontends.add_interface(std::move(rules));
    ASSERT_TRUE(added.ok());
    service.session.interface = *added;
  }

  NodeFacts facts;
  rpc::test::Service service;
};

TEST_F(NodeEndpoints, SnapshotsAreHiddenWithoutTheFeature) {
  listen({});
  for (const Method method : {Method::get, Method::head}) {
    EXPECT_EQ(summary(service.send(method, "/node/snapshot")), "404");
    EXPECT_EQ(summary(service.send(method, "/node/snapshot?since=4")), "404");
    EXPECT_EQ(summary(service.send(method, "/node/snapshot/snapshot_1_2.committed")), "404");
  }
  listen({.enabled_features = {OperatorFeature::snapshot_read}});
  EXPECT_EQ(summary(service.get_request("/node/snapshot?since=4")),
            "404 ResourceNotFound: This node has no committed snapshots since 4");
  EXPECT_EQ(summary(service.get_request("/node/snapshot?since=x")),
            "404 ResourceNotFound: This node has no committed snapshots since 0");
  EXPECT_EQ(summary(service.get_request("/node/snapshot/snapshot_1_2.committed")),
            "404 ResourceNotFound: This node does not have a snapshot named "
            "snapshot_1_2.committed");
}

TEST_F(NodeEndpoints, CreatingAServiceOnARunningNodeIsRefusedWhateverTheBody) {
  for (const char* body : {"", "{}", "no JSON"}) {
    EXPECT_EQ(summary(service.send(Method::post, "/node/create", body)),
              "403 InternalError: Node is not in initial state.");
  }
}

TEST_F(NodeEndpoints, HeadTellsWhereThePrimaryIs) {
  const auto head = [&] { return service.send(Method::head, "/node/primary"); };
  listen({});
  EXPECT_EQ(summary(head()), "200");
  EXPECT_EQ(summary(service.get_request("/node/primary")), "200");
  service.status.primary_here = false;
  EXPECT_EQ(head().status, 500) << "the primary is not in the table";
  service.put(tables::nodes_info, "n0",
              R"({"rpc_interfaces":{"rpc":{"published_address":"example.com:443"}}})");
  const auto response = head();
  EXPECT_EQ(response.status, 308);
  EXPECT_EQ(rpc::test::header_of(response, "location"), "https://example.com:443/node/primary");
  EXPECT_EQ(summary(service.get_request("/node/primary")),
            "404 ResourceNotFound: Node is not primary");
  service.session.interface = nullptr;
  EXPECT_EQ(summary(head()), "500 InternalError: Primary has no interface of this name");
  service.status.primary_id.reset();
  EXPECT_EQ(summary(head()), "500 InternalError: Primary unknown");
}

TEST_F(NodeEndpoints, ANodeIsDeletedWhenItsRetirementIsGloballyCommitted) {
  const auto remove = [&] { return summary(service.send(Method::del, "/node/network/nodes/n1")); };
  const std::string refusal = "400 NodeNotRetiredCommitted: Node is not completely retired";
  EXPECT_EQ(remove(), "404 ResourceNotFound: No such node");
  service.put(tables::nodes_info, "n1", R"({"status":"Retired"})");
  service.store.compact(service.store.last().seqno);
  EXPECT_EQ(remove(), refusal);
  service.put(tables::nodes_info, "n1", R"({"retired_committed":true,"status":"Retired"})");
  EXPECT_EQ(remove(), refusal) << "the flag itself may still be rolled back";
  service.store.compact(service.store.last().seqno);
  EXPECT_EQ(remove(), "200 true");
  EXPECT_EQ(service.get(tables::nodes_info, "n1"), std::nullopt);
}

}  // namespace
}  // namespace entente::node
