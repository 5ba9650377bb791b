#include "cli/cluster_view.h"

#include <gtest/gtest.h>

#include "cli/sandbox_repair.h"
#include "cli/sandbox_status.h"

namespace entente::cli {
namespace {

NodeView node(const std::string& id, const std::string& leadership, uint64_t view,
              uint64_t committed) {
  NodeView out;
  out.id = id;
  out.address = "127.0.0.1:80" + id;
  out.status = "Trusted";
  out.state = "PartOfNetwork";
  out.leadership = leadership;
  out.view = view;
  out.last = TxId{{view}, {committed + 5}};
  out.committed = TxId{{view}, {committed}};
  return out;
}

NodeView silent(const std::string& id) {
  NodeView out;
  out.id = id;
  out.status = "Trusted";
  out.problem = "Connection refused";
  return out;
}

/// All of them vote since transaction 10.
ClusterView cluster(std::vector<NodeView> nodes) {
  ClusterView out;
  out.service_status = "Open";
  out.nodes = std::move(nodes);
  VotersView all{10, {}};
  for (const NodeView& one : out.nodes) all.nodes.insert(one.id);
  for (NodeView& one : out.nodes) {
    if (one.answers()) one.configurations = {all};
  }
  return out;
}

ClusterView three() {
  return cluster(
      {node("a", "Leader", 3, 100), node("b", "Follower", 3, 98), node("c", "Follower", 3, 100)});
}

TEST(ClusterView, AHealthyServiceHasAPrimaryAndAMajority) {
  const ClusterView view = three();
  EXPECT_EQ(primary_of(view)->id, "a");
  EXPECT_TRUE(majority_answers(view));
  EXPECT_EQ(complaint(view), std::nullopt);
  EXPECT_EQ(lag_of(view.nodes[1], view), 2u);
  EXPECT_EQ(lag_of(view.nodes[0], view), 0u);
}

TEST(ClusterView, AMinorityMayBeSilentButNoMore) {
  EXPECT_EQ(
      complaint(cluster({node("a", "Leader", 3, 9), node("b", "Follower", 3, 9), silent("c")})),
      std::nullopt);
  const ClusterView lost = cluster({node("a", "Leader", 3, 9), silent("b"), silent("c")});
  EXPECT_FALSE(majority_answers(lost));
  EXPECT_NE(complaint(lost)->find("no majority"), std::string::npos);
  // Half of an even number is no majority.
  EXPECT_FALSE(majority_answers(
      cluster({node("a", "Leader", 3, 9), node("b", "Follower", 3, 9), silent("c"), silent("d")})));
}

TEST(ClusterView, EveryConfigurationNeedsItsMajority) {
  ClusterView view = cluster({node("a", "Leader", 3, 9), node("b", "Follower", 3, 9), silent("c")});
  ASSERT_TRUE(majority_answers(view));
  view.nodes[0].configurations.push_back({20, {"a", "c", "d"}});
  EXPECT_FALSE(majority_answers(view));
  view.nodes[0].configurations.clear();
  view.nodes[1].configurations.clear();
  EXPECT_FALSE(majority_answers(view)) << "nobody knows who votes";
}

TEST(ClusterView, TheLeaderOfTheHighestViewIsPrimary) {
  const ClusterView view = cluster(
      {node("a", "Leader", 3, 100), node("b", "Leader", 4, 100), node("c", "Follower", 4, 100)});
  EXPECT_EQ(primary_of(view)->id, "b");
  EXPECT_EQ(role_of(view.nodes[0], view), "superseded");
  EXPECT_EQ(role_of(view.nodes[1], view), "primary");
  EXPECT_EQ(role_of(view.nodes[2], view), "backup");
}

TEST(ClusterView, NobodyLeadsDuringAnElection) {
  const ClusterView view =
      cluster({node("a", "Candidate", 4, 9), node("b", "PreVoteCandidate", 3, 9),
               node("c", "Follower", 4, 9)});
  EXPECT_EQ(primary_of(view), nullptr);
  EXPECT_EQ(complaint(view), "there is no primary");
  EXPECT_EQ(role_of(view.nodes[0], view), "candidate");
  EXPECT_EQ(role_of(view.nodes[1], view), "candidate");
}

TEST(ClusterView, RolesOfThoseWhoTakeNoPart) {
  ClusterView view = cluster({node("a", "None", 2, 9), node("b", "Follower", 2, 9), silent("c")});
  view.nodes[0].state = "Pending";
  view.nodes[1].retired = true;
  EXPECT_EQ(role_of(view.nodes[0], view), "joining");
  EXPECT_EQ(role_of(view.nodes[1], view), "retired");
  EXPECT_EQ(role_of(view.nodes[2], view), "-");
  EXPECT_EQ(lag_of(view.nodes[2], view), std::nullopt);
}

TEST(ClusterView, TheTableHasALineForEachNodeAndSaysWhatIsWrong) {
  const std::string text = to_text(cluster({node("a", "Leader", 3, 9), silent("b"), silent("c")}));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 6) << text;
  for (const char* part : {"service Open, primary a (127.0.0.1:80a), view 3, 1 of 3 nodes answer",
                           "Connection refused", "3.14", "3.9", "no majority"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  ClusterView nothing;
  nothing.problem = "nobody there";
  EXPECT_EQ(to_text(nothing), "nobody there\n");
  EXPECT_EQ(complaint(nothing), "nobody there");
}

TEST(ClusterView, TheJsonHasTheSame) {
  const json::object out =
      to_json(cluster({node("a", "Leader", 3, 9), node("b", "Follower", 3, 7), silent("c")}));
  EXPECT_TRUE(out.at("healthy").as_bool());
  EXPECT_EQ(out.at("primary_id").as_string(), "a");
  EXPECT_EQ(out.at("view").to_number<int>(), 3);
  const auto& nodes = out.at("nodes").as_array();
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_EQ(nodes[1].at("role").as_string(), "backup");
  EXPECT_EQ(nodes[1].at("committed").as_string(), "3.7");
  EXPECT_EQ(nodes[1].at("lag").to_number<int>(), 2);
  EXPECT_EQ(nodes[2].at("error").as_string(), "Connection refused");
  EXPECT_FALSE(nodes[2].as_object().contains("role"));
  ClusterView nothing;
  nothing.problem = "nobody there";
  EXPECT_FALSE(to_json(nothing).at("healthy").as_bool());
  EXPECT_EQ(to_json(nothing).at("complaint").as_string(), "nobody there");
}

// --------------------------------------------------------------------------- what the sandbox says

TEST(SandboxStatus, IsOneLine) {
  const auto name = [](const std::string& id) { return "node " + id; };
  const Status status = sandbox_status(three(), name, 1234.4);
  EXPECT_EQ(status.text,
            "primary node a (127.0.0.1:80a) | view 3 | committed 3.100 | 1234 tx/s | 3 of 3 nodes");
  // Progress alone is not worth a line.
  ClusterView later = three();
  later.nodes[2].committed = TxId{{3}, {5000}};
  EXPECT_EQ(sandbox_status(later, name, std::nullopt).gist, status.gist);
  EXPECT_NE(sandbox_status(later, name, std::nullopt).text, status.text);
  // A node that is gone and a new view are.
  later.nodes[2] = silent("c");
  EXPECT_NE(sandbox_status(later, name, 1.0).gist, status.gist);
  EXPECT_NE(sandbox_status(later, name, 1.0).text.find("2 of 3 nodes"), std::string::npos);
  const ClusterView lost = cluster({node("a", "Follower", 3, 9), silent("b"), silent("c")});
  EXPECT_EQ(sandbox_status(lost, name, std::nullopt).text,
            "NO PRIMARY | committed 3.9 | 1 of 3 nodes, NO MAJORITY");
}

// ------------------------------------------------------------------------------------- replacement

using Kind = Repair::Kind;

TEST(SandboxRepair, NothingIsDoneToACompleteService) {
  EXPECT_EQ(next_repair(three(), {3, {"a", "b", "c"}, {}, false}), Repair{});
}

TEST(SandboxRepair, NothingIsDoneWhileNothingCanBeCommitted) {
  const Fleet fleet{3, {"a"}, {"b", "c"}, false};
  EXPECT_EQ(next_repair(cluster({node("a", "Leader", 3, 9), silent("b"), silent("c")}), fleet),
            Repair{});
  EXPECT_EQ(
      next_repair(cluster({node("a", "Follower", 3, 9), node("b", "Follower", 3, 9), silent("c")}),
                  {3, {"a", "b"}, {"c"}, false}),
      Repair{})
      << "no primary";
}

TEST(SandboxRepair, ADeadNodeIsReplacedThenRetiredThenDeleted) {
  Fleet fleet{3, {"a", "b"}, {"c"}, false};
  ClusterView view =
      cluster({node("a", "Leader", 3, 50), node("b", "Follower", 3, 50), silent("c")});
  EXPECT_EQ(next_repair(view, fleet), (Repair{Kind::start_node, ""}));
  fleet.joining = true;
  EXPECT_EQ(next_repair(view, fleet), Repair{}) << "one at a time";

  view = cluster({node("a", "Leader", 3, 50), node("b", "Follower", 3, 50), silent("c"),
                  node("d", "Follower", 3, 9)});
  EXPECT_EQ(next_repair(view, fleet), Repair{}) << "it has not answered yet";
  fleet.joining = false;
  fleet.alive.insert("d");
  EXPECT_FALSE(caught_up(view.nodes[3], view));
  EXPECT_EQ(next_repair(view, fleet), Repair{}) << "it has not caught up: 9 is before 10";
  view.nodes[3].committed = TxId{{3}, {10}};
  EXPECT_TRUE(caught_up(view.nodes[3], view));
  EXPECT_EQ(next_repair(view, fleet), (Repair{Kind::retire, "c"}));

  view.nodes[2].status = "Retired";
  EXPECT_EQ(next_repair(view, fleet), Repair{}) << "not safe yet";
  view.removable.insert("c");
  EXPECT_EQ(next_repair(view, fleet), (Repair{Kind::remove, "c"}));
}

TEST(SandboxRepair, ANodeThatIsNotInEveryConfigurationHasNotCaughtUp) {
  ClusterView view = three();
  view.nodes[0].configurations = {{5, {"a", "b"}}, {10, {"a", "b", "c"}}};
  EXPECT_TRUE(caught_up(view.nodes[1], view));
  EXPECT_FALSE(caught_up(view.nodes[2], view));
}

TEST(SandboxRepair, TwoDeadOfFiveAreReplacedOneAfterTheOther) {
  Fleet fleet{5, {"a", "b", "c"}, {"d", "e"}, false};
  std::vector<NodeView> nodes{node("a", "Leader", 3, 50), node("b", "Follower", 3, 50),
                              node("c", "Follower", 3, 50), silent("d"), silent("e")};
  EXPECT_EQ(next_repair(cluster(nodes), fleet).kind, Kind::start_node);
  nodes.push_back(node("f", "Follower", 3, 50));
  fleet.alive.insert("f");
  const Repair first = next_repair(cluster(nodes), fleet);
  EXPECT_EQ(first.kind, Kind::retire);
  nodes.erase(nodes.begin() + (first.id == "d" ? 3 : 4));
  fleet.dead.erase(first.id);
  EXPECT_EQ(next_repair(cluster(nodes), fleet).kind, Kind::start_node);
}

TEST(SandboxRepair, AReplacementThatDiesIsRetiredToo) {
  // Six of which four live: first back to five, then another one joins.
  const ClusterView view = cluster({node("a", "Leader", 3, 50), node("b", "Follower", 3, 50),
                                    node("c", "Follower", 3, 50), node("d", "Follower", 3, 50),
                                    silent("e"), silent("f")});
  EXPECT_EQ(next_repair(view, {5, {"a", "b", "c", "d"}, {"e", "f"}, false}).kind, Kind::retire);
}

TEST(SandboxRepair, NodesOfOthersAreLeftAlone) {
  // Somebody added a node by hand: it is neither ours nor dead.
  const ClusterView view = cluster({node("a", "Leader", 3, 50), node("b", "Follower", 3, 50),
                                    node("c", "Follower", 3, 50), silent("guest")});
  EXPECT_EQ(next_repair(view, {3, {"a", "b", "c"}, {}, false}), Repair{});
}

}  // namespace
}  // namespace entente::cli
