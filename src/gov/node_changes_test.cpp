// What a proposal may do to the table of nodes.

#include "gov/node_changes.h"

#include <gtest/gtest.h>

#include "consensus/messages.h"
#include "gov/effects_fixture.h"

namespace entente::gov {
namespace {

using Status = replica::NodeRow::Status;

replica::NodeRow row(Status status, bool gone = false, bool learning = false) {
  return {status, "127.0.0.1:1", learning, gone};
}

class NodeChangesTest : public testing::Test {
 protected:
  std::string check(const NodeRows& before, const NodeRows& after) {
    const auto checked = check_node_changes(before, after, service.surroundings);
    return checked ? "" : checked.error().message;
  }
  /// One other node trusted throughout.
  std::string change(std::optional<replica::NodeRow> from, std::optional<replica::NodeRow> to) {
    NodeRows before{{"other", row(Status::trusted)}}, after = before;
    if (from) before["n"] = from;
    if (to) after["n"] = to;
    return check(before, after);
  }
  test::EffectsService service;
};

TEST_F(NodeChangesTest, matrix) {
  struct Case {
    std::optional<replica::NodeRow> from, to;
    std::string error;
  };
  const auto pending = row(Status::pending), trusted = row(Status::trusted),
             retired = row(Status::retired), gone = row(Status::retired, true);
  const std::string key = "needs a new key", only_retired = "only be retired",
                    stays = "cannot be removed", notes = "only the service itself";
  const std::vector<Case> cases{
      {{}, pending, ""},      {{}, trusted, ""},       {{}, retired, ""},
      {{}, gone, notes},      {pending, {}, ""},       {pending, trusted, ""},
      {pending, retired, ""}, {pending, gone, notes},  {trusted, {}, stays},
      {trusted, retired, ""}, {trusted, gone, notes},  {trusted, pending, only_retired},
      {retired, {}, stays},   {retired, trusted, key}, {retired, pending, key},
      {retired, gone, notes}, {gone, {}, stays},       {gone, trusted, key},
      {gone, retired, ""}};
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string error = change(cases[i].from, cases[i].to);
    if (cases[i].error.empty()) {
      EXPECT_EQ(error, "") << i;
    } else {
      EXPECT_NE(error.find(cases[i].error), std::string::npos) << i << ": " << error;
    }
  }
}

TEST_F(NodeChangesTest, the_last_trusted_node_stays) {
  NodeRows before{{"a", row(Status::trusted)}, {"b", row(Status::trusted)}}, after = before;
  after["a"] = row(Status::retired);
  EXPECT_EQ(check(before, after), "");
  after["b"] = row(Status::retired);
  EXPECT_NE(check(before, after).find("last trusted node that has caught up"), std::string::npos);
  // One for another is fine, unless that one does not vote yet.
  after["c"] = row(Status::trusted, false, true);
  EXPECT_NE(check(before, after).find("last trusted node that has caught up"), std::string::npos);
  after["c"] = row(Status::trusted);
  EXPECT_EQ(check(before, after), "");
}

TEST_F(NodeChangesTest, only_the_service_says_who_has_caught_up) {
  const auto learning = row(Status::trusted, false, true), voting = row(Status::trusted);
  EXPECT_NE(change(learning, voting).find("caught up"), std::string::npos);
  EXPECT_NE(change(voting, learning).find("caught up"), std::string::npos);
  EXPECT_EQ(change(row(Status::pending, false, true), learning), "");
  EXPECT_EQ(change(learning, row(Status::retired, false, true)), "");
}

TEST_F(NodeChangesTest, as_many_as_consensus_takes) {
  NodeRows before, after;
  for (size_t i = 0; i < consensus::message_limit::nodes; ++i) {
    before["n" + std::to_string(i)] = row(Status::trusted);
  }
  after = before;
  after["one more"] = row(Status::pending);
  EXPECT_EQ(check(before, after), "");
  after["one more"] = row(Status::trusted);
  EXPECT_NE(check(before, after).find("as many trusted nodes"), std::string::npos);
}

TEST_F(NodeChangesTest, a_row_that_does_not_parse_is_refused_only_where_it_is_new) {
  NodeRows before{{"a", row(Status::trusted)}, {"b", std::nullopt}}, after = before;
  after["c"] = row(Status::pending);
  EXPECT_EQ(check(before, after), "");
  after["a"] = std::nullopt;
  EXPECT_NE(check(before, after).find("does not parse"), std::string::npos);
  after = before;
  after["b"] = row(Status::pending);
  EXPECT_EQ(check(before, after), "");
  after.erase("b");
  EXPECT_EQ(check(before, after), "");
}

TEST_F(NodeChangesTest, earlier_changes_have_to_be_committed_first) {
  service.pending_configurations = 3;
  NodeRows before{{"a", row(Status::trusted)}, {"b", row(Status::pending)}}, after = before;
  EXPECT_EQ(check(before, after), "");
  after.erase("b");
  EXPECT_EQ(check(before, after), "");
  after["b"] = row(Status::trusted);
  EXPECT_NE(check(before, after).find("try again"), std::string::npos);
  service.pending_configurations = 2;
  EXPECT_EQ(check(before, after), "");
}

TEST_F(NodeChangesTest, a_node_that_was_removed_does_not_come_back) {
  service.standings[NodeId{"n"}] = replica::Standing::removed;
  EXPECT_EQ(change({}, row(Status::pending)), "");
  EXPECT_NE(change({}, row(Status::trusted)).find("needs a new key"), std::string::npos);
  EXPECT_NE(change(row(Status::pending), row(Status::trusted)).find("new key"), std::string::npos);
}

TEST_F(NodeChangesTest, rows_of_a_transaction) {
  service.put(tables::nodes_info, "spoilt", "{}");
  kv::Tx tx = service.store.begin(kv::Context::framework);
  tx.wo(tables::nodes_info).put(as_bytes("new"), as_bytes("no JSON"));
  const NodeRows rows = node_rows(tx);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows.at(service.node_id)->status, Status::trusted);
  EXPECT_FALSE(rows.at("spoilt").has_value());
  EXPECT_FALSE(rows.at("new").has_value());
}

}  // namespace
}  // namespace entente::gov
