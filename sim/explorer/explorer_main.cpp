// entente_explore [OPTION…] E1 E2 …: searches every state that the bounds allow, breadth first, and
// prints how many there are. A violation is printed with the shortest way to it.
//   --states N, --seconds N (of the processor), --memory GIB   a search that exceeds one fails
//   --depth N   the searches named after it end after that many steps, and say so
//   --verbose   a line for each depth

#include <iostream>

#include "sim/explorer/search.h"
#include "sim/world/seeded_defect.h"

namespace entente::sim {
namespace {

bool run(const Bounds& bounds, const Budget& budget, bool verbose) {
  const Outcome outcome = search(bounds, budget, verbose);
  for (const std::string& step : outcome.steps) std::cout << "  " << step << "\n";
  std::cout << bounds.name << ": " << outcome.states << " states, " << outcome.transitions
            << " transitions, depth " << outcome.depth << ", " << outcome.actors
            << " states of one node, " << outcome.letters << " messages, " << outcome.seconds
            << " s: ";
  if (!outcome.violation.empty()) {
    std::cout << outcome.violation << "\n";
    return false;
  }
  if (outcome.exceeded.empty()) {
    std::cout << "complete, no violation\n";
    return true;
  }
  std::cout << "NOT COMPLETE (" << outcome.exceeded << "), no violation so far\n";
  return outcome.exceeded == "depth";
}

}  // namespace
}  // namespace entente::sim

int main(int argc, char** argv) {
  using namespace entente::sim;
  Budget budget;
  bool verbose = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto number = [&] { return std::stoull(argv[++i]); };
    if (word == "--states" && i + 1 < argc) {
      budget.states = number();
    } else if (word == "--seconds" && i + 1 < argc) {
      budget.seconds = static_cast<double>(number());
    } else if (word == "--memory" && i + 1 < argc) {
      budget.memory = number() << 30;
    } else if (word == "--depth" && i + 1 < argc) {
      budget.depth = number();
    } else if (word == "--verbose") {
      verbose = true;
    } else if (word == "--defect" && i + 1 < argc) {
      if (!seed_defect(argv[++i])) return 2;
    } else if (const auto bounds = bounds_of(word)) {
      if (!run(*bounds, budget, verbose)) return 1;
    } else {
      std::cerr << "entente_explore [--states N] [--seconds N] [--memory GIB] [--depth N] "
                   "[--verbose] E1 … E8b\n";
      return 2;
    }
  }
  return 0;
}
