#include "sim/explorer/search.h"

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iostream>

namespace entente::sim {
namespace {

// An open-addressed set of 64-bit digests. With n states the chance that two different ones are
// taken for the same is below n² / 2^65: one in thirty thousand for 24 million.
class Known {
 public:
  Known() : slots_(1 << 16, 0) {}
  /// True if it was not there.
  bool insert(uint64_t digest) {
    if (digest == 0) digest = 1;
    if (++count_ * 3 > slots_.size() * 2) grow();
    const bool fresh = place(digest);
    if (!fresh) --count_;
    return fresh;
  }
  /// It will be asked for soon.
  void prefetch(uint64_t digest) const {
    __builtin_prefetch(&slots_[digest & (slots_.size() - 1)]);
  }

 private:
  bool place(uint64_t digest) {
    const size_t mask = slots_.size() - 1;
    size_t at = digest & mask;
    while (slots_[at] != 0) {
      if (slots_[at] == digest) return false;
      at = (at + 1) & mask;
    }
    slots_[at] = digest;
    return true;
  }
  void grow() {
    std::vector<uint64_t> old(slots_.size() * 2, 0);
    old.swap(slots_);
    for (const uint64_t digest : old) {
      if (digest != 0) place(digest);
    }
  }

  std::vector<uint64_t> slots_;
  size_t count_ = 0;
};

uint64_t memory_in_use() {
  std::ifstream file("/proc/self/statm");
  uint64_t total = 0;
  uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

class Search {
 public:
  Search(const Bounds& bounds, const Budget& budget) : world_(bounds), budget_(budget) {}

  Outcome run(bool verbose) {
    std::vector<uint32_t> frontier;
    append(frontier, world_.first(), world_.nodes());
    known_.insert(world_.digest(world_.first()));
    origins_.push_back({0, 0});
    uint64_t number = 0;  // of the state that is expanded; numbers follow the frontier's order
    for (; !frontier.empty() && out_.exceeded.empty() && out_.violation.empty(); ++out_.depth) {
      if (out_.depth == budget_.depth) {
        out_.exceeded = "depth";
        break;
      }
      std::vector<uint32_t> next;
      for (size_t at = 0; at < frontier.size();) {
        expand(extract(frontier, at, world_.nodes()), number++, next);
        if (!out_.violation.empty() || over_budget()) break;
      }
      frontier = std::move(next);
      if (verbose) {
        std::cout << "  depth " << out_.depth + 1 << ": " << origins_.size() << " states, "
                  << world_.cast().actors() << " of nodes, " << memory_in_use() / 1'000'000
                  << " MB, " << seconds() << " s" << std::endl;
      }
    }
    out_.states = origins_.size();
    out_.actors = world_.cast().actors();
    out_.letters = world_.cast().letters();
    out_.seconds = seconds();
    return std::move(out_);
  }

 private:
  struct Origin {
    uint32_t parent;
    uint16_t which;  // among the parent's successors
  };

  double seconds() const { return static_cast<double>(std::clock() - begin_) / CLOCKS_PER_SEC; }

  void expand(const State& state, uint64_t number, std::vector<uint32_t>& next) {
    world_.successors(state, successors_);
    digests_.clear();
    for (const Successor& successor : successors_) {
      digests_.push_back(world_.digest(successor.state));
      known_.prefetch(digests_.back());
    }
    for (size_t i = 0; i < successors_.size(); ++i) {
      ++out_.transitions;
      const Successor& successor = successors_[i];
      const bool fresh = known_.insert(digests_[i]);
      if (!fresh && successor.violation.empty()) continue;
      origins_.push_back({static_cast<uint32_t>(number), static_cast<uint16_t>(i)});
      append(next, successor.state, world_.nodes());
      out_.violation = successor.violation;
      if (out_.violation.empty()) out_.violation = world_.broken(successor.state, successor.node);
      if (!out_.violation.empty()) return tell(origins_.size() - 1);
    }
  }

  bool over_budget() {
    constexpr uint64_t every = 1 << 14;
    if (origins_.size() > budget_.states) out_.exceeded = "states";
    if (++expanded_ % every != 0) return !out_.exceeded.empty();
    if (seconds() > budget_.seconds) out_.exceeded = "seconds";
    if (memory_in_use() > budget_.memory) out_.exceeded = "memory";
    return !out_.exceeded.empty();
  }

  void tell(uint64_t number) {
    std::vector<uint16_t> path;
    for (; number != 0; number = origins_[number].parent) path.push_back(origins_[number].which);
    std::reverse(path.begin(), path.end());
    State state = world_.first();
    for (const uint16_t which : path) {
      world_.successors(state, successors_);
      out_.steps.push_back(world_.describe(successors_[which]));
      state = successors_[which].state;
    }
  }

  World world_;
  Budget budget_;
  Known known_;
  std::vector<Origin> origins_;  // by number of the state
  std::vector<Successor> successors_;
  std::vector<uint64_t> digests_;
  uint64_t expanded_ = 0;
  Outcome out_;
  std::clock_t begin_ = std::clock();
};

}  // namespace

Outcome search(const Bounds& bounds, const Budget& budget, bool verbose) {
  return Search(bounds, budget).run(verbose);
}

}  // namespace entente::sim
