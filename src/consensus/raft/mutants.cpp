#include "consensus/raft/mutants.h"

namespace entente::consensus {

#ifdef ENTENTE_MUTANTS
Defect seeded_defect = Defect::none;
#endif

}  // namespace entente::consensus
