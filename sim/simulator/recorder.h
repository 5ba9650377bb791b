#pragma once
// A run of the simulator as a script in the language of scenarios (docs/verification.md), so that
// what a seed found can be shrunk, read and kept.

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sim/world/cluster.h"

namespace entente::sim {

class Recorder {
 public:
  explicit Recorder(const RaftOptions& options);

  void line(std::string text) { lines_.push_back(std::move(text)); }
  /// A message was sent, whatever becomes of it: how many of its kind were before it on its link.
  uint64_t posted(const Packet& packet);
  /// It arrives, perhaps once more, perhaps with the first of its entries only.
  void delivered(const Packet& packet, uint64_t number, std::optional<uint64_t> first);

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
  std::map<std::tuple<NodeId, NodeId, std::string>, uint64_t> sent_;
};

/// `{a,b}`.
std::string braced(const std::vector<NodeId>& nodes);

/// The fewest lines found that lead to the same rule being broken (or to an assertion), and break
/// it when run as a script. Empty if `lines` do not. Each attempt runs in a process of its own.
std::vector<std::string> shrink(const std::vector<std::string>& lines);

}  // namespace entente::sim
