#include "net/session_caps.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/log.h"

namespace entente::net {
namespace {

/// Above this a cap means "no bound" to whoever wrote it, and sums must not overflow.
constexpr uint64_t most_sessions = uint64_t{1} << 32;

/// What the process may have, after its soft limit was raised to `wanted` if that is allowed.
uint64_t descriptor_limit(uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = std::min<rlim_t>(wanted, limit.rlim_max);
  return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

}  // namespace

std::vector<uint64_t> shared_out(const std::vector<uint64_t>& hard_caps, uint64_t room) {
  uint64_t sum = 0;
  for (const uint64_t cap : hard_caps) sum += std::min(cap, most_sessions);
  if (sum <= room) return hard_caps;
  std::vector<uint64_t> out;
  for (const uint64_t cap : hard_caps) {
    const double part =
        static_cast<double>(std::min(cap, most_sessions)) / static_cast<double>(sum);
    out.push_back(std::max<uint64_t>(1, static_cast<uint64_t>(part * static_cast<double>(room))));
  }
  return out;
}

void fit_session_caps(const std::vector<std::unique_ptr<Endpoint>>& endpoints,
                      uint64_t max_descriptors) {
  std::vector<uint64_t> configured;
  uint64_t wanted = reserved_descriptors;
  for (const auto& endpoint : endpoints) {
    configured.push_back(endpoint->hard_cap);
    wanted += std::min(endpoint->hard_cap, most_sessions);
  }
  const uint64_t limit = max_descriptors != 0 ? max_descriptors : descriptor_limit(wanted);
  const uint64_t room = limit > reserved_descriptors ? limit - reserved_descriptors : 0;
  const std::vector<uint64_t> caps = shared_out(configured, room);
  for (size_t i = 0; i < caps.size(); ++i) {
    Endpoint& endpoint = *endpoints[i];
    if (caps[i] == endpoint.hard_cap) continue;
    // Some are left above the soft cap, so that they can be answered.
    constexpr uint64_t most_refused = 10;
    const uint64_t refused = std::min(most_refused, caps[i] / 2);
    endpoint.soft_cap = std::min(endpoint.soft_cap, caps[i] - refused);
    endpoint.hard_cap = caps[i];
    log::info("net",
              "Interface '{}': at most {} sessions (503 from {} on) instead of {}: the process may "
              "have {} open files (RLIMIT_NOFILE, `ulimit -n`)",
              endpoint.config.name, endpoint.hard_cap, endpoint.soft_cap, configured[i], limit);
  }
}

}  // namespace entente::net
