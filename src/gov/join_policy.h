#pragma once
// Who may join: what the tables of governance say about evidence. Whether the evidence is genuine
// is decided before, by the tee room; this is a pure function of the tables.
// Source: docs/governance.md (join policy), docs/attestation.md.

#include <optional>
#include <string>
#include <string_view>

#include "entente/digest.h"
#include "entente/kv.h"
#include "gov/tcb.h"
#include "tee/evidence.h"

namespace entente::gov {

enum class Platform : uint8_t { virtual_machine, sev_snp, sgx };

/// Evidence that the platform's rules have accepted.
struct VerifiedEvidence {
  Platform platform = Platform::virtual_machine;
  Bytes measurement;                ///< virtual: text; SNP: 48 bytes; SGX: 32
  std::optional<Digest> host_data;  ///< absent: the evidence has none
  Bytes report_data;                ///< the digest of the node's public key, zeros may follow
  /// SNP only. Endorsements of the measurement by its vendor, signature and chain verified.
  struct Uvm {
    std::string did;
    std::string feed;
    uint64_t svn = 0;
    Bytes measurement;
  };
  std::optional<Uvm> uvm;
  std::optional<CpuModel> cpu;  ///< SNP only
  Tcb tcb;                      ///< SNP only: as reported
};

/// Why a node may not join. The answer is 401 InvalidQuote with this message.
struct JoinRefusal {
  std::string message;
};

/// In the order host data, measurement, TCB, report data; nothing if all agree. `node_key`: of the
/// joining node's public key in DER.
std::optional<JoinRefusal> check_join(kv::ReadOnlyTx& tx, const VerifiedEvidence& evidence,
                                      const Digest& node_key);

/// The same, verification of the evidence included. Only evidence of the format that this node
/// itself has is accepted: virtual evidence, which anybody can forge, must not open a protected
/// service.
std::optional<JoinRefusal> check_join(kv::ReadOnlyTx& tx, const tee::Evidence& evidence,
                                      const Digest& node_key, std::string_view own_format);

}  // namespace entente::gov
