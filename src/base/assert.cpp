#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace entente {

void invariant_broken(const char* condition, std::source_location where) {
  std::fprintf(stderr, "invariant broken at %s:%u in %s: %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name(), condition);
  std::fflush(nullptr);
  std::abort();
}

}  // namespace entente
