#pragma once
// Which nodes a ledger knows at a point, and with which certificates they sign. Inside of
// verification. Source: docs/ledger-format.md (14.1 steps 4a, 4b; 15.3).

#include <map>
#include <optional>
#include <set>
#include <string>

#include "crypto/x509.h"
#include "entente/result.h"
#include "kv/write_set.h"
#include "ledger/signature.h"

namespace entente::ledger {

namespace maps {
inline constexpr std::string_view nodes_info = "public:ccf.gov.nodes.info";
inline constexpr std::string_view endorsed_certificates =
    "public:ccf.gov.nodes.endorsed_certificates";
}  // namespace maps

/// Errors of all calls are "field: reason".
class NodeRegister {
 public:
  /// Takes over the writes to the two maps. `service`: the service certificate in force, which must
  /// have signed each endorsed certificate.
  Result<void> apply(const kv::WriteSet& writes, const std::optional<crypto::Certificate>& service);

  /// Whether this node may sign, with the certificate that the signature carries, and did.
  Result<void> check_signature(const NodeSignature& signature) const;

 private:
  struct Node {
    std::string status;
    std::string certificate_pem;
    std::optional<crypto::PublicKey> key;  ///< of the certificate, once there is one
  };

  Result<void> apply_info(const kv::MapWrites& map);
  Result<void> apply_certificates(const kv::MapWrites& map,
                                  const std::optional<crypto::Certificate>& service);
  Result<void> set_certificate(const std::string& field, const std::string& id, std::string pem,
                               bool legacy, const crypto::Certificate* service);

  std::map<std::string, Node> nodes_;
  std::set<std::string> legacy_now_;  ///< whose certificate stands in nodes.info of this entry
};

}  // namespace entente::ledger
