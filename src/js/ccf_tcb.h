#pragma once
// The version number of a processor's trusted computing base as parts with names. Sources: AMD
// SEV-SNP ABI specification §2.2 (TCB_VERSION); docs/governance.md (join policy).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "entente/result.h"

namespace entente::js {

struct TcbPart {
  const char* name;  ///< `microcode`, `snp`, `tee`, `boot_loader`, `fmc`
  uint8_t value;
};

/// `cpuid`: EAX of CPUID leaf 1; `tcb`: eight bytes, the most significant first; both in hex of
/// either case. An error if the processor is none of Milan, Genoa and Turin.
Result<std::vector<TcbPart>> tcb_parts(std::string_view cpuid, std::string_view tcb);

}  // namespace entente::js
