#pragma once
// Everything that a search has met, once each: states of single nodes and messages, both known by
// small numbers; and what a node does when something happens to it. A node's step depends on that
// node alone, so it is computed once and looked up in the millions of states that share it.

#include <array>
#include <deque>
#include <unordered_map>
#include <vector>

#include "sim/explorer/bounds.h"
#include "sim/explorer/rules.h"
#include "sim/world/cluster.h"

namespace entente::sim {

enum class Kind : uint8_t {
  deliver,  ///< of a letter
  timeout,
  hear_nobody,
  heartbeat,
  write,
  sign,
  configure,  ///< the next configuration; which one is the deed's argument
  retire,
  transfer,  ///< to the node that is the deed's argument
  stable
};

struct Deed {
  Kind kind;
  uint32_t argument = 0;
};

/// One state of one node.
struct Actor {
  Raft core;
  std::deque<Node::Waiting> waiting;  ///< validation not reported yet
};

/// As much of a message as a search asks for again and again.
struct LetterTraits {
  uint8_t from;  ///< places of nodes
  uint8_t to;
  uint8_t link;  ///< equal for equal senders and receivers
  uint8_t view;
  uint8_t kind;   ///< index in Message::body
  bool yes;       ///< a vote that is granted, entries that are accepted
  uint8_t match;  ///< of accepted entries
};

struct Reaction {
  uint32_t actor;
  std::vector<uint32_t> letters;  ///< sent, in order
  std::string violation;          ///< what the step broke by itself
};

class Cast {
 public:
  explicit Cast(const Bounds& bounds);

  const std::vector<NodeId>& names() const { return names_; }
  const std::vector<Renaming>& renamings() const { return renamings_; }
  const Actor& actor(uint32_t number) const { return actors_[number]; }
  const Profile& profile(uint32_t actor) const { return profiles_[actor]; }
  const Packet& letter(uint32_t number) const { return letters_[number]; }
  const LetterTraits& traits(uint32_t letter) const { return traits_[letter]; }
  /// One for each renaming.
  const uint64_t* digests_of_actor(uint32_t number) const {
    return &actor_digests_[number * renamings_.size()];
  }
  const uint64_t* digests_of_letter(uint32_t number) const {
    return &letter_digests_[number * renamings_.size()];
  }
  /// How the node at `place` is called under a renaming.
  uint64_t renamed(size_t renaming, size_t place) const {
    return renamed_[renaming * names_.size() + place];
  }
  size_t actors() const { return actors_.size(); }
  size_t letters() const { return letters_.size(); }

  /// The nodes when a search begins: the first configuration is signed, committed and known.
  std::vector<uint32_t> first();
  const Reaction& react(uint32_t actor, Deed deed);

 private:
  struct Step;
  struct HashOfHash {
    size_t operator()(const StateHash& hash) const { return hash.low; }
  };
  void act(Step& step, const Input& input) const;
  void perform(Step& step, Deed deed) const;
  void propose(Step& step, EntryMeta entry) const;
  uint32_t known(Raft core, std::deque<Node::Waiting> waiting);
  uint32_t known(Packet packet);
  uint8_t place_of(const NodeId& name) const;

  Bounds bounds_;
  std::vector<NodeId> names_;
  std::vector<Renaming> renamings_;
  std::vector<uint64_t> renamed_;
  std::deque<Actor> actors_;
  std::vector<Profile> profiles_;
  std::vector<uint64_t> actor_digests_;
  std::deque<Packet> letters_;
  std::vector<LetterTraits> traits_;
  std::vector<uint64_t> letter_digests_;
  std::deque<Reaction> reactions_;
  std::unordered_map<StateHash, uint32_t, HashOfHash> actor_numbers_;
  std::unordered_map<StateHash, uint32_t, HashOfHash> letter_numbers_;
  std::unordered_map<uint64_t, uint32_t> reaction_numbers_;
};

/// All ways to rename the nodes under which the search looks the same; the first changes nothing.
std::vector<Renaming> symmetries(const Bounds& bounds);

}  // namespace entente::sim
