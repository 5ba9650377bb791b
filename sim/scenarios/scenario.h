#pragma once
// Runs one scenario script: a story about a few nodes, told message by message, with what must come
// out of it. The language is described in docs/verification.md. Every command re-checks every
// invariant.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/world/cluster.h"

namespace entente::sim {

class Scenario {
 public:
  Scenario();

  /// Nothing if the whole script holds; else the line and what is wrong, with the state of all
  /// nodes and all messages under way.
  std::optional<std::string> run(const std::string& script);

  /// The violation that the lines lead to, whichever of them cannot be done: for shrinking scripts.
  struct Trial {
    std::optional<std::string> violation;
    std::vector<size_t> done;  ///< lines that could be done, up to the violation
  };
  Trial attempt(const std::vector<std::string>& lines);

 private:
  using Words = std::vector<std::string>;
  using Link = std::pair<NodeId, NodeId>;
  using Failure = std::optional<std::string>;

  Failure line(const Words& words);
  Failure command(const Words& words);
  Node& node(const std::string& name);
  Node& leader(const std::string& view);
  bool alive(const NodeId& id) const { return !killed_.contains(id) && !paused_.contains(id); }
  void add(const std::string& name);
  void act(Node& node);
  std::string state() const;

  // scenario_commands.cpp
  Failure set_option(const Words& words);
  Failure start(const Words& words);
  Failure nodes(const Words& words);
  Failure join(const Words& words);
  Failure configure(const Words& words);
  Failure write(const Words& words);
  Failure habits(const Words& words);
  Failure hold_write(const Words& words);
  Failure transfer(const Words& words);
  Failure barrier(const Words& words);
  Failure stable(const Words& words);
  Failure stored(const Words& words);

  // scenario_network.cpp
  Failure tick(const Words& words);
  void tick(Node& node, uint64_t ticks);
  Failure timeout(const Words& words);
  Failure deliver(const Words& words);
  Failure deliver_again(const Words& words);
  Failure move(const Words& words);
  Failure cut(const Words& words);
  Failure elect(const Words& words);
  Failure inject(const Words& words);
  void isolate(const NodeId& id);
  Failure settle(uint64_t ticks);
  bool settled(SeqNo written);
  void deliver_one(const Link& link);
  bool deliver_all();
  void deliver_pending();
  void post(Packet packet);
  std::vector<Link> links_of(const std::string& word) const;

  // scenario_expect.cpp
  Failure expect(const Words& words);
  Failure expect_within(const Words& words);
  Failure expect_never(const Words& words);
  Failure forbidden_happened();
  std::string field(const Node& node, const std::string& name);

  uint64_t us_per_tick_ = 10'000;
  Cluster cluster_;
  Habits habits_;
  std::map<Link, std::deque<Message>> links_;
  std::map<std::pair<Link, std::string>, std::vector<Message>> sent_;  // ever, by type
  std::set<Link> cut_;
  std::map<std::string, std::vector<Packet>> held_;
  std::map<std::string, std::pair<NodeId, Node::Held>> held_writes_;
  std::map<std::string, uint64_t> barriers_;
  std::set<NodeId> killed_;
  std::set<NodeId> paused_;
  std::map<std::string, uint64_t> forbidden_;  ///< how often it had happened when it was forbidden
  bool settle_at_end_ = true;
};

/// `{0,1,2}` or `0..4` or `3`.
std::vector<std::string> names_in(const std::string& word);

}  // namespace entente::sim
