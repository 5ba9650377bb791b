// entente_sim_replicas: runs seeds of whole replicas and reports the first one that fails.
//   --seed S --seeds N    seeds S … S+N-1 (1, 1)
//   --steps E             events of the first phase of each run (20000)
//   --twice               runs each seed twice and fails if the runs differ
//   --probes              says how often interesting things happened

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <iostream>

#include "base/log.h"
#include "sim/replicas/replica_world.h"

namespace {

using namespace entente::sim;

const ReplicaWorld* running = nullptr;
uint64_t running_seed = 0;

// An assertion is a finding like any other. There is one thread, and it is in no library call.
void on_abort(int) {
  std::cout << "seed " << running_seed << ": an assertion\n" << std::flush;
  if (running != nullptr) std::cout << running->report() << std::flush;
  _exit(1);
}

bool fails(const std::optional<std::string>& failure, const ReplicaWorld& world) {
  if (!failure) return false;
  std::cout << "seed " << running_seed << " after " << world.events() << " events: " << *failure
            << "\n"
            << world.report();
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, uint64_t> options{{"--seed", 1}, {"--seeds", 1}, {"--steps", 20'000}};
  std::map<std::string, bool> switches{{"--twice", false}, {"--probes", false}};
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (switches.contains(word)) {
      switches[word] = true;
    } else if (options.contains(word) && i + 1 < argc) {
      options[word] = std::stoull(argv[++i]);
    } else {
      std::cerr << "entente_sim_replicas [--seed S] [--seeds N] [--steps E] [--twice] [--probes]\n";
      return 2;
    }
  }
  std::signal(SIGABRT, on_abort);
  // What replicas say when they are ill-treated is not of interest.
  entente::log::set_level(entente::log::Level::fatal);
  std::map<std::string, uint64_t> totals;
  uint64_t events = 0;
  uint64_t calls = 0;
  uint64_t committed = 0;
  const auto begin = std::chrono::steady_clock::now();
  const uint64_t first = options["--seed"];
  for (uint64_t seed = first; seed < first + options["--seeds"]; ++seed) {
    running = nullptr;
    running_seed = seed;
    ReplicaWorld world(ReplicaPlan::from_seed(seed));
    running = &world;
    if (fails(world.run(options["--steps"]), world)) return 1;
    if (switches["--twice"]) {
      ReplicaWorld again(ReplicaPlan::from_seed(seed));
      running = &again;
      if (fails(again.run(options["--steps"]), again)) return 1;
      if (again.fingerprint() != world.fingerprint() || again.events() != world.events()) {
        std::cout << "seed " << seed << ": two runs differ\n";
        return 1;
      }
    }
    events += world.events();
    calls += world.history().size();
    committed += world.checker().committed();
    for (const auto& [name, times] : world.probes()) totals[name] += times;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (switches["--probes"]) {
    for (const auto& [name, times] : totals) std::cout << "  " << times << " " << name << "\n";
  }
  std::cout << options["--seeds"] << " seeds of whole replicas, " << events << " events, "
            << committed << " committed entries, " << calls << " client events, "
            << static_cast<uint64_t>(static_cast<double>(events) / took.count())
            << " events/s: no violation\n";
  return 0;
}
