#pragma once
// A run of the simulator as a script in the language of scenarios (docs/verification.md), so that
// what a seed found can be shrunk, read and kept.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/world/cluster.h"

namespace entente::sim {

class Recorder {
 public:
  explicit Recorder(const RaftOptions& options);

  void line(std::string text) { lines_.push_back(std::move(text)); }
  /// A message was sent, whatever becomes of it. Numbers rise.
  void posted(const NodeId& from, const NodeId& to, uint64_t number);
  /// It arrives, with the first of its entries only, and may do so again if it `stays`.
  void delivered(const NodeId& from, const NodeId& to, uint64_t number, bool stays,
                 std::optional<uint64_t> first);

  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
  // What the links of the script will hold.
  std::map<std::pair<NodeId, NodeId>, std::deque<uint64_t>> links_;
};

/// `{a,b}`.
std::string braced(const std::vector<NodeId>& nodes);

/// The fewest lines found that lead to the same rule being broken (or to an assertion), and break
/// it when run as a script. Empty if `lines` do not. Each attempt runs in a process of its own.
std::vector<std::string> shrink(const std::vector<std::string>& lines);

}  // namespace entente::sim
