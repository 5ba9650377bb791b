#pragma once
// One state of the explored world: the real cores, the messages under way, and what is left to
// happen. Cores and messages are shared between states and never change.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/explorer/bounds.h"
#include "sim/world/cluster.h"

namespace entente::sim {

/// All ways to rename the nodes under which the search looks the same.
std::vector<Renaming> symmetries(const Bounds& bounds);

struct Seen {  // a node, with its digest under each renaming
  Raft core;
  std::deque<Node::Waiting> waiting;  // validation not reported yet
  std::vector<StateHash> digests;
};
struct Letter {  // a message under way, likewise
  Packet packet;
  std::vector<StateHash> digests;
};

struct State {
  std::vector<std::shared_ptr<const Seen>> nodes;  // by number
  /// In order of sending on ordered links; else a set, ordered by first digest.
  std::vector<std::shared_ptr<const Letter>> letters;
  uint64_t configurations_left = 0;
  uint64_t writes_left = 0;
  std::map<View, NodeId> leaders;
};

/// Equal for states that differ only in who is called what.
StateHash digest_of(const State& state, const std::vector<Renaming>& renamings, bool ordered);

struct Action {
  enum class Kind : uint8_t {
    deliver,
    repeat,
    lose,
    timeout,
    lease_ends,
    hear_nobody,
    heartbeat,
    write,
    sign,
    configure,
    retire,
    stable
  };
  Kind kind;
  size_t which;  // the node, or the letter
};
std::string describe(const Action& action, const State& state);

/// The world that one search explores.
class Transitions {
 public:
  explicit Transitions(Bounds bounds);

  StateHash digest(const State& state) const {
    return digest_of(state, renamings_, bounds_.ordered);
  }
  size_t symmetries() const { return renamings_.size(); }
  State first() const;
  std::vector<Action> actions(const State& state) const;
  /// The state after `action`; `violation` says what it broke.
  State after(const State& state, const Action& action,
              std::optional<std::string>& violation) const;

 private:
  struct Step;
  std::shared_ptr<const Seen> seen(Raft core, std::deque<Node::Waiting> waiting) const;
  void add_letter(State& state, Packet packet) const;
  void act(Step& step, const Input& input, std::optional<std::string>& violation) const;
  void perform(Step& step, const State& before, const Action& action,
               std::optional<std::string>& violation) const;
  void drop_ineffective(State& state) const;
  bool first_of_link(const State& state, size_t letter) const;
  bool heartbeat_helps(const State& state, size_t node) const;

  Bounds bounds_;
  std::vector<Renaming> renamings_;
  std::vector<NodeId> names_;
};

/// What is wrong with the state, if anything.
std::optional<std::string> broken_invariant(const State& state);

}  // namespace entente::sim
