#include "consensus/membership.h"

#include <gtest/gtest.h>

#include "consensus/state_hash.h"

namespace entente::consensus {
namespace {

Configuration voters(uint64_t seqno, std::set<std::string> names) {
  Configuration out{{seqno}, {}, {}};
  for (const std::string& name : names) out.voters[{name}] = "";
  return out;
}

TEST(Removals, PassThroughAllPhasesAndBackUntilCompleted) {
  Removals removals;
  const NodeId b{"b"};
  removals.on_configuration(voters(1, {"a", "b"}), voters(5, {"a"}));
  EXPECT_EQ(removals.phase({"a"}, {4}), MembershipPhase::active);
  EXPECT_EQ(removals.phase(b, {4}), MembershipPhase::ordered);
  removals.on_signature({6});
  removals.on_signature({9});
  EXPECT_EQ(removals.phase(b, {4}), MembershipPhase::signed_off);
  removals.truncate({5});
  EXPECT_EQ(removals.phase(b, {4}), MembershipPhase::ordered);
  removals.on_signature({6});
  EXPECT_EQ(removals.phase(b, {6}), MembershipPhase::completed);
  EXPECT_EQ(removals.to_name({6}), std::set<NodeId>{b});
  EXPECT_TRUE(removals.to_name({5}).empty());
  EXPECT_TRUE(removals.move({5}, {6}));
  EXPECT_FALSE(removals.move({4}, {5}));
  EXPECT_FALSE(removals.move({6}, {7}));
  removals.on_retired({b}, {7});
  EXPECT_TRUE(removals.move({6}, {8}));
  EXPECT_FALSE(removals.move({7}, {100}));
  EXPECT_TRUE(removals.to_name({6}).empty());
  EXPECT_EQ(removals.phase(b, {6}), MembershipPhase::completed);
  EXPECT_EQ(removals.phase(b, {8}), MembershipPhase::retired_committed);
  removals.truncate({6});
  EXPECT_EQ(removals.to_name({6}), std::set<NodeId>{b});
  removals.truncate({4});
  EXPECT_EQ(removals.phase(b, {4}), MembershipPhase::active);
}

TEST(StateHash, RenamingAndOrderOfNodesDoNotMatter) {
  const auto digest = [](const std::map<NodeId, int>& nodes, const Renaming& renaming) {
    StateHasher hasher(renaming);
    hasher.add_unordered(nodes, [](StateHasher& one, const auto& node) {
      one.add(node.first);
      one.add(static_cast<uint64_t>(node.second));
    });
    return hasher.finish();
  };
  const Renaming plain{{{"a"}, 1}, {{"b"}, 2}};
  const Renaming swapped{{{"a"}, 2}, {{"b"}, 1}};
  const std::map<NodeId, int> one{{{"a"}, 7}, {{"b"}, 8}};
  const std::map<NodeId, int> other{{{"a"}, 8}, {{"b"}, 7}};
  EXPECT_EQ(digest(one, plain), digest(other, swapped));
  EXPECT_NE(digest(one, plain), digest(other, plain));
  EXPECT_NE(digest(one, plain), digest({{{"a"}, 7}}, plain));
}

}  // namespace
}  // namespace entente::consensus
