#include "sim/simulator/plan.h"

#include <sstream>

#include "sim/simulator/random.h"

namespace entente::sim {

Plan Plan::from_seed(uint64_t seed) {
  using std::chrono::milliseconds;
  Random random(seed ^ 0x5eed);
  Plan plan;
  plan.seed = seed;
  plan.nodes = random.between(1, 5);
  plan.spare = random.between(0, 3);
  const auto maybe = [&](uint64_t& rate, uint64_t most) {
    if (random.chance(600)) rate = random.between(1, most);
  };
  maybe(plan.loss, 150);
  maybe(plan.duplicates, 100);
  maybe(plan.replays, 40);
  maybe(plan.burst, 100);
  maybe(plan.partitions, 6);
  maybe(plan.pauses, 4);
  maybe(plan.kills, 2);
  maybe(plan.reconfigurations, 6);
  maybe(plan.transfers, 4);
  maybe(plan.reads, 10);
  maybe(plan.slow_validation, 10);
  maybe(plan.invalid, 5);
  maybe(plan.resends, 15);
  maybe(plan.late_writes, 15);
  maybe(plan.clock_changes, 4);
  plan.longest_delay = random.between(200, 40'000);
  plan.action_gap = random.between(500, 10'000);
  plan.core.seed = seed;
  plan.core.heartbeat = milliseconds(random.between(20, 60));
  plan.core.election_timeout = milliseconds(random.between(200, 800));
  plan.core.append_entries = random.between(1, 20);
  plan.core.retained_entries = random.chance(300) ? random.between(1, 10) : 20'000;
  plan.core.stream_bytes = random.chance(500) ? 1 : 2'000;
  plan.core.in_flight_bytes = random.chance(300) ? 1'000 : 8 << 20;
  plan.disorder = random.chance(100);
  maybe(plan.corners, 4);
  maybe(plan.exiles, 4);
  maybe(plan.short_sends, 300);
  return plan;
}

std::string Plan::text() const {
  std::ostringstream out;
  out << "nodes " << nodes << "+" << spare << " loss " << loss << " duplicates " << duplicates
      << " replays " << replays << " burst " << burst << " delay " << longest_delay
      << " partitions " << partitions << " pauses " << pauses << " kills " << kills
      << " reconfigurations " << reconfigurations << " transfers " << transfers << " reads "
      << reads << " slow " << slow_validation << " invalid " << invalid << " resends " << resends
      << " late " << late_writes << " clocks " << clock_changes << " corners " << corners
      << " exiles " << exiles << " short " << short_sends << (disorder ? " disorder" : "")
      << " gap " << action_gap << " append " << core.append_entries << " retained "
      << core.retained_entries;
  return out.str();
}

}  // namespace entente::sim
