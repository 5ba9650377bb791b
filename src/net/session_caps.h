#pragma once
// Every connection is a descriptor, and the process may have only so many (RLIMIT_NOFILE): caps
// that the system does not allow would be a promise that nobody keeps, and connections would use up
// the descriptors that the ledger needs.

#include <memory>
#include <vector>

#include "net/endpoint.h"

namespace entente::net {

/// Descriptors that are left to everything else: ledger files, pipes, connections to other nodes,
/// and closed sessions whose peer has not closed yet.
inline constexpr uint64_t reserved_descriptors = 192;

/// How many sessions each interface gets when together they may have no more than `room`: as they
/// are if they fit, else all in the same proportion, at least one each.
std::vector<uint64_t> shared_out(const std::vector<uint64_t>& hard_caps, uint64_t room);

/// Raises the process's soft limit where the caps need it; where the hard limit is below, lowers
/// the caps and logs which. `max_descriptors` 0: the process's limit.
void fit_session_caps(const std::vector<std::unique_ptr<Endpoint>>& endpoints,
                      uint64_t max_descriptors);

}  // namespace entente::net
