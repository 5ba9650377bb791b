#pragma once
// Evidence that binds a node's key to the code that it runs, as stored in the node's table row and
// sent when joining. Source: docs/attestation.md.

#include <optional>
#include <string>

#include "base/json.h"
#include "entente/bytes.h"
#include "entente/types.h"

namespace entente::tee {

struct Evidence {
  std::string format;  ///< `Insecure_Virtual`, later `AMD_SEV_SNP_v1` …
  Bytes quote;         ///< raw evidence bytes
  Bytes endorsements;  ///< may be empty

  /// {"endorsements","format","quote"}, byte strings in base64.
  json::object to_json() const;
  static Result<Evidence> from_json(const json::Reader& reader);
};

/// What verified evidence says.
struct Claims {
  Bytes measurement;  ///< identifies the code
  Digest host_data;   ///< identifies its configuration
  Bytes report_data;  ///< what the node put in: the digest of its public key
};

}  // namespace entente::tee
