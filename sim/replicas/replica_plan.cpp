#include "sim/replicas/replica_plan.h"

#include <sstream>

#include "sim/simulator/random.h"

namespace entente::sim {

ReplicaPlan ReplicaPlan::from_seed(uint64_t seed) {
  using std::chrono::milliseconds;
  Random random(seed ^ 0xa11);
  ReplicaPlan plan;
  plan.seed = seed;
  plan.nodes = random.between(1, 5);
  plan.clients = random.between(1, 6);
  plan.keys = random.between(1, 4);
  const auto maybe = [&](uint64_t& rate, uint64_t most) {
    if (random.chance(600)) rate = random.between(1, most);
  };
  maybe(plan.loss, 100);
  maybe(plan.duplicates, 60);
  maybe(plan.replays, 30);
  maybe(plan.damage, 30);
  maybe(plan.burst, 50);
  maybe(plan.partitions, 6);
  maybe(plan.flapping, 3);
  maybe(plan.pauses, 4);
  maybe(plan.slowness, 3);
  maybe(plan.kills, 3);
  maybe(plan.joins, 4);
  maybe(plan.retirements, 3);
  maybe(plan.transfers, 4);
  maybe(plan.clock_changes, 3);
  maybe(plan.slow_disks, 4);
  maybe(plan.failing_disks, 4);
  maybe(plan.full_disks, 2);
  maybe(plan.rot, 3);
  plan.longest_delay = random.between(200, 20'000);
  plan.deed_gap = random.between(10'000, 80'000);
  plan.client_gap = random.between(500, 10'000);
  plan.chunk_size = random.between(4'000, 60'000);
  plan.heartbeat = milliseconds(random.between(10, 30));
  plan.election_timeout = milliseconds(random.between(150, 500));
  return plan;
}

std::string ReplicaPlan::text() const {
  std::ostringstream out;
  out << "nodes " << nodes << " clients " << clients << " keys " << keys << " loss " << loss
      << " duplicates " << duplicates << " replays " << replays << " damage " << damage << " burst "
      << burst << " delay " << longest_delay << " partitions " << partitions << " flapping "
      << flapping << " pauses " << pauses << " slow " << slowness << " kills " << kills << " joins "
      << joins << " retirements " << retirements << " transfers " << transfers << " clocks "
      << clock_changes << " disks slow " << slow_disks << " failing " << failing_disks << " full "
      << full_disks << " rot " << rot << " deeds each " << deed_gap << " clients each "
      << client_gap << " chunks " << chunk_size;
  return out.str();
}

}  // namespace entente::sim
