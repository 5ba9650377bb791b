#pragma once
// Switches a known defect on, in builds that have them (docs/verification.md, mutants).

#include <string>
#include <vector>

namespace entente::sim {

/// By its name in consensus/raft/mutants.h. False: this build or nobody knows it.
bool seed_defect(const std::string& name);
/// All names, in order.
const std::vector<std::string>& defect_names();

}  // namespace entente::sim
