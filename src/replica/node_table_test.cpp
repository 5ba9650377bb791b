#include "replica/node_table.h"

#include <gtest/gtest.h>

namespace entente::replica {
namespace {

using consensus::EntryKind;

std::string row(std::string_view status, std::string_view more = "") {
  return R"({"status":")" + std::string(status) +
         R"(","node_to_node_interface":{"published_address":"10.0.0.1:7"})" + std::string(more) +
         "}";
}

/// One transaction: id → row text, or nothing to remove it.
struct Writes {
  std::vector<std::pair<std::string, std::optional<std::string>>> rows;
  std::vector<kv::Write> views() const {
    std::vector<kv::Write> out;
    for (const auto& [id, text] : rows) {
      out.push_back({as_bytes(id), std::nullopt});
      if (text) out.back().value = as_bytes(*text);
    }
    return out;
  }
};

std::set<std::string> voters(const NodeChange& change) {
  std::set<std::string> ids;
  for (const auto& [id, address] : change.configuration->voters) ids.insert(id.value);
  return ids;
}

TEST(NodeTable, TrustAndRetirementChangeWhoVotes) {
  NodeTable table;
  table.write({1}, Writes{{{"a", row("Trusted")}}}.views());
  EXPECT_EQ(table.change({1}).kind, EntryKind::configuration);
  EXPECT_EQ(table.change({1}).configuration->seqno, SeqNo{1});
  EXPECT_EQ(table.change({1}).configuration->voters.at(NodeId{"a"}), "10.0.0.1:7");

  table.write({4}, Writes{{{"b", row("Pending")}}}.views());
  EXPECT_EQ(table.change({4}).kind, EntryKind::data);
  table.write({5}, Writes{{{"b", row("Trusted")}, {"c", row("Trusted")}}}.views());
  EXPECT_EQ(voters(table.change({5})), (std::set<std::string>{"a", "b", "c"}));
  table.write({6}, Writes{{{"a", row("Retired")}}}.views());
  EXPECT_EQ(voters(table.change({6})), (std::set<std::string>{"b", "c"}));

  table.write({9}, Writes{{{"a", row("Retired", R"(,"retired_committed":true)")}}}.views());
  EXPECT_EQ(table.change({9}).kind, EntryKind::retired);
  EXPECT_EQ(*table.change({9}).retired, (std::set<NodeId>{{"a"}}));
  table.write({11}, Writes{{{"a", std::nullopt}}}.views());
  EXPECT_EQ(table.change({11}).kind, EntryKind::data);
  EXPECT_EQ(table.change({10}).kind, EntryKind::data);
  EXPECT_EQ(table.rows().size(), 2u);
  EXPECT_EQ(table.rows({5}).size(), 3u);
}

TEST(NodeTable, ARollBackForgetsAndCompactionKeepsTheState) {
  NodeTable table;
  table.write({1}, Writes{{{"a", row("Trusted")}}}.views());
  table.write({5}, Writes{{{"b", row("Trusted")}}}.views());
  table.truncate({4});
  EXPECT_EQ(table.rows().size(), 1u);
  EXPECT_EQ(table.change({5}).kind, EntryKind::data);
  table.write({5}, Writes{{{"c", row("Trusted")}}}.views());
  EXPECT_EQ(voters(table.change({5})), (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(table.pending_configurations(), 2u);
  table.compact({1});
  EXPECT_EQ(table.pending_configurations(), 1u);
  table.compact({5});
  EXPECT_EQ(table.pending_configurations(), 0u);
  table.compact({7});
  EXPECT_EQ(table.rows().size(), 2u);
  table.truncate({7});
  EXPECT_EQ(table.rows().size(), 2u);
}

// A leader that missed our answers sends again what we have compacted since; a host may at any
// time.
TEST(NodeTable, WhatLiesBeforeTheCompactedStateIsThatState) {
  NodeTable table;
  table.write({3}, Writes{{{"a", row("Trusted")}}}.views());
  table.write({5}, Writes{{{"b", row("Trusted")}}}.views());
  table.write({8}, Writes{{{"c", row("Trusted")}}}.views());
  table.compact({6});
  for (const uint64_t seqno : {0, 2, 3, 4, 5, 7}) {
    EXPECT_EQ(table.rows({seqno}).size(), 2u) << seqno;
  }
  table.compact({2});
  EXPECT_EQ(table.rows({8}).size(), 3u);
  // The same changes once more, from before: they end in the state that they ended in.
  NodeRows rows = table.rows({2});
  change_rows(rows, {3}, Writes{{{"a", row("Trusted")}}}.views());
  change_rows(rows, {5}, Writes{{{"b", row("Trusted")}}}.views());
  EXPECT_EQ(rows, table.rows({5}));
}

TEST(NodeTable, TheStandingOfANodeIsWhatTheLedgerSaysLast) {
  NodeTable table;
  const NodeId node{"a"};
  EXPECT_EQ(table.standing(node), Standing::unknown);
  table.write({1}, Writes{{{"a", row("Pending")}}}.views());
  EXPECT_EQ(table.standing(node), Standing::unknown);
  table.write({2}, Writes{{{"a", row("Trusted")}}}.views());
  EXPECT_EQ(table.standing(node), Standing::trusted);
  table.write({3}, Writes{{{"a", row("Retired")}}}.views());
  EXPECT_EQ(table.standing(node), Standing::trusted);  // it must learn of it
  table.compact({3});
  const kv::Write deletion{as_bytes("a"), std::nullopt};
  table.write({4}, {deletion});
  EXPECT_EQ(table.standing(node), Standing::removed);
  table.truncate({3});
  EXPECT_EQ(table.standing(node), Standing::trusted);
}

TEST(NodeTable, ARowThatDoesNotParseIsNobody) {
  struct Case {
    std::string text, error;
  };
  const Case cases[] = {
      {"", "invalid JSON near byte 0"},
      {"[]", "#"},
      {"{}", "status"},
      {R"({"status":7})", "#/status"},
      {R"({"status":"Boss"})", "is not Pending"},
      {R"({"status":"Trusted","node_to_node_interface":{}})", "published_address"},
      {R"({"status":"Trusted","retired_committed":"yes"})", "#/retired_committed"}};
  for (const Case& c : cases) {
    const auto parsed = parse_node_row(as_bytes(c.text));
    ASSERT_FALSE(parsed.ok()) << c.text;
    EXPECT_NE(parsed.error().message.find(c.error), std::string::npos)
        << c.text << ": " << parsed.error().message;
    NodeTable table;
    table.write({1}, Writes{{{"a", row("Trusted")}, {"b", row("Trusted")}}}.views());
    table.write({2}, Writes{{{"b", c.text}}}.views());
    EXPECT_EQ(voters(table.change({2})), std::set<std::string>{"a"});
  }
}

}  // namespace
}  // namespace entente::replica
