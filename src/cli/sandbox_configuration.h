#pragma once
// The configuration documents of the nodes of a sandbox. File names in them are relative to the
// folder that the node works in. Source: docs/configuration.md.

#include <string>
#include <vector>

#include "base/json.h"

namespace entente::cli {

/// What all nodes of one sandbox have in common, whether they start the service or join it.
struct SandboxNodeSettings {
  uint16_t port = 0;            ///< of clients; 0: any free one
  bool one_of_several = false;  ///< then elections and heartbeats are those of one machine
};

struct SandboxGenesis {
  struct Member {
    std::string certificate, encryption_key;
  };
  std::vector<std::string> constitution_files;
  std::vector<Member> members;
};

inline constexpr unsigned sandbox_validity_days = 90;
inline constexpr const char* sandbox_service_certificate = "service_cert.pem";

/// The node that makes the service, with these members. A majority of their shares recovers it.
json::object starting_configuration(const SandboxNodeSettings& settings,
                                    const SandboxGenesis& genesis);

/// A node that asks the one at `target` (host:port) to be admitted. The service certificate must
/// lie in its folder.
json::object joining_configuration(const SandboxNodeSettings& settings, const std::string& target);

}  // namespace entente::cli
