// The second phase: no more faults, except that the dead stay dead. The service must elect, commit
// what is new, finish every pending reconfiguration and bring everybody to the same log.

#include <algorithm>

#include "sim/simulator/simulator.h"

namespace entente::sim {

bool Simulator::converged(SeqNo written) {
  const Node* leads = cluster_.latest_leader([this](const NodeId& id) { return alive(id); });
  if (leads == nullptr || !leads->core().opened()) return false;
  const Log& log = leads->core().log();
  if (written.value == 0) return true;
  if (log.commit() < written || log.configurations().all().size() != 1) return false;
  for (const auto& [voter, address] : log.configurations().all().back().voters) {
    if (!alive(voter)) continue;
    const Log& other = cluster_.at(voter).core().log();
    if (other.commit() < written || other.id_of(written) != log.id_of(written)) return false;
  }
  return true;
}

std::optional<std::string> Simulator::recover() {
  constexpr uint64_t timeouts = 40;
  faults_ = false;
  cut_.clear();
  note("faults stop");
  for (auto& [id, host] : hosts_) {
    host.paused = false;
    host.tick_us = 10'000;
    if (host.dead) continue;
    record("stable " + id.value + " auto");
    host.node->set_habits({Habits::Signing::always, true, true});
    host.node->flush();
  }
  const uint64_t until =
      now_ + timeouts * static_cast<uint64_t>(plan_.core.election_timeout.count());
  SeqNo written{};
  View written_view{};
  while (now_ < until) {
    happen(next());
    if (const auto& violation = cluster_.checker().violation()) return violation;
    Node* leads = cluster_.latest_leader([this](const NodeId& id) { return alive(id); });
    // An election may have lost what was written.
    if (leads == nullptr || leads->core().view() != written_view) written = {};
    if (!converged(written)) continue;
    if (written.value != 0) return std::nullopt;
    record("tx " + std::to_string(leads->core().view().value) + " new urgent");
    if (leads->write("new", true)) continue;
    leads->flush();
    written = leads->core().log().last();
    written_view = leads->core().view();
  }
  return "liveness: after " + std::to_string(timeouts) +
         " election timeouts without faults the service does not work";
}

}  // namespace entente::sim
