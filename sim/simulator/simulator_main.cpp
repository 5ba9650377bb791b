// entente_sim: runs seeds of the simulator and reports the first one that fails.
//   --seed S          one seed, with the whole report if it fails
//   --seeds N         seeds S … S+N-1 (S by --seed, default 1)
//   --steps E         events of the first phase of each run, default 20000
//   --probes          says how often interesting things happened
//   --twice           runs each seed twice and fails if the runs differ
//   --messages        the report of a failure has the last messages (it has them anyway, unless
//                     an assertion of the core ends the program)
//   --shrink FILE     of the first seed that fails: the fewest inputs that break the same rule, as
//   a
//                     script for entente_scenarios
//   --fingerprints    prints one line for each seed, equal for equal runs

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "sim/simulator/simulator.h"
#include "sim/world/seeded_defect.h"

namespace {

using namespace entente::sim;

const Simulator* running = nullptr;
uint64_t running_seed = 0;

std::string shrink_into;

void shrink_and_write(const Simulator& simulator) {
  if (shrink_into.empty()) return;
  const auto& script = simulator.script();
  const auto lines = shrink(script);
  if (lines.empty()) {
    std::cout << "as a script it does not fail: liveness cannot be shrunk\n";
    return;
  }
  std::ofstream file(shrink_into);
  file << "# Seed " << running_seed << ", shrunk.\n";
  for (const std::string& line : lines) file << line << "\n";
  std::cout << "shrunk from " << script.size() << " to " << lines.size()
            << " lines: " << shrink_into << "\n";
}

// An assertion of the core is a finding like any other. There is one thread, and it is in no
// library call: printing is safe.
void on_abort(int) {
  std::cout << "seed " << running_seed << " after " << running->events()
            << " events: an assertion of the core\n"
            << running->report() << std::flush;
  shrink_and_write(*running);
  std::cout << std::flush;
  _exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{{"--seed", "1"},
                                             {"--seeds", "1"},
                                             {"--steps", "20000"},
                                             {"--defect", "none"},
                                             {"--shrink", ""}};
  bool probes = false;
  bool fingerprints = false;
  bool tracing = false;
  bool twice = false;
  std::signal(SIGABRT, on_abort);
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--probes") {
      probes = true;
    } else if (word == "--twice") {
      twice = true;
    } else if (word == "--messages") {
      tracing = true;
    } else if (word == "--fingerprints") {
      fingerprints = true;
    } else if (options.contains(word) && i + 1 < argc) {
      options[word] = argv[++i];
    } else {
      std::cerr << "entente_sim [--seed S] [--seeds N] [--steps E] [--probes] [--messages] "
                   "[--twice] [--shrink FILE] [--fingerprints]\n";
      return 2;
    }
  }
  if (options["--defect"] != "none" && !seed_defect(options["--defect"])) return 2;
  shrink_into = options["--shrink"];
  const uint64_t first = std::stoull(options["--seed"]);
  const uint64_t count = std::stoull(options["--seeds"]);
  const uint64_t steps = std::stoull(options["--steps"]);

  std::map<std::string, uint64_t> totals;
  uint64_t events = 0;
  uint64_t committed = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (uint64_t seed = first; seed < first + count; ++seed) {
    Simulator simulator(Plan::from_seed(seed), tracing, !shrink_into.empty());
    running = &simulator;
    running_seed = seed;
    const auto failure = simulator.run(steps);
    events += simulator.events();
    committed += simulator.committed();
    for (const auto& [name, times] : simulator.probes()) totals[name] += times;
    if (fingerprints) {
      const auto fingerprint = simulator.fingerprint();
      std::cout << seed << " " << std::hex << fingerprint.low << fingerprint.high << std::dec
                << "\n";
    }
    if (twice && !failure) {
      Simulator again(Plan::from_seed(seed));
      running = &again;
      again.run(steps);
      if (again.fingerprint() != simulator.fingerprint() || again.events() != simulator.events()) {
        std::cout << "seed " << seed << ": two runs differ\n";
        return 1;
      }
    }
    if (failure) {
      std::cout << "seed " << seed << " after " << simulator.events() << " events: " << *failure
                << "\n";
      // The same run again, this time with its messages.
      Simulator again(Plan::from_seed(seed), true);
      again.run(steps);
      std::cout << again.report() << std::flush;
      shrink_and_write(simulator);
      return 1;
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (probes) {
    for (const auto& [name, times] : totals) std::cout << "  " << times << " " << name << "\n";
  }
  std::cout << count << " seeds, " << events << " events, " << committed << " committed entries, "
            << static_cast<uint64_t>(static_cast<double>(events) / took.count())
            << " events/s: no violation\n";
  return 0;
}
