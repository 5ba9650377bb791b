// entente_explore E1 E2 …: searches every state that the bounds allow, breadth first, and prints
// how many there are. --states N: fails beyond that many. --depth N: the searches named after it
// end after that many steps, and say so. A violation is printed with the shortest way to it.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <unordered_map>

#include "sim/explorer/state.h"
#include "sim/world/seeded_defect.h"

namespace entente::sim {
namespace {

struct HashOfHash {
  size_t operator()(const StateHash& hash) const { return hash.low; }
};

struct Origin {
  uint32_t parent;
  uint32_t action;  // its place among the parent's actions
};

class Search {
 public:
  Search(const Bounds& bounds, uint64_t most) : transitions_(bounds), most_(most) {}

  bool verbose = false;
  uint64_t deepest = UINT64_MAX;

  bool run(const std::string& name) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::pair<State, uint32_t>> frontier;
    frontier.emplace_back(transitions_.first(), 0);
    seen_.emplace(transitions_.digest(frontier[0].first), 0);
    origins_.push_back({0, 0});
    uint64_t depth = 0;
    uint64_t steps = 0;
    for (; !frontier.empty() && depth < deepest; ++depth) {
      std::vector<std::pair<State, uint32_t>> next;
      for (const auto& [state, number] : frontier) {
        const auto actions = transitions_.actions(state);
        for (uint32_t i = 0; i < actions.size(); ++i) {
          ++steps;
          std::optional<std::string> violation;
          State after = transitions_.after(state, actions[i], violation);
          const auto fresh = static_cast<uint32_t>(origins_.size());
          const bool is_new = seen_.emplace(transitions_.digest(after), fresh).second;
          if (!is_new && !violation) continue;
          origins_.push_back({number, i});
          if (violation) return tell(fresh, *violation);
          next.emplace_back(std::move(after), fresh);
          if (origins_.size() > most_) {
            std::cout << name << ": more than " << most_ << " states, at depth " << depth << "\n";
            return false;
          }
        }
      }
      if (verbose) std::cout << "  depth " << depth << ": " << next.size() << " new" << std::endl;
      frontier = std::move(next);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::cout << name << ": " << origins_.size() << " states, " << steps << " transitions, depth "
              << depth << ", " << transitions_.symmetries() << " symmetries, " << took.count()
              << (frontier.empty() ? " s: no violation\n" : " s, not all: no violation so far\n");
    return true;
  }

 private:
  bool tell(uint32_t number, const std::string& violation) {
    std::vector<uint32_t> path;
    for (; number != 0; number = origins_[number].parent) path.push_back(origins_[number].action);
    std::reverse(path.begin(), path.end());
    State state = transitions_.first();
    for (const uint32_t which : path) {
      const Action action = transitions_.actions(state)[which];
      std::cout << "  " << describe(action, state) << "\n";
      std::optional<std::string> ignored;
      state = transitions_.after(state, action, ignored);
    }
    std::cout << violation << "\n";
    return false;
  }

  Transitions transitions_;
  uint64_t most_;
  std::unordered_map<StateHash, uint32_t, HashOfHash> seen_;
  std::vector<Origin> origins_;
};

}  // namespace
}  // namespace entente::sim

int main(int argc, char** argv) {
  using namespace entente::sim;
  uint64_t most = 50'000'000;
  uint64_t deepest = UINT64_MAX;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--states" && i + 1 < argc) {
      most = std::stoull(argv[++i]);
    } else if (word == "--depth" && i + 1 < argc) {
      deepest = std::stoull(argv[++i]);
    } else if (word == "--verbose") {
      verbose = true;
    } else if (word == "--defect" && i + 1 < argc) {
      if (!seed_defect(argv[++i])) return 2;
    } else if (const auto bounds = bounds_of(word)) {
      Search search(*bounds, most);
      search.verbose = verbose;
      search.deepest = deepest;
      if (!search.run(word)) return 1;
    } else {
      std::cerr << "entente_explore [--states N] E1 … E8\n";
      return 2;
    }
  }
  return 0;
}
