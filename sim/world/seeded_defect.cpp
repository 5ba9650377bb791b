#include "sim/world/seeded_defect.h"

#include "consensus/raft/mutants.h"

namespace entente::sim {

const std::vector<std::string>& defect_names() {
  static const std::vector<std::string> names{"none",
                                              "union_tally",
                                              "old_view_commit",
                                              "forgets_signatures",
                                              "match_lowered",
                                              "eager_rollback",
                                              "acks_own_tail",
                                              "retires_early",
                                              "unconfirmed_read",
                                              "forgets_vote",
                                              "commits_unverified",
                                              "drops_acknowledged",
                                              "takes_old_epoch",
                                              "refusal_overwrites",
                                              "any_quorum",
                                              "removed_campaigns",
                                              "last_view_only",
                                              "two_branches"};
  return names;
}

bool seed_defect([[maybe_unused]] const std::string& name) {
#ifdef ENTENTE_MUTANTS
  for (size_t i = 0; i < defect_names().size(); ++i) {
    if (defect_names()[i] != name) continue;
    consensus::seeded_defect = static_cast<consensus::Defect>(i);
    return true;
  }
#endif
  return false;
}

}  // namespace entente::sim
