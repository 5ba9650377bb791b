#pragma once
// One state of the explored world, and the states that can follow it.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sim/explorer/cast.h"

namespace entente::sim {

/// Nodes and messages by their numbers in the cast.
struct State {
  static constexpr size_t most_letters = 120;
  static constexpr size_t most_views = 6;

  std::array<uint32_t, Profile::most_nodes> actors{};
  uint8_t configurations_left = 0;
  uint8_t writes_left = 0;
  uint8_t transfers_left = 0;
  uint8_t letter_count = 0;
  std::array<uint8_t, most_views> leaders{};  ///< place + 1 of who led each view, from the first on
  /// In order of sending on ordered links; else ascending.
  std::array<uint32_t, most_letters> letters;

  State() = default;
  State(const State& other) { *this = other; }
  State& operator=(const State& other);  ///< not the letters that are not there

  void erase_letter(size_t at);
  void push_letter(uint32_t letter);
};

/// As words, for queues of many.
void append(std::vector<uint32_t>& words, const State& state, size_t nodes);
State extract(const std::vector<uint32_t>& words, size_t& at, size_t nodes);

struct Successor {
  State state;
  Deed deed;
  uint8_t node;
  std::string_view violation;  ///< what the step itself broke
};

/// The world that one search explores.
class World {
 public:
  explicit World(const Bounds& bounds);

  State first();
  /// All that can follow, always in the same order, into `out`.
  void successors(const State& state, std::vector<Successor>& out);
  /// Equal for states that differ only in who is called what.
  uint64_t digest(const State& state) const;
  /// What is wrong between the nodes, of which `changed` has just changed; empty: nothing.
  std::string broken(const State& state, uint8_t changed) const;
  std::string describe(const Successor& step) const;
  const Cast& cast() const { return cast_; }
  size_t nodes() const { return cast_.names().size(); }

 private:
  void happen(const State& before, uint8_t node, Deed deed, std::vector<Successor>& out);
  void post(const State& state, const std::vector<uint32_t>& letters);
  void post_ordered(size_t variant, uint32_t letter);
  void post_anyhow(State& state, uint32_t letter) const;
  void deliveries(const State& state, std::vector<Successor>& out);
  void node_events(const State& state, uint8_t node, std::vector<Successor>& out);
  void clear_links(State& state, uint8_t node, std::optional<uint8_t> other) const;
  void drop_ineffective(State& state) const;
  bool ineffective(const State& state, const LetterTraits& letter) const;
  const Profile& profile(const State& state, size_t node) const {
    return cast_.profile(state.actors[node]);
  }
  bool same_link(uint32_t a, uint32_t b) const {
    return cast_.traits(a).link == cast_.traits(b).link;
  }

  Bounds bounds_;
  View last_view_;
  Cast cast_;
  std::vector<State> variants_;  ///< of the step in the making: which messages are lost
};

}  // namespace entente::sim
