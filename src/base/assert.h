#pragma once
// Invariants. They stay on in every build: a node that broke one must not sign a ledger.

#include <source_location>

namespace entente {

/// Prints the place and the condition to stderr, flushes the logs and aborts the process.
[[noreturn]] void invariant_broken(const char* condition,
                                   std::source_location where = std::source_location::current());

}  // namespace entente

#define ENTENTE_ASSERT(condition)                                  \
  do {                                                             \
    if (!(condition)) [[unlikely]]                                 \
      ::entente::invariant_broken(#condition);                     \
  } while (false)
