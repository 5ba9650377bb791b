#pragma once
// Defects of earlier designs of this protocol, each seeded by one switch, to prove that the tests
// would find them. Only builds with ENTENTE_MUTANTS can switch one on; in every other build
// broken() is a constant and the defect is not compiled. Source: docs/verification.md (mutants).

#include <cstdint>

namespace entente::consensus {

enum class Defect : uint8_t {
  none,
  union_tally,         ///< R1: election votes counted over the union of the configurations
  old_view_commit,     ///< R2: entries of earlier views commit on acknowledgement count
  forgets_signatures,  ///< R3: an election empties the list of commit points
  match_lowered,       ///< R4: a refusal lowers what a peer is known to hold
  eager_rollback,      ///< R5: overlapping entries are rolled back without a conflict
  acks_own_tail,       ///< R6: an acknowledgement names the local tail
  retires_early,       ///< R7: removed nodes stop helping once their removal is committed
  unconfirmed_read,    ///< R8: barrier reads are released without asking the others
  forgets_vote,        ///< R9: stepping down within a view clears the vote
  commits_unverified,  ///< R10: a follower commits beyond what the leader has compared
  drops_acknowledged,  ///< R11: stepping down drops acknowledged entries
  takes_old_epoch,     ///< R12: proposals of a lost leadership are taken by the next one
  refusal_overwrites,  ///< R13: any refusal moves the position to send from
  any_quorum,          ///< R14: hearing a quorum of one configuration is enough to go on leading
  removed_campaigns,   ///< R15: nodes that are out, or were never in, keep standing for election
  last_view_only,      ///< R16: a joiner knows only the newest view
  two_branches,        ///< R17: sessions go on after an election that dropped what they saw
  any                  ///< as an argument of broken(): whether there is one at all
};

#ifdef ENTENTE_MUTANTS
extern Defect seeded_defect;
inline bool broken(Defect defect) {
  return seeded_defect != Defect::none && (defect == Defect::any || defect == seeded_defect);
}
#else
constexpr bool broken(Defect) {
  return false;
}
#endif

}  // namespace entente::consensus
