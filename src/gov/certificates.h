#pragma once
// Certificates that proposals ask for. Source: docs/governance.md (certificates).

#include <string>
#include <string_view>

#include "entente/kv.h"
#include "gov/surroundings.h"

namespace entente::gov {

/// A node's certificate as PEM: what its request asks for, signed by the service.
Result<std::string> generate_endorsed_certificate(kv::ReadOnlyTx& tx,
                                                  const Surroundings& surroundings,
                                                  std::string_view request_pem,
                                                  std::string_view valid_from, uint64_t days);

/// The service's certificate anew as PEM: same key and subject, other validity.
Result<std::string> generate_network_certificate(kv::ReadOnlyTx& tx,
                                                 const Surroundings& surroundings,
                                                 std::string_view valid_from, uint64_t days);

}  // namespace entente::gov
