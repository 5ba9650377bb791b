#pragma once
// The platform without protection, for development: evidence that anybody can forge, in the shape
// of the real ones. Source: docs/attestation.md (virtual platform).

#include "base/environment.h"
#include "tee/evidence.h"

namespace entente::tee::virtual_platform {

inline constexpr std::string_view format = "Insecure_Virtual";
inline constexpr std::string_view measurement = "Insecure hard-coded virtual measurement v1";

/// SHA-256 of the program file that runs (`/proc/self/exe`).
Result<Digest> host_data(Disk& disk);

/// Evidence over the digest of a node's public key.
Evidence make_evidence(const Digest& key_digest, const Digest& host_data);

/// Reads the claims; there is no signature to check.
Result<Claims> read_evidence(const Evidence& evidence);

}  // namespace entente::tee::virtual_platform
