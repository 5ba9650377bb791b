#pragma once
// What must hold in the explored world. Rules about one node are checked when its step is first
// computed, rules between nodes in every state. The ids are those of docs/verification.md.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "consensus/raft/raft.h"

namespace entente::sim {

using namespace consensus;

/// As much of a node as rules between nodes need, small.
struct Profile {
  static constexpr size_t longest_log = 40;
  static constexpr size_t most_nodes = 4;

  std::array<uint8_t, longest_log + 1> views{};  ///< of the entry at each seqno, 0: none
  uint8_t last = 0;
  uint8_t stable = 0;
  uint8_t commit = 0;
  uint8_t view = 0;
  bool leads = false;
  bool stands = false;                        ///< as a candidate
  uint8_t voters = 0;                         ///< bits, of the newest committed configuration
  std::array<uint8_t, most_nodes> matches{};  ///< of a leader's peers
};
Profile profile_of(const Raft& core, const std::vector<NodeId>& names);

/// What one step of one node broke, by itself.
std::optional<std::string> broken_by_step(const Raft& before, const Raft& after, const Input& input,
                                          const Outputs& outputs);
/// What is wrong between the nodes, of which the one at `changed` has just changed.
std::optional<std::string> broken_between(std::span<const Profile* const> nodes, size_t changed);
/// I-20: what `acknowledges` says of a leader's log is not so.
bool acknowledges_falsely(const Profile& leader, const Profile& sender, uint8_t view,
                          uint8_t match);

}  // namespace entente::sim
