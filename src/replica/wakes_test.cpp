// A driver sleeps until its replica asked to be woken, and no longer.

#include <map>

#include "replica/test_cluster.h"

namespace entente::replica {
namespace {

TEST(Wakes, ADriverThatWakesOnlyWhenItWasToldToElectsAgain) {
  TestCluster service;
  auto& first = *service.nodes[0];
  ASSERT_TRUE(service.commit(service.set_status({0}, "Trusted")));
  auto& second = service.add_node();
  second.alive = false;
  service.set_status({1}, "Trusted");
  // Alone: the clock moves on to what the step before asked for.
  const auto sleep = [&](const std::optional<MonotonicTime>& until) {
    ASSERT_TRUE(until) << "it would sleep for ever";
    service.clock.time = std::max(service.clock.time, *until);
  };
  for (int i = 0; i < 1000 && first.leads(); ++i) sleep(first.replica->step());
  ASSERT_FALSE(first.leads());
  sleep(first.replica->step());
  service.mail.clear();

  // Whoever got something is woken, the others sleep as long as they asked to.
  second.alive = true;
  std::map<TestCluster::Node*, std::optional<MonotonicTime>> due{{&first, service.clock.time},
                                                                 {&second, std::nullopt}};
  for (int i = 0; i < 1000 && service.leader() == nullptr; ++i) {
    std::optional<MonotonicTime> next;
    for (auto& [node, at] : due) {
      if (at && *at <= service.clock.time) at = node->replica->step();
    }
    for (auto& letter : std::exchange(service.mail, {})) {
      auto* to = service.find(letter.to);
      to->inbox.put(Incoming{letter.from, std::move(letter.bytes)});
      due[to] = service.clock.time;
    }
    for (const auto& [node, at] : due) {
      if (at && (!next || *at < *next)) next = at;
    }
    sleep(next);
  }
  ASSERT_NE(service.leader(), nullptr);
}

}  // namespace
}  // namespace entente::replica
