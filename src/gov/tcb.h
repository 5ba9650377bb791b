#pragma once
// Version numbers of the parts of a processor that a report of AMD SEV-SNP vouches for (trusted
// computing base), and minimal ones as governance sets them for each processor model.
// Source: docs/attestation.md (TCB), AMD SEV-SNP ABI specification §2.2.

#include <optional>
#include <string_view>

#include "base/json.h"
#include "entente/result.h"

namespace entente::gov {

/// Components that a product does not have are absent.
struct Tcb {
  std::optional<uint64_t> boot_loader, tee, snp, microcode, fmc;
};

/// A stored minimum: an object of numbers; other members, such as `hexstring`, are ignored.
Result<Tcb> parse_tcb(const json::value& row);
/// The same components on both sides, none lower than its minimum.
bool meets(const Tcb& reported, const Tcb& minimum);

struct CpuModel {
  uint8_t family = 0, model = 0, stepping = 0;  ///< with the extended parts, as reports have them
  bool operator==(const CpuModel&) const = default;
};
/// Out of leaf 1 EAX of CPUID as 8 hex digits, most significant first.
std::optional<CpuModel> cpu_model(std::string_view cpuid);

}  // namespace entente::gov
